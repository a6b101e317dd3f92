package idempotency

import (
	"encoding/binary"
	"errors"
)

// MaxOutcome is the length of the longest answer that is kept, encoded: 1 MiB.
const MaxOutcome = 1 << 20

// Outcome is the answer to a request, to be given again.
type Outcome struct {
	Stream  bool // server-sent events, else JSON
	Cut     bool // the stream broke off; its last event says why
	Headers []Header
	Body    []byte
}

// Header is one field of the answer's head.
type Header struct{ Name, Value string }

const (
	outcomeForm = 1
	flagStream  = 1
	flagCut     = 2
)

// Size is the length of the encoded answer.
func (o Outcome) Size() int {
	n := 2 + uvarintLen(len(o.Headers)) + len(o.Body)
	for _, h := range o.Headers {
		n += uvarintLen(len(h.Name)) + len(h.Name) + uvarintLen(len(h.Value)) + len(h.Value)
	}
	return n
}

// Encode writes the answer as bytes.
func (o Outcome) Encode() []byte {
	flags := byte(0)
	if o.Stream {
		flags |= flagStream
	}
	if o.Cut {
		flags |= flagCut
	}
	b := append(make([]byte, 0, o.Size()), outcomeForm, flags)
	b = binary.AppendUvarint(b, uint64(len(o.Headers)))
	for _, h := range o.Headers {
		b = appendText(appendText(b, h.Name), h.Value)
	}
	return append(b, o.Body...)
}

var errOutcome = errors.New("the stored answer is not in a form that is known")

// Decode reads what Encode wrote. The answer shares its memory.
func Decode(b []byte) (Outcome, error) {
	if len(b) < 3 || b[0] != outcomeForm || b[1] > flagStream|flagCut {
		return Outcome{}, errOutcome
	}
	o := Outcome{Stream: b[1]&flagStream != 0, Cut: b[1]&flagCut != 0}
	count, n := binary.Uvarint(b[2:])
	if n <= 0 || count > uint64(len(b)) {
		return Outcome{}, errOutcome
	}
	b = b[2+n:]
	for range count {
		var h Header
		var ok bool
		if h.Name, b, ok = cutText(b); !ok {
			return Outcome{}, errOutcome
		}
		if h.Value, b, ok = cutText(b); !ok {
			return Outcome{}, errOutcome
		}
		o.Headers = append(o.Headers, h)
	}
	o.Body = b
	return o, nil
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func cutText(b []byte) (text string, rest []byte, ok bool) {
	length, n := binary.Uvarint(b)
	if n <= 0 || length > uint64(len(b)-n) {
		return "", nil, false
	}
	b = b[n:]
	return string(b[:length]), b[length:], true
}

func uvarintLen(n int) int {
	var b [binary.MaxVarintLen64]byte
	return binary.PutUvarint(b[:], uint64(n))
}
