package inference

import (
	"bytes"
	"math"
)

// responseEvent is where the parts of a responses event lie.
type responseEvent struct {
	kind, response, delta, sequence, failure []byte
}

// observeEvent classifies one event of a response by the type in its data or by
// the frame's event name, whichever ends the stream: clients differ in which
// they heed.
func (m *Meter) observeEvent(name, data []byte) Class {
	var e responseEvent
	w := object(data)
	for {
		name, value, more := w.next()
		if !more {
			break
		}
		switch string(name) {
		case "type":
			e.kind = quoted(value)
		case "response":
			e.response = value
		case "delta":
			e.delta = quoted(value)
		case "sequence_number":
			e.sequence = value
		case "error":
			e.failure = value
		}
	}
	if !w.clean() {
		return ClassMalformed
	}
	if n, ok := wholeNumber(e.sequence, math.MaxInt64-1); ok {
		m.sequence = n + 1
	}
	if string(e.kind) == "error" || string(name) == "error" || e.failure != nil && !isNull(e.failure) {
		return ClassFailure
	}
	if e.response != nil {
		m.observeResponse(e.response)
	}
	if endsResponse(e.kind) || endsResponse(name) {
		m.terminal = true
		m.failed = failsResponse(e.kind) || failsResponse(name)
		return ClassTerminal
	}
	if bytes.HasSuffix(e.kind, []byte(".delta")) && !bytes.HasSuffix(e.kind, []byte("audio.delta")) {
		m.say(int64(len(e.delta)))
	}
	return ClassContent
}

// observeResponse reads the response object that an event carries.
func (m *Meter) observeResponse(raw []byte) {
	w := object(raw)
	for {
		name, value, more := w.next()
		if !more {
			return
		}
		switch string(name) {
		case "id":
			m.identify(value)
		case "usage":
			m.report(value)
		}
	}
}

func failsResponse(kind []byte) bool {
	return string(kind) == "response.failed" || string(kind) == "response.cancelled"
}

func endsResponse(kind []byte) bool {
	switch string(kind) {
	case "response.completed", "response.incomplete", "response.failed", "response.cancelled":
		return true
	}
	return false
}
