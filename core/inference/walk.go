package inference

// walk goes over the members of an object or the elements of an array, in the
// upstream's answers. It checks structure only as far as it must to find its way:
// an answer is not ours to validate, and every value it skips costs time.
type walk struct {
	b      []byte
	i      int
	end    int  // of the last value
	closer byte // 0 if the walk never began or broke off
	begun  bool
	done   bool // closer was seen
}

// object starts a walk over the object b.
func object(b []byte) walk { return begin(b, '{', '}') }

// array starts a walk over the array b.
func array(b []byte) walk { return begin(b, '[', ']') }

func begin(b []byte, opener, closer byte) walk {
	i := pastSpace(b, 0)
	if i == len(b) || b[i] != opener {
		return walk{}
	}
	return walk{b: b, i: pastSpace(b, i+1), closer: closer}
}

// next returns the next key (raw, without quotes; none in an array) and the next
// value (raw). It returns false at the end, clean or not: see clean.
func (w *walk) next() ([]byte, []byte, bool) {
	name, more := w.key()
	if !more {
		return nil, nil, false
	}
	from := w.i
	if !w.past(pastValue(w.b, from)) {
		return nil, nil, false
	}
	return name, w.b[from:w.end], true
}

// key is next up to the value, which begins at i. It must be followed by past.
func (w *walk) key() ([]byte, bool) {
	if w.closer == 0 || w.done || w.i == len(w.b) {
		return nil, false
	}
	if w.b[w.i] == w.closer {
		w.done = true
		w.i++
		return nil, false
	}
	if w.begun {
		if w.b[w.i] != ',' {
			return w.broken()
		}
		w.i = pastSpace(w.b, w.i+1)
	}
	w.begun = true
	if w.closer == ']' {
		return nil, true
	}
	if w.i == len(w.b) || w.b[w.i] != '"' {
		return w.broken()
	}
	from := w.i + 1
	end := pastText(w.b, w.i)
	if end < 0 {
		return w.broken()
	}
	w.i = pastSpace(w.b, end)
	if w.i == len(w.b) || w.b[w.i] != ':' {
		return w.broken()
	}
	w.i = pastSpace(w.b, w.i+1)
	return w.b[from : end-1], true
}

// past goes on after the value, which ends at end; none if that is negative.
func (w *walk) past(end int) bool {
	if end < 0 {
		w.broken()
		return false
	}
	w.end = end
	w.i = pastSpace(w.b, end)
	return true
}

// inner starts a walk over the object or array that is the present value, if it
// is such a one.
func (w *walk) inner(opener, closer byte) walk {
	if w.i == len(w.b) || w.b[w.i] != opener {
		return walk{}
	}
	return walk{b: w.b, i: pastSpace(w.b, w.i+1), closer: closer}
}

func (w *walk) broken() ([]byte, bool) {
	w.closer = 0
	return nil, false
}

// clean says that the walk ran to its end and that nothing follows.
func (w *walk) clean() bool { return w.done && pastSpace(w.b, w.i) == len(w.b) }

func pastSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// pastText returns the index after the string that begins at i, -1 if it is cut.
func pastText(b []byte, i int) int {
	for i++; ; {
		i = plain(b, i)
		switch {
		case i >= len(b):
			return -1
		case b[i] == '"':
			return i + 1
		case b[i] == '\\':
			i += 2
		default:
			i++
		}
	}
}

// pastValue returns the index after the value that begins at i, -1 if there is
// none or it is cut.
func pastValue(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return pastText(b, i)
	case '{', '[':
	default:
		from := i
		for i < len(b) && !endsScalar[b[i]] {
			i++
		}
		if i == from {
			return -1
		}
		return i
	}
	for open := 0; i < len(b); {
		switch b[i] {
		case '"':
			i = pastText(b, i)
			if i < 0 {
				return -1
			}
			continue
		case '{', '[':
			open++
		case '}', ']':
			open--
			if open == 0 {
				return i + 1
			}
		}
		i++
	}
	return -1
}

// endsScalar marks what a number or a word cannot hold. Were a quote or a
// bracket a part of one, there would be two ways to find the end of what it is in.
var endsScalar = [256]bool{
	',': true, ']': true, '}': true, ':': true, ' ': true, '\n': true, '\r': true, '\t': true, '"': true, '[': true, '{': true,
}

// isNull says that a raw value is null.
func isNull(value []byte) bool { return string(value) == "null" }

// quoted returns the raw content of a raw string; none for another value.
func quoted(value []byte) []byte {
	if len(value) < 2 || value[0] != '"' {
		return nil
	}
	return value[1 : len(value)-1]
}

// spoken returns the length in bytes of what the model wrote in value: its
// strings under the keys that carry text, reasoning or arguments.
func spoken(value []byte) int64 {
	var total int64
	carries := false // the last key was one of those
	for i := 0; i < len(value); {
		if value[i] != '"' {
			switch value[i] {
			case '{', '[', '}', ']', ',':
				carries = false
			}
			i++
			continue
		}
		end := pastText(value, i)
		if end < 0 {
			return total
		}
		raw := value[i+1 : end-1]
		i = pastSpace(value, end)
		if i < len(value) && value[i] == ':' {
			carries = carriesText(raw)
			i++
			continue
		}
		if carries {
			total += int64(len(raw))
		}
		carries = false
	}
	return total
}

func carriesText(name []byte) bool {
	switch string(name) {
	case "content", "text", "arguments", "refusal", "reasoning", "reasoning_content", "input", "name", "code":
		return true
	}
	return false
}
