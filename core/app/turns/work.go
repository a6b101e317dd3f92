package turns

import (
	"context"
	"errors"
	"runtime/debug"
	"sync"
	"time"

	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/core/ledger"
	port "github.com/archibot/archibotchat/ports/inference"
	"github.com/archibot/archibotchat/ports/store"
)

// The steps of a turn, for those who look into one.
const (
	stepGate     = "gate"
	stepHold     = "hold"
	stepUpstream = "upstream"
	stepFirst    = "first_text"
	stepSettle   = "settle"
	stepEnd      = "end"
)

// What the notes of steps say.
const (
	noteEstimated = "estimated" // the tokens were counted here
	noteReleased  = "released"  // the credits were given back
)

// work is one turn at work. It is the relay's sink, gate and observer, and
// belongs to the goroutine of do; what others may see of it is in live.
type work struct {
	*Service

	turn  chat.Turn // as it began, with what is known of its end so far
	live  *live
	visit Visit
	body  body

	finish string // why the model says that it ended
	whole  bool   // the end of the answer came
	broke  error  // why it broke off
	held   bool   // credits were set aside, or an upstream took the call
	lost   bool   // the turn is another's by now

	stored int // bytes of text
}

var _ Course = (*work)(nil)

// do does the turn, and gives back what it takes.
func (w *work) do(ctx context.Context) {
	defer w.done(w.live.whose, w.turn.ID)
	defer w.live.finish()
	quiet := make(chan struct{})
	var keeping sync.WaitGroup
	begun := w.turn // w.turn goes on meanwhile
	keeping.Go(func() { w.keep(ctx, begun, quiet) })
	err := w.forward(ctx)
	close(quiet)
	keeping.Wait()
	if w.lost {
		w.d.Log.Warn("a turn was taken over by another server", "turn_id", w.turn.ID, "request_id", w.turn.Request)
		return
	}
	w.conclude(err)
	w.end(ctx)
}

