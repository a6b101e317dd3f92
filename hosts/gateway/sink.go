package gateway

import (
	"net/http"
	"strconv"
	"time"

	"github.com/archibot/archibotchat/core/app/relay"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/hosts/internal/gather"
	port "github.com/archibot/archibotchat/ports/inference"
)

// sink writes an answer to the client. Each write has a deadline of its own,
// so that a reader who stops reading cannot hold a stream (W10).
type sink struct {
	w    http.ResponseWriter
	rc   *http.ResponseController
	conn *gather.Conn // nil on a server that does not gather
	wait time.Duration
	set  time.Time // when the deadline was last moved

	// values are those of the fields set by field, here so that they need no
	// room of their own.
	values [8]string
	used   int
}

var _ relay.Sink = (*sink)(nil)

var (
	jsonType  = []string{"application/json"}
	eventType = []string{"text/event-stream; charset=utf-8"}
	// nginx would gather the chunks
	noGathering = []string{"no"}
)

// Rates tells where the limits per minute stand, in the head of the answer, be
// it a refusal (W3).
func (s *sink) Rates(r ledger.Rates) {
	if r.Requests.Limit > 0 {
		s.field("X-Ratelimit-Limit-Requests", strconv.FormatInt(r.Requests.Limit, 10))
		s.field("X-Ratelimit-Remaining-Requests", strconv.FormatInt(r.Requests.Remaining, 10))
		s.field("X-Ratelimit-Reset-Requests", reset(r.Requests))
	}
	if r.Tokens.Limit > 0 {
		s.field("X-Ratelimit-Limit-Tokens", strconv.FormatInt(r.Tokens.Limit, 10))
		s.field("X-Ratelimit-Remaining-Tokens", strconv.FormatInt(r.Tokens.Remaining, 10))
		s.field("X-Ratelimit-Reset-Tokens", reset(r.Tokens))
	}
}

// reset writes the time until nothing of a rate is used as OpenAI does: 12ms,
// 1s, 6m0s. It is rounded up to milliseconds.
func reset(r ledger.Rate) string {
	return (r.Reset + time.Millisecond - 1).Truncate(time.Millisecond).String()
}

// field sets a field of the answer's head. The name must be in canonical form.
func (s *sink) field(name, value string) {
	h := s.w.Header()
	if s.used == len(s.values) {
		h[name] = []string{value}
		return
	}
	s.values[s.used] = value
	s.used++
	h[name] = s.values[s.used-1 : s.used : s.used]
}

// JSON sends a whole answer with what it cost (W9).
func (s *sink) JSON(headers []port.Header, body []byte, b relay.Bill) error {
	for _, x := range headers {
		s.field(x.Name, x.Value)
	}
	s.w.Header()["Content-Type"] = jsonType
	var room [60]byte // for three numbers of at most 20 digits
	length := strconv.AppendInt(room[:0], int64(len(body)), 10)
	debited := strconv.AppendInt(length, b.Debited, 10)
	numbers := string(strconv.AppendInt(debited, b.Remaining, 10))
	s.field("Content-Length", numbers[:len(length)])
	s.field("X-Archibot-Credits-Debited", numbers[len(length):len(debited)])
	s.field("X-Archibot-Credits-Remaining", numbers[len(debited):])
	return s.write(body)
}

// StartJSON sends the head of an answer that follows in frames.
func (s *sink) StartJSON(headers []port.Header) error {
	for _, x := range headers {
		s.field(x.Name, x.Value)
	}
	s.w.Header()["Content-Type"] = jsonType
	s.w.WriteHeader(http.StatusOK)
	return nil
}

// Start sends the head of a stream.
func (s *sink) Start(headers []port.Header) error {
	for _, x := range headers {
		s.field(x.Name, x.Value)
	}
	h := s.w.Header()
	h["Content-Type"] = eventType
	h["X-Accel-Buffering"] = noGathering
	s.w.WriteHeader(http.StatusOK)
	return nil
}

// Frame sends a frame, and flushes if nothing newer is at hand.
func (s *sink) Frame(frame []byte, newest bool) error {
	if err := s.write(frame); err != nil {
		return err
	}
	if newest {
		return s.flush()
	}
	return nil
}

// flush sends what was written in one piece.
func (s *sink) flush() error {
	if err := s.rc.Flush(); err != nil {
		return err
	}
	return s.conn.Flush()
}

// End ends the stream cleanly: net/http writes the last chunk on return.
func (s *sink) End() error { return nil }

// Fail sends a last frame and breaks the connection off, so that no client can
// take the answer for complete.
func (s *sink) Fail(frame []byte) {
	if s.write(frame) == nil {
		_ = s.flush()
	}
	panic(http.ErrAbortHandler)
}

// chunk is how much a client must take within its time.
const chunk = 64 << 10

func (s *sink) write(b []byte) error {
	for {
		s.deadline()
		s.conn.Hold() // until there is no more at hand, or the request ends
		part := b[:min(len(b), chunk)]
		if _, err := s.w.Write(part); err != nil {
			return err
		}
		if b = b[len(part):]; len(b) == 0 {
			return nil
		}
	}
}

// deadline moves the write deadline, at most once a second: it is a bound, not
// a measure.
func (s *sink) deadline() {
	now := time.Now()
	if now.Sub(s.set) < time.Second {
		return
	}
	s.set = now
	_ = s.rc.SetWriteDeadline(now.Add(s.wait + time.Second))
}
