package inference

import "bytes"

// Class says what a frame of a stream is, which decides when a client may see it.
type Class uint8

// The classes of frames.
const (
	// ClassComment carries no data: comments, blank lines, retry hints.
	ClassComment Class = iota
	// ClassContent is part of the answer; it passes at once.
	ClassContent
	// ClassUsage is the extra chunk of a chat: usage and no choices.
	ClassUsage
	// ClassDone is [DONE].
	ClassDone
	// ClassTerminal is the last event of a response: completed, incomplete,
	// failed or cancelled.
	ClassTerminal
	// ClassFailure is an error of the upstream inside the stream.
	ClassFailure
	// ClassMalformed is data that is not a JSON object.
	ClassMalformed
)

var classNames = [...]string{"comment", "content", "usage", "done", "terminal", "failure", "malformed"}

// String returns the class's name.
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return "unknown"
}

// Meter tells what the frames of one stream are and adds up what they used. It
// allocates nothing per frame, and keeps no text. It is for one goroutine.
type Meter struct {
	route     Route
	choices   int64
	bodyBytes int
	context   int64

	id       string
	usage    Usage
	reported bool
	spoken   int64     // bytes of text, reasoning and arguments so far
	told     int64     // of which the last report knew
	pieces   int64     // parts in which they came
	ended    [2]uint64 // chat: a bit for each choice that has its finish_reason
	terminal bool
	failed   bool   // responses: the terminal event says that there is no answer
	sequence int64  // responses: the next event's number
	joined   []byte // the data of a frame that has several data lines
}

// NewMeter returns a meter for the stream that answers call.
func NewMeter(call Call) *Meter {
	m := new(Meter)
	m.Reset(call)
	return m
}

// Reset makes m ready for the stream that answers call.
func (m *Meter) Reset(call Call) {
	joined := m.joined[:0]
	if cap(joined) > frameBufferKept {
		joined = nil
	}
	*m = Meter{route: call.Route, choices: max(call.N, 1), bodyBytes: call.BodyBytes, context: call.Context, joined: joined}
}

// Observe classifies one frame, as FrameReader gives it, and adds it up. A frame
// that is malformed adds nothing.
func (m *Meter) Observe(frame []byte) Class {
	event, data, class := m.split(frame)
	if class != ClassContent {
		return class
	}
	// SDKs test for a prefix, so whatever begins like this is an end to them.
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("[DONE]")) {
		return ClassDone
	}
	if m.route == Responses {
		return m.observeEvent(event, data)
	}
	return m.observeChunk(data)
}

// Usage returns what the upstream last reported; false if it never did. Text
// that came after the report is counted here and added, so that a figure from
// the middle of a stream does not stand for the whole of it.
func (m *Meter) Usage() (Usage, bool) {
	u := m.usage
	if m.reported && m.spoken > m.told {
		u.Output += quarter(m.spoken - m.told)
		u.Estimated = true
	}
	return u, m.reported
}

// Produced returns the output tokens that the stream is taken to have brought
// so far, for the hold (HOTPATH 10). It is never less than Usage or Estimate
// say, and counts a token for each piece of text: many upstreams send them one
// by one, and a token of other scripts than Latin is less than four bytes.
func (m *Meter) Produced() int64 {
	n := max(m.pieces, quarter(m.spoken))
	if u, ok := m.Usage(); ok {
		n = max(n, u.Output)
	}
	return n
}

// Estimate counts what the stream is taken to have used so far (W6): a token per
// four bytes of the request's body, and of the text seen over all choices; at
// least one each; and the call's Context.
func (m *Meter) Estimate() Usage {
	return estimate(Call{BodyBytes: m.bodyBytes, Context: m.context}, m.spoken)
}

// Finished says that the answer is whole: every choice of a chat has its
// finish_reason, or a response its terminal event.
func (m *Meter) Finished() bool {
	if m.route == Responses {
		return m.terminal
	}
	for i := range m.choices {
		if m.ended[i>>6]&(1<<(i&63)) == 0 {
			return false
		}
	}
	return true
}

// Fruitless says that the response failed or was cancelled without a word of
// answer and without usage: the upstream itself says that it did no work.
func (m *Meter) Fruitless() bool { return m.failed && !m.reported && m.spoken == 0 }

// ResponseID returns the upstream's ID of the answer, empty until it is known. A
// client has seen no other once it has seen the frame last observed, and those for
// which this returned another.
func (m *Meter) ResponseID() string { return m.id }

// ErrorFrame is the function ErrorFrame for this stream: on responses it carries
// the sequence number that comes next.
func (m *Meter) ErrorFrame(message, typ, code string) []byte {
	return errorFrame(m.route, m.sequence, message, typ, code)
}

// split returns a frame's event name and data, and ClassContent if it has data.
func (m *Meter) split(frame []byte) ([]byte, []byte, Class) {
	var event, data []byte
	lines := 0
	for len(frame) > 0 {
		line := frame
		if i := bytes.IndexByte(frame, '\n'); i >= 0 {
			line, frame = frame[:i], frame[i+1:]
		} else {
			frame = nil
		}
		line = bytes.TrimSuffix(line, []byte("\r"))
		if bytes.IndexByte(line, '\r') >= 0 {
			return nil, nil, ClassMalformed // some clients end a line here; we do not
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "event":
			event = value
		case "data":
			lines++
			if lines == 1 {
				data = value
				continue
			}
			if lines == 2 {
				m.joined = append(m.joined[:0], data...)
			}
			m.joined = append(m.joined, '\n')
			m.joined = append(m.joined, value...)
			data = m.joined
		}
	}
	if lines == 0 {
		return nil, nil, ClassComment
	}
	return event, data, ClassContent
}

// identify keeps the last ID that the stream gives.
func (m *Meter) identify(value []byte) {
	if raw := quoted(value); len(raw) > 0 && string(raw) != m.id {
		m.id = string(unescape(nil, raw))
	}
}

// say adds text of so many bytes.
func (m *Meter) say(bytes int64) {
	if bytes > 0 {
		m.spoken += bytes
		m.pieces++
	}
}

// report keeps the last sane usage that the stream gives.
func (m *Meter) report(value []byte) {
	if u, ok := readUsage(m.route, value); ok {
		m.usage, m.reported, m.told = u, true, m.spoken
	}
}
