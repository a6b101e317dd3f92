package inference

// chatChunk is where the parts of a chat chunk lie.
type chatChunk struct {
	id, choices, usage, failure []byte
}

// observeChunk classifies the data of one chat chunk.
func (m *Meter) observeChunk(data []byte) Class {
	var c chatChunk
	w := object(data)
	for {
		name, value, more := w.next()
		if !more {
			break
		}
		switch string(name) {
		case "id":
			c.id = value
		case "choices":
			c.choices = value
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
	choices := m.observeChoices(c.choices)
	if c.usage != nil {
		m.report(c.usage) // it counts what this very chunk brought, too
	}
	if choices == 0 && c.usage != nil && !isNull(c.usage) {
		return ClassUsage
	}
	return ClassContent
}

// observeChoices adds up a chunk's choices and returns how many there are.
func (m *Meter) observeChoices(raw []byte) int {
	n := 0
	w := array(raw)
	for {
		_, value, more := w.next()
		if !more {
			return n
		}
		n++
		m.observeChoice(value)
	}
}

func (m *Meter) observeChoice(raw []byte) {
	var index int64
	ends := false
	w := object(raw)
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
			m.say(spoken(value))
		}
	}
	if ends {
		m.ended[index>>6] |= 1 << (index & 63)
	}
}
