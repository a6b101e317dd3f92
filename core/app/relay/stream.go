package relay

import (
	"errors"
	"io"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/inference"
	port "github.com/archibot/archibotchat/ports/inference"
)

// stream passes frames on as they come and withholds the last ones until the
// debit is durable.
func (r *run) stream(resp *port.Response) error {
	line := r.deps.Limits.Line
	if r.job.Call.Route == inference.Responses {
		line = terminalBytes
	}
	kit := r.newKit(resp.Body, line)
	s := &streaming{
		run: r, headers: resp.Headers, body: resp.Body, meter: &kit.meter,
		early: kit.early, held: kit.held,
	}
	r.live = s
	r.keep.head(true, resp.Headers)
	ready, _ := resp.Body.(port.Ready)
	s.ready = ready
	err := s.pump(kit)
	if r.ended { // else abandon looks at what was metered, as after a panic
		kit.early, kit.held = s.early, s.held
		kit.put()
	}
	return err
}

// pump passes the frames on until the stream ends.
func (s *streaming) pump(k *kit) error {
	r, body, frames := s.run, &k.body, k.frames
	defer body.free()
	for {
		body.next()
		frame, err := frames.Next()
		if err != nil {
			return s.broken(err)
		}
		class := s.meter.Observe(frame)
		if class == inference.ClassContent || class == inference.ClassTerminal {
			if err := s.own(); err != nil {
				return s.broken(err)
			}
		}
		switch class {
		case inference.ClassContent:
			if s.runsShort() {
				if err := s.confirm(); err != nil {
					return err
				}
				if err := s.afford(); err != nil {
					return s.broken(err)
				}
			}
			if err := s.pass(frame, !frames.Buffered()); err != nil {
				return err
			}
			if s.meter.Finished() {
				s.drain.extend(s.deps.Limits.Drain)
			}
		case inference.ClassComment:
			if s.begun {
				if err := s.pass(frame, !frames.Buffered()); err != nil {
					return err
				}
			}
		case inference.ClassUsage:
			if r.job.Call.IncludeUsage {
				s.held = append(s.held[:0], frame...) // the last one counts, as it does for the bill
			}
		case inference.ClassDone, inference.ClassTerminal:
			if len(s.held) > 0 {
				s.held = append(s.held, frame...)
				frame = s.held
			}
			return s.finish(frame)
		case inference.ClassFailure:
			return s.broken(fault.New(fault.BadUpstream, "upstream_failed", "The model provider reported an error in the middle of the answer. You are charged only for what it produced."))
		default:
			return s.broken(fault.New(fault.BadUpstream, "upstream_invalid", "The model provider sent something that is not an answer."))
		}
	}
}

// streaming is the state of one stream.
type streaming struct {
	*run
	headers []port.Header
	body    io.Reader
	meter   *inference.Meter
	held    []byte // the usage chunk of a client that asked for it
	begun   bool   // the head was sent
	gone    bool   // the client has left
	saw     bool   // the client was sent some of the answer
	waiting bool   // the last frame was passed, but need not have left
	early   []byte // what came while the hold was not durable
	ready   port.Ready
	emptied bool // the upstream's body is at its end
}

const (
	// maxEarly is how much of a stream is kept while its hold is not durable.
	maxEarly = 64 << 10
	// earlyWait is how long the next frame is waited for before they leave.
	earlyWait = time.Millisecond
)

// own is run.own for a client that is still there, or may come back for the
// answer. The hold need not wait for it.
func (s *streaming) own() error {
	if s.gone && s.keep == nil {
		return nil
	}
	if s.unsure && s.keeps() {
		s.deps.Ledger.Hasten(s.hold)
	}
	return s.run.own(s.meter.ResponseID(), -1)
}

// pass sends a frame to a client that is still there. What comes before the
// hold is durable waits for it; if the whole stream is here before that, one
// step of the ledger does for both ends of it (HOTPATH 14). So the hold is cut
// when a frame must leave, unless it is due before. An error means that the
// hold was refused.
func (s *streaming) pass(frame []byte, newest bool) error {
	if s.unsure {
		// Asked first whether the hold is there: else a frame that could leave at
		// once would wait for the next one.
		if len(s.early)+len(frame) <= maxEarly && !s.deps.Ledger.Confirmed(s.hold) && (!newest || s.ready != nil && s.ready.Ready(earlyWait)) {
			s.early = append(s.early, frame...)
			return nil
		}
		if err := s.confirm(); err != nil {
			return err
		}
	}
	if len(s.early) > 0 {
		frame, newest = append(s.early, frame...), true
		s.early = frame[:0] // nothing is added to it any more
	}
	s.send(frame, newest)
	return nil
}

