package inference

// chatChunk is where the parts of a chat chunk lie, and what its choices come to.
type chatChunk struct {
	id, usage, failure []byte
	choices            choices
}

// choices is what the choices of a chunk come to.
type choices struct {
	n      int
	spoken int64 // as of Meter
	pieces int64
	ended  [2]uint64
}

// observeChunk classifies the data of one chat chunk.
func (m *Meter) observeChunk(data []byte) Class {
	var c chatChunk
	w := object(data)
	for {
		name, more := w.key()
		if !more {
			break
		}
		if string(name) == "choices" {
			from := w.i
			end := c.choices.read(&w)
			if end < 0 {
				// Not as it should be. What can be found in it, counts.
				if end = pastValue(data, from); end >= 0 {
					c.choices.find(data[from:end])
				}
			}
			w.past(end)
			continue
		}
		from := w.i
		if !w.past(pastValue(data, from)) {
			break
		}
		switch value := data[from:w.end]; string(name) {
		case "id":
			c.id = value
		case "usage":
			c.usage = value
		case "error":
			c.failure = value
		}
	}
	switch {
	case !w.clean():
		return ClassMalformed
	case c.failure != nil && !isNull(c.failure):
		return ClassFailure
	}
	m.identify(c.id)
	m.spoken += c.choices.spoken
	m.pieces += c.choices.pieces
	for i, bits := range c.choices.ended {
		m.ended[i] |= bits
	}
	if c.usage != nil {
		m.report(c.usage) // it counts what this very chunk brought, too
	}
	if c.choices.n == 0 && c.usage != nil && !isNull(c.usage) {
		return ClassUsage
	}
	return ClassContent
}

// read adds up the array of choices that is w's present value, and returns
// where it ends, in one go; -1 if it is not as it should be.
func (c *choices) read(w *walk) int {
	*c = choices{}
	list := w.inner('[', ']')
	for {
		if _, more := list.key(); !more {
			break
		}
		one := list.inner('{', '}')
		c.n++
		c.one(&one)
		if !one.done {
			return -1
		}
		list.past(one.i)
	}
	if !list.done {
		return -1
	}
	return list.i
}

// find is read for a value that is not as it should be, piece by piece.
func (c *choices) find(raw []byte) {
	*c = choices{}
	w := array(raw)
	for {
		_, value, more := w.next()
		if !more {
			return
		}
		c.n++
		one := object(value)
		c.one(&one)
	}
}

// one adds up a choice.
func (c *choices) one(w *walk) {
	var index int64
	ends := false
	for {
		name, value, more := w.next()
		if !more {
			break
		}
		switch string(name) {
		case "index":
			i, ok := wholeNumber(value, maxChoices-1)
			if !ok {
				return
			}
			index = i
		case "finish_reason":
			ends = !isNull(value)
		case "delta":
			if n := spoken(value); n > 0 {
				c.spoken += n
				c.pieces++
			}
		}
	}
	if ends {
		c.ended[index>>6] |= 1 << (index & 63)
	}
}
