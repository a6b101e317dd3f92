package gateway

import (
	"net/http"
	"strconv"
	"time"

	"github.com/archibot/archibotchat/core/app/relay"
	"github.com/archibot/archibotchat/core/ledger"
	port "github.com/archibot/archibotchat/ports/inference"
)

// sink writes an answer to the client. Each write has a deadline of its own,
// so that a reader who stops reading cannot hold a stream (W10).
type sink struct {
	w    http.ResponseWriter
	rc   *http.ResponseController
	wait time.Duration
	set  time.Time // when the deadline was last moved
}

var _ relay.Sink = (*sink)(nil)

var (
	jsonType  = []string{"application/json"}
	eventType = []string{"text/event-stream; charset=utf-8"}
)

// Rates tells where the limits per minute stand, in the head of the answer, be
// it a refusal (W3).
func (s *sink) Rates(r ledger.Rates) {
	h := s.w.Header()
	if r.Requests.Limit > 0 {
		h["X-Ratelimit-Limit-Requests"] = []string{strconv.FormatInt(r.Requests.Limit, 10)}
		h["X-Ratelimit-Remaining-Requests"] = []string{strconv.FormatInt(r.Requests.Remaining, 10)}
		h["X-Ratelimit-Reset-Requests"] = []string{reset(r.Requests)}
	}
	if r.Tokens.Limit > 0 {
		h["X-Ratelimit-Limit-Tokens"] = []string{strconv.FormatInt(r.Tokens.Limit, 10)}
		h["X-Ratelimit-Remaining-Tokens"] = []string{strconv.FormatInt(r.Tokens.Remaining, 10)}
		h["X-Ratelimit-Reset-Tokens"] = []string{reset(r.Tokens)}
	}
}

// reset writes the time until nothing of a rate is used as OpenAI does: 12ms,
// 1s, 6m0s. It is rounded up to milliseconds.
func reset(r ledger.Rate) string {
	return (r.Reset + time.Millisecond - 1).Truncate(time.Millisecond).String()
}

// JSON sends a whole answer with what it cost (W9).
func (s *sink) JSON(headers []port.Header, body []byte, b relay.Bill) error {
	h := s.w.Header()
	for _, x := range headers {
		h[x.Name] = []string{x.Value}
	}
	h["Content-Type"] = jsonType
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	h["X-Archibot-Credits-Debited"] = []string{strconv.FormatInt(b.Debited, 10)}
	h["X-Archibot-Credits-Remaining"] = []string{strconv.FormatInt(b.Remaining, 10)}
	return s.write(body)
}

// Start sends the head of a stream.
func (s *sink) Start(headers []port.Header) error {
	h := s.w.Header()
	for _, x := range headers {
		h[x.Name] = []string{x.Value}
	}
	h["Content-Type"] = eventType
	h["X-Accel-Buffering"] = []string{"no"} // nginx would gather the chunks
	s.w.WriteHeader(http.StatusOK)
	return nil
}

// Frame sends a frame, and flushes if nothing newer is at hand.
func (s *sink) Frame(frame []byte, newest bool) error {
	if err := s.write(frame); err != nil {
		return err
	}
	if newest {
		return s.rc.Flush()
	}
	return nil
}

// End ends the stream cleanly: net/http writes the last chunk on return.
func (s *sink) End() error { return nil }

// Fail sends a last frame and breaks the connection off, so that no client can
// take the stream for complete.
func (s *sink) Fail(frame []byte) {
	if s.write(frame) == nil {
		_ = s.rc.Flush()
	}
	panic(http.ErrAbortHandler)
}

// chunk is how much a client must take within its time.
const chunk = 64 << 10

func (s *sink) write(b []byte) error {
	for {
		s.deadline()
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
