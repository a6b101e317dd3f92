package relay

import (
	"errors"
	"io"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/core/ledger"
	port "github.com/archibot/archibotchat/ports/inference"
)

// long is a JSON answer that is too large to be kept in memory (HOTPATH 15). It
// is passed on as it comes, but for its end, without which it is no JSON; that
// waits for the debit. What it cost is known too late for its head (W9).
type long struct {
	*run
	answer *inference.Answer
	end    []byte // withheld
	passed int64
	gone   bool // the client has left
	saw    bool // the client was sent some of it
}

const (
	// longPart is how much of a long answer is in memory at a time.
	longPart = 64 << 10
	// longEnd is how much may follow the object, which can only be space.
	longEnd = 64 << 10
)

var errNoID = fault.New(fault.BadUpstream, "upstream_invalid", "The model provider's answer does not begin with its ID.")

// long passes on an answer of which head came so far; free gives back the room
// that head takes.
func (r *run) long(resp *port.Response, head []byte, free func()) error {
	l := &long{run: r, answer: inference.NewAnswer(r.job.Call)}
	first := l.answer.Write(head)
	if l.answer.Odd() {
		r.release(errNoJSON.Code)
		return errNoJSON
	}
	id, _ := l.answer.Object()
	err := r.own(id, -1)
	if r.keeps() && id == "" {
		err = errNoID // nobody could ever name it
	}
	if err != nil {
		err = r.reason(err)
		r.release(codeOf(err))
		return err
	}
	if err := r.confirm(); err != nil {
		return err
	}
	if err := r.deps.Memory.Take(longPart); err != nil {
		r.release(codeOf(err))
		return err
	}
	defer r.deps.Memory.Give(longPart)
	r.keep.giveUp(ledger.KeptTooBig)
	r.parts = l
	r.pulse.quicken()
	if r.out.StartJSON(resp.Headers) != nil {
		l.leave()
	}
	l.pass(head, first)
	free()
	return l.pump(resp.Body)
}

// pump passes on the rest.
func (l *long) pump(body io.Reader) error {
	part := make([]byte, longPart)
	for {
		n, err := body.Read(part)
		if n > 0 {
			l.pass(part[:n], l.answer.Write(part[:n]))
		}
		switch {
		case l.answer.Odd() || len(l.end) > longEnd:
			return l.broken(errNoJSON)
		case l.passed > l.deps.Limits.Answer:
			return l.broken(errTooLarge)
		case errors.Is(err, io.EOF) && l.answer.Whole():
			return l.finish()
		case err != nil:
			return l.broken(err)
		}
	}
}

// pass sends the first n bytes of a part to a client that is still there, and
// withholds the others.
func (l *long) pass(part []byte, n int) {
	l.passed += int64(len(part))
	l.end = append(l.end, part[n:]...)
	if n > 0 && !l.gone {
		if l.out.Frame(part[:n], true) != nil {
			l.leave()
		} else {
			l.saw = true
		}
	}
	u, _ := l.usage()
	l.pulse.tell(u, u.Output, l.saw)
}

// leave notes that the client has gone.
func (l *long) leave() {
	l.gone = true
	l.drain.start(l.deps.Limits.JSONDrain, l.cancel)
}

// usage is what the upstream reported, or else what was counted here (W6).
func (l *long) usage() (u inference.Usage, reported bool) {
	if u, ok := l.answer.Usage(); ok {
		return u, true
	}
	return l.answer.Estimate(), false
}

// finish debits the answer, then lets the client have its end.
func (l *long) finish() error {
	u, reported := l.usage()
	noted := l.noteEnd(u, reported)
	reason := ""
	if !reported {
		reason = "usage_estimated"
	}
	if _, err := l.settle(u, reason, true); err != nil {
		return l.fail(err)
	}
	noted()
	if l.gone {
		return nil
	}
	if l.out.Frame(l.end, true) != nil || l.out.End() != nil {
		l.deps.Log.Info("client left before the end of its answer", "request_id", l.job.Request)
	}
	return nil
}

// broken ends an answer that broke off: what came is paid for.
func (l *long) broken(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errCut
	}
	cause := l.reason(err)
	reason := codeOf(cause)
	if l.gone {
		reason = errGone.Code
	}
	l.run.end(err) // nothing more is wanted of the upstream
	u, _ := l.usage()
	_, _ = l.settle(u, reason, true) // it logs
	return l.fail(cause)
}

// fail breaks the answer off, so that nobody can take it for whole: there is no
// place in JSON for an error that comes this late.
func (l *long) fail(err error) error {
	l.broke(err)
	if !l.gone {
		l.out.Fail(nil)
	}
	return nil
}
