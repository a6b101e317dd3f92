package openaiupstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/archibot/archibotchat/adapters/openaiupstream/http1"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/inference"
)

// call is one exchange with the upstream and the body of its answer.
type call struct {
	ctx      context.Context //nolint:containedctx // Read has no parameter for it
	upstream *Upstream
	res      http1.Response
	answer   inference.Response // here, so that it needs no room of its own
}

// Read reads the answer's body. It fails with the caller's context's error, a
// fault upstream_timeout or a fault upstream_cut.
func (c *call) Read(p []byte) (int, error) {
	n, err := c.res.Read(p)
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	return n, c.failure(err, "upstream_cut", "The model provider broke off its answer.")
}

// Ready reports whether Read would return at once, or within a time.
func (c *call) Ready(wait time.Duration) bool { return c.res.Ready(wait) }

// Whole reports whether the answer is at its end.
func (c *call) Whole() bool { return c.res.Whole() }

// Close ends the call, whatever state it is in. It may be called more than
// once and while a Read is under way. Afterwards the request's body is ours no more.
func (c *call) Close() error { return c.res.Close() }

var (
	_ inference.Ready = (*call)(nil)
	_ inference.Whole = (*call)(nil)
)

const unreachable = "The model provider could not be reached."

// failure says what err of the client means; code and message are for an
// upstream that is at fault.
func (c *call) failure(err error, code, message string) error {
	if e := c.ctx.Err(); e != nil {
		return e
	}
	if errors.Is(err, http1.ErrTimeout) {
		return fault.Wrap(err, fault.Timeout, "upstream_timeout", "The model provider did not answer in time.")
	}
	unsent := errors.Is(err, http1.ErrUnsent)
	// An error of the network or of TLS may quote what the upstream sent.
	if c.upstream.scrubber.leaks(err.Error()) {
		err = errors.New("withheld: the error held a credential")
	}
	if unsent {
		err = fmt.Errorf("%w: %w", inference.ErrUnsent, err)
	}
	return fault.Wrap(err, fault.BadUpstream, code, message)
}

// judge returns the error that the head of the answer stands for, if it does.
func (c *call) judge() error {
	switch status := c.res.Status(); {
	case status < 300:
		if coding, n := c.res.Value(contentEncoding); n > 0 && !strings.EqualFold(coding, "identity") {
			return errInvalid
		}
		return nil
	case status >= 400 && status < 600:
		refusal := c.refusal()
		if err := c.ctx.Err(); err != nil {
			return err
		}
		return refusal
	default: // a redirect is a matter for the operator, not for the client
		return fault.Wrap(fmt.Errorf("upstream answered status %d", status), fault.BadUpstream, "upstream_unavailable", unreachable)
	}
}

// kind returns the answer's one content type without its parameters.
func (c *call) kind() string {
	value, n := c.res.Value(contentType)
	if n != 1 {
		return ""
	}
	kind, _, _ := strings.Cut(value, ";")
	return strings.TrimSpace(kind)
}

// pass returns the answer for the port.
func (c *call) pass() *inference.Response {
	c.answer.Upstream, c.answer.Headers, c.answer.Body = c.upstream.cfg.Name, c.passed(), c
	c.answer.Length = max(c.res.Length(), 0)
	return &c.answer
}

// passed returns the fields of the answer that a client may see.
func (c *call) passed() []inference.Header {
	var out []inference.Header
	for i, name := range passed {
		v, n := c.res.Value(passedFields + i)
		if n == 1 && len(v) <= maxField && !strings.ContainsFunc(v, unprintable) && c.upstream.harmless(i, v) {
			out = append(out, inference.Header{Name: name, Value: v})
		}
	}
	return out
}

// harmless reports whether value i of the passed fields holds nothing like a
// credential. The last one that did not is known again: two of the three fields
// say the same for weeks, and to look takes longer than all the rest of a head.
func (u *Upstream) harmless(i int, value string) bool {
	if last := u.clean[i].Load(); last != nil && *last == value {
		return true
	}
	if u.scrubber.leaks(value) {
		return false
	}
	known := value // a copy, so that only a new value takes room
	u.clean[i].Store(&known)
	return true
}
