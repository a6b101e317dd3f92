package relay

import (
	"context"
	"errors"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/ports/store"
)

// Owner keeps whose each response is that an upstream keeps (W4).
type Owner interface {
	// Claim returns nil once it is durable that a response is its account's. It
	// fails with store.ErrTaken if the ID was claimed before by another request.
	Claim(ctx context.Context, r store.Response) error
	// End notes that a claimed response has ended. It does not wait; what it
	// returns is closed once the note is durable.
	End(e store.ResponseEnd) <-chan struct{}
}

// ErrUnowned means that an answer was had whose ID could not be recorded as the
// account's. Nobody could ever name it, so it is not delivered. Asking again would
// do the work again.
var ErrUnowned = fault.New(fault.Unavailable, "ownership_failed", "The answer could not be recorded as yours and is therefore not delivered. Wait a moment before you ask again.")

var errID = fault.New(fault.BadUpstream, "upstream_invalid", "The model provider gave the answer an ID that cannot be used.")

// keeps reports whether the upstream keeps the answer for later calls.
func (r *run) keeps() bool {
	return r.deps.Owner != nil && r.job.Call.Route == inference.Responses && !r.job.Call.Unstored
}

// own makes an answer's ID the account's before the client can learn it: what a
// client has seen is its own, also after a crash. tokens is as in total; negative
// while the answer has not ended.
func (r *run) own(id string, tokens int64) error {
	if id == "" || id == r.owned || !r.keeps() {
		return nil
	}
	if !inference.ValidID(id) {
		return errID
	}
	err := r.deps.Owner.Claim(r.work, store.Response{
		ID: id, Account: r.job.By.Account, Request: r.job.Request, Key: r.job.By.Key(), Model: r.job.Quote.Model, Upstream: r.upstream,
		Ended: tokens >= 0, Tokens: max(tokens, 0),
	})
	switch {
	case err == nil:
		r.owned = id
		return nil
	case errors.Is(err, store.ErrTaken):
		r.deps.Log.Error("the upstream gave an ID that another request has", "request_id", r.job.Request, "account_id", r.job.By.Account,
			"upstream", r.upstream, "response_id", id)
		return errID
	case r.work.Err() != nil:
		return err
	}
	r.deps.Log.Error("claim failed", "request_id", r.job.Request, "account_id", r.job.By.Account, "error", err)
	return fault.Wrap(err, ErrUnowned.Kind, ErrUnowned.Code, ErrUnowned.Message)
}

// noteWait is how long the end of a stream waits for the note of it. Without the
// note the answer can be neither retrieved nor gone on from, which is better than
// no answer.
const noteWait = time.Second

// noteEnd notes the end of an owned answer, with its tokens if the upstream counted
// them, beside the debit. The function it returns waits for the note: the client's
// next request may go on from this answer.
func (r *run) noteEnd(u inference.Usage, reported bool) (wait func()) {
	if r.owned == "" {
		return func() {}
	}
	noted := r.deps.Owner.End(store.ResponseEnd{ID: r.owned, Account: r.job.By.Account, Tokens: total(u, reported)})
	return func() {
		limit := time.NewTimer(noteWait)
		defer limit.Stop()
		select {
		case <-noted:
		case <-limit.C:
			r.deps.Log.Warn("the end of a response was not noted in time", "request_id", r.job.Request)
		}
	}
}

// total is what an answer counts for where it is gone on from; 0: not known.
func total(u inference.Usage, reported bool) int64 {
	if !reported || u.Estimated {
		return 0
	}
	return u.Input + u.Output
}