// forward has the relay do the work. What panics there fails the turn alone.
func (w *work) forward(ctx context.Context) (err error) {
	defer w.body.give()
	defer func() {
		if p := recover(); p != nil {
			w.d.Log.Error("a turn panicked", "turn_id", w.turn.ID, "request_id", w.turn.Request, "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	w.visit.Stay()
	defer w.visit.Leave()
	return w.d.Relay.Forward(ctx, Job{Grant: w.visit.Grant(), Request: w.turn.Request, Call: w.body.call, Body: w.body.bytes}, w)
}

// note adds a step.
func (w *work) note(name, note string) {
	w.live.step(chat.Step{Name: name, At: w.d.Now().Sub(w.turn.StartedAt), Note: note})
}

// Held implements Course.
func (w *work) Held() {
	w.held = true
	w.note(stepHold, "")
}

// Accepted implements Course.
func (w *work) Accepted(upstream string) {
	w.held = true
	w.note(stepUpstream, upstream)
}

// Settled implements Course.
func (w *work) Settled(debited int64, u inference.Usage) {
	t := &w.turn
	t.Debited, t.Settled = debited, true
	t.Input, t.Cached, t.Output, t.Estimated = u.Input, u.Cached, u.Output, u.Estimated
	note := ""
	if u.Estimated {
		note = noteEstimated
	}
	w.note(stepSettle, note)
}

// Released implements Course.
func (w *work) Released() {
	w.turn.Settled = true
	w.note(stepSettle, noteReleased)
}

// Broke implements Course.
func (w *work) Broke(err error) { w.broke = err }

// Watch implements Course.
func (w *work) Watch(cut func(error)) {
	w.live.watch(cut)
	w.visit.Watch(w.live.end)
}

// Again implements Course.
func (w *work) Again(ctx context.Context, refused int64) (int64, []ledger.Limit, error) {
	return w.visit.Again(ctx, refused)
}

// JSON implements Course: an answer in one piece, though a stream was asked for.
func (w *work) JSON(body []byte) error {
	w.read(inference.ReadChatAnswer(body))
	w.whole = true
	return nil
}

// StartJSON implements Course: an answer that is larger than any that is kept.
func (w *work) StartJSON() error {
	w.live.end(errTooLong)
	return errTooLong
}

// Frame implements Course.
func (w *work) Frame(part []byte, _ bool) error {
	w.read(inference.ReadChat(part))
	return nil
}

// End implements Course.
func (w *work) End() error {
	w.whole = true
	return nil
}

// Fail implements Course: Broke has told why.
func (w *work) Fail([]byte) {}

func (w *work) read(p inference.ChatPiece) {
	if p.Finish != "" {
		w.finish = p.Finish
	}
	first, err := w.live.say(p.Text, w.d.Now())
	if err != nil {
		w.live.end(err)
		return
	}
	if first {
		w.note(stepFirst, "")
	}
}

// conclude decides how the turn ended; err is what the relay returned.
func (w *work) conclude(err error) {
	t := &w.turn
	if err == nil {
		err = w.broke
	}
	if err == nil && !w.whole {
		err = errPanic // the relay ends an answer in one of these ways
	}
	note := ""
	switch {
	case err == nil:
		t.State = chat.Done
		if w.finish != "stop" {
			note = w.finish
		}
	case errors.Is(w.live.why(), errStopped): // whatever came of it: they wanted no more
		t.State = chat.Stopped
	default:
		t.State, t.Reason = chat.Failed, reason(err)
	}
	if err != nil && !w.held {
		t.Settled = true // nothing was ever set aside
	}
	t.EndedAt = w.d.Now()
	if note == "" {
		note = t.Reason
	}
	w.note(stepEnd, note)
}

// reason names why work failed.
func reason(err error) string {
	var refusal *port.Refusal
	if !errors.As(err, &refusal) {
		return fault.CodeOf(err)
	}
	switch refusal.Status {
	case 400, 404, 413, 422:
		return gates.FailureRefused
	case 429:
		return gates.FailureRateLimited
	}
	return gates.FailureUnavailable
}

// keep stores text as it comes, and signs of life, until quiet.
func (w *work) keep(ctx context.Context, t chat.Turn, quiet <-chan struct{}) {
	renew := time.NewTimer(renewEvery)
	defer renew.Stop()
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-quiet:
			return
		case <-pause.C: // whatever comes, not more often
		}
		select {
		case <-quiet:
			return
		case <-w.live.fresh:
		case <-renew.C:
		}
		pause.Reset(storeEvery)
		renew.Reset(renewEvery)
		if !w.store(ctx, t) {
			return
		}
	}
}

// store stores what is not stored yet; false: the turn is no longer ours.
func (w *work) store(ctx context.Context, t chat.Turn) bool {
	text, firstAt, steps := w.live.from(w.stored)
	t.FirstAt, t.Steps, t.Until = firstAt, steps, w.d.Now().Add(lease)
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	stopping, err := w.d.Store.Turns().Append(ctx, t, w.stored, text)
	switch {
	case errors.Is(err, store.ErrNotFound):
		w.lost = true
		w.live.end(errLost)
		return false
	case err != nil:
		w.d.Log.Warn("storing an answer failed, will retry", "turn_id", t.ID, "request_id", t.Request, "error", err)
		w.live.again()
		return true
	}
	w.stored += len(text)
	if stopping {
		w.live.end(errStopped)
	}
	return true
}

// tries of writing down an end, and the time between them, which doubles.
const (
	endTries = 6
	endPause = 250 * time.Millisecond
)

// end writes down how the turn ended. If the store is away for longer than that
// can wait, whoever finds the turn ends it as lost.
func (w *work) end(ctx context.Context) {
	t := w.turn
	text, firstAt, steps := w.live.from(0)
	t.FirstAt, t.Steps = firstAt, steps
	evidence := w.event(ctx, t) // once, whatever is tried again
	pause := endPause
	for try := 1; ; try++ {
		err := w.commit(ctx, t, text, func(ctx context.Context, tx store.Stores) error {
			if t.State == chat.Done {
				return nil // the debit is the evidence
			}
			return tx.Events().Append(ctx, evidence)
		})
		switch {
		case err == nil:
			w.d.Log.Info("turn ended", "turn_id", t.ID, "request_id", t.Request, "account_id", t.Account, "state", string(t.State), "reason", t.Reason, "debited", t.Debited)
			return
		case errors.Is(err, store.ErrNotFound), try == endTries:
			w.d.Log.Error("the end of a turn could not be stored", "turn_id", t.ID, "request_id", t.Request, "state", string(t.State), "reason", t.Reason, "error", err)
			return
		}
		w.d.Log.Warn("storing the end of a turn failed, will retry", "turn_id", t.ID, "request_id", t.Request, "error", err, "try", try)
		<-time.After(pause)
		pause *= 2
	}
}

// commit ends a turn together with its evidence.
func (w *work) commit(ctx context.Context, t chat.Turn, text string, evidence func(context.Context, store.Stores) error) error {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	return w.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		if _, err := tx.Turns().End(ctx, t.Owner, t, &text); err != nil {
			return err
		}
		return evidence(ctx, tx)
	})
}
