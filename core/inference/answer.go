package inference

import "bytes"

// Answer reads a JSON answer in parts as they come, and keeps next to nothing of
// it: what a whole one tells by ResponseUsage, ResponseObject and EstimateJSON,
// it tells of one that is too large to be kept. It checks no more of the
// structure than they do. It is for one goroutine.
type Answer struct {
	call    Call
	place   answerPlace
	depth   int
	escaped bool // the last byte of the string was a backslash
	odd     bool // it is no JSON object

	text    int64 // bytes of the string so far
	word    []byte
	string  bool  // a string has just ended: a name or a value
	carries bool  // the last name in the answer's own part was one of text
	spoken  int64 // bytes of such text

	field    answerField // of the outermost object
	captured []byte      // its value so far
	over     bool        // which is too long to be kept
	usage    []byte
	id       string
	status   string
}

type answerPlace uint8

const (
	beforeAnswer answerPlace = iota
	inAnswer
	inAnswerText
	afterAnswer
)

type answerField uint8

const (
	noField answerField = iota
	idField
	statusField
	usageField
	wordsField // choices or output
)

const (
	maxCaptured = 64 << 10
	maxWord     = 24 // of a name: longer than any that matters
)

// NewAnswer returns a reader of the answer to call.
func NewAnswer(call Call) *Answer { return &Answer{call: call, word: make([]byte, 0, maxWord+1)} }

// Write takes the next part, and returns how many of its bytes lie before the
// end of the object: with these alone the answer is not complete.
func (a *Answer) Write(part []byte) int {
	for i := 0; i < len(part); {
		switch a.place {
		case inAnswerText:
			i = a.inText(part, i)
		case inAnswer:
			if i = a.skip(part, i); i == len(part) {
				return i
			}
			if a.inObject(part[i]) {
				a.place = afterAnswer
				a.odd = a.odd || pastSpace(part, i+1) < len(part)
				return i
			}
			i++
		case beforeAnswer:
			i = a.before(part, i)
		case afterAnswer:
			a.odd = a.odd || pastSpace(part, i) < len(part)
			return 0
		}
	}
	return len(part)
}

func (a *Answer) before(part []byte, i int) int {
	i = pastSpace(part, i)
	if i == len(part) {
		return i
	}
	if part[i] != '{' {
		a.odd = true
	}
	a.place, a.depth = inAnswer, 1
	return i + 1
}

// inText reads on in a string and returns where it stopped.
func (a *Answer) inText(part []byte, i int) int {
	from := i
	if a.escaped {
		a.escaped = false
		i++
	}
	for {
		i = plain(part, i)
		if i >= len(part) {
			break
		}
		if part[i] == '"' {
			a.more(part[from:i])
			a.capture(part[from : i+1])
			a.place, a.string = inAnswer, true
			return i + 1
		}
		if part[i] == '\\' {
			i++ // and what it escapes
			if i == len(part) {
				a.escaped = true
				break
			}
		}
		i++
	}
	a.more(part[from:])
	a.capture(part[from:])
	return len(part)
}

// more adds to the string.
func (a *Answer) more(raw []byte) {
	a.text += int64(len(raw))
	a.word = append(a.word, raw[:min(len(raw), maxWord+1-len(a.word))]...)
}

// skip returns the index of the next byte from i on that matters: among the
// numbers of a vector there are few.
func (a *Answer) skip(part []byte, i int) int {
	if a.depth < 2 || a.string || a.carries || a.field > noField && a.field < wordsField {
		return i
	}
	for i < len(part) && !matters[part[i]] {
		i++
	}
	return i
}

var matters = [256]bool{'"': true, '{': true, '}': true, '[': true, ']': true}

// inObject takes a byte outside of strings, and reports whether it is the last
// of the answer.
func (a *Answer) inObject(c byte) bool {
	switch c {
	case ' ', '\n', '\r', '\t':
		a.capture([]byte{c})
		return false
	case ':':
		if a.string {
			a.string = false
			a.named()
			return false
		}
	default:
	}
	if a.string { // it was a value
		a.string = false
		if a.carries {
			a.spoken += a.text
		}
		a.carries = false
	}
	switch c {
	case '"':
		a.place, a.text, a.word = inAnswerText, 0, a.word[:0]
	case '{', '[':
		a.depth++
		a.carries = false
	case '}', ']':
		a.carries = false
		if a.depth--; a.depth == 0 {
			a.close()
			a.odd = a.odd || c != '}'
			return true
		}
	case ',':
		a.carries = false
		if a.depth == 1 {
			a.close()
			return false
		}
	default:
	}
	a.capture([]byte{c})
	return false
}

// named takes the name of a member, which was the last string.
func (a *Answer) named() {
	if a.depth > 1 {
		a.capture([]byte{':'})
		a.carries = a.field == wordsField && carriesText(a.word)
		return
	}
	a.close()
	words := "choices"
	if a.call.Route == Responses {
		words = "output"
	}
	switch string(a.word) {
	case "id":
		a.field = idField
	case "status":
		a.field = statusField
	case "usage":
		a.field = usageField
	case words:
		a.field = wordsField
	}
	a.captured, a.over = a.captured[:0], false
}

// capture keeps a part of the field's value, if it matters.
func (a *Answer) capture(raw []byte) {
	if a.field == noField || a.field == wordsField || a.over {
		return
	}
	if a.over = len(a.captured)+len(raw) > maxCaptured; !a.over {
		a.captured = append(a.captured, raw...)
	}
}

// close takes the value of the field that has ended.
func (a *Answer) close() {
	value := bytes.TrimRight(bytes.TrimLeft(a.captured, " \n\r\t"), " \n\r\t")
	if a.over {
		value = nil
	}
	switch a.field {
	case idField:
		a.id = string(unescape(nil, quoted(value)))
	case statusField:
		a.status = string(unescape(nil, quoted(value)))
	case usageField:
		a.usage = append(a.usage[:0], value...)
	case noField, wordsField:
	}
	a.field = noField
}

// Whole says that the object is complete, and nothing but space came after it.
func (a *Answer) Whole() bool { return a.place == afterAnswer && !a.odd }

// Odd says that this is no JSON object.
func (a *Answer) Odd() bool { return a.odd }

// Usage is what ResponseUsage tells of a whole answer.
func (a *Answer) Usage() (Usage, bool) { return readUsage(a.call.Route, a.usage) }

// Object is what ResponseObject tells of a whole answer, as far as it came.
func (a *Answer) Object() (id, status string) { return a.id, a.status }

// Estimate is what EstimateJSON tells of a whole answer, as far as it came.
func (a *Answer) Estimate() Usage {
	if a.call.Route == Embeddings {
		return EstimateJSON(a.call, nil)
	}
	spoken := a.spoken
	if a.carries && (a.place == inAnswerText || a.string) {
		spoken += a.text
	}
	return estimate(a.call, spoken)
}