// send sends frames whose hold is durable.
func (s *streaming) send(frame []byte, newest bool) {
	s.keep.add(frame)
	if !s.gone && s.begin() {
		if err := s.out.Frame(frame, newest); err != nil {
			s.leave()
		} else {
			s.saw, s.waiting = true, !newest
		}
	}
	s.pulse.tell(s.usage(), s.meter.Produced(), s.saw)
}

func (s *streaming) begin() bool {
	if s.begun {
		return true
	}
	s.begun = true
	if err := s.out.Start(s.headers); err != nil {
		s.leave()
		return false
	}
	return true
}

// leave notes that the client has gone.
func (s *streaming) leave() {
	s.gone = true
	s.drain.start(s.deps.Limits.Drain, s.cancel)
}

// pay settles, and keeps a client that is waiting for that awake.
func (s *streaming) pay(u inference.Usage, reason string, delivered bool) error {
	if !s.begun || s.gone {
		_, err := s.settle(u, reason, delivered)
		return err
	}
	h := beat(s.out, s.waiting)
	_, err := s.settle(u, reason, delivered) // the bill shows in Activity: a stream has no header left for it (W9)
	if h.stop() != nil {
		s.leave()
	}
	return err
}

// usage is what the upstream reported, or else what was counted here (W6).
func (s *streaming) usage() inference.Usage {
	if u, ok := s.meter.Usage(); ok {
		return u
	}
	return s.meter.Estimate()
}

// finish debits a whole answer, then lets the client see its end.
func (s *streaming) finish(end []byte) error {
	reported, ok := s.meter.Usage()
	noted := s.noteEnd(reported, ok)
	if s.meter.Fruitless() {
		if err := s.confirm(); err != nil {
			return err
		}
		s.release("upstream_failed")
		noted()
		return s.close(end)
	}
	u, reason := s.usage(), ""
	if u.Estimated {
		reason = "usage_estimated"
	}
	s.keep.add(s.early)
	s.keep.add(end)
	if err := s.pay(u, reason, s.saw); err != nil {
		return s.fail(err)
	}
	s.unsure = false
	noted()
	return s.close(end)
}

// close sends the end that was withheld.
func (s *streaming) close(end []byte) error {
	if s.gone || !s.begin() {
		return nil
	}
	if len(s.early) > 0 {
		s.early = append(s.early, end...)
		end = s.early
	}
	// Where nothing is left to be done, the end of the stream follows at once,
	// in the same piece.
	s.emptied = whole(s.body)
	if s.out.Frame(end, !s.emptied) != nil || s.out.End() != nil {
		s.deps.Log.Info("client left before the end of its stream", "request_id", s.job.Request)
	}
	return nil
}

// broken ends a stream that broke off. What the client saw, or left behind, is
// paid for; a stream that broke before it began costs nothing.
func (s *streaming) broken(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fault.Wrap(err, errCut.Kind, errCut.Code, errCut.Message)
	}
	err = s.reason(err)
	if !s.saw && !s.gone {
		s.release(codeOf(err))
		return s.fail(err)
	}
	reason := codeOf(err)
	last := err
	if s.gone {
		reason, last = errGone.Code, errLeft
	}
	s.keep.cut(s.errorFrame(last))
	if failed := s.pay(s.usage(), reason, true); failed != nil && !s.gone {
		err = failed
	}
	return s.fail(err)
}

// fail tells the client of an error: as an answer if the stream has not begun,
// else as its last frame.
func (s *streaming) fail(err error) error {
	if !s.begun {
		return err
	}
	s.broke(err)
	if !s.gone {
		s.out.Fail(s.errorFrame(err))
	}
	return nil
}

func (s *streaming) errorFrame(err error) []byte {
	f := fault.From(err)
	return s.meter.ErrorFrame(f.Message, "server_error", f.Code)
}
