package core

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/fault"
)

// sweepEvery is how often expired lots are written down. Nothing depends on
// it being prompt: an expired lot is unspendable at its instant (L10).
const sweepEvery = time.Minute

// Run does the work behind the requests until ctx ends: the ledger's writer
// and its lease, the recovery of dead replicas' holds, the sweep of expired
// lots, the end of kept answers, the questions to providers about sessions, the notices of keys that expire, the events of refusals, the log that events
// are sealed into, the prices, the polls for changes of keys and accounts, the
// records of whose each response is. It returns when all of it has stopped. End
// ctx only after the hosts have drained.
func (a *App) Run(ctx context.Context) error {
	if a.spend == nil {
		return errors.New("core: Run needs an Upstream")
	}
	ctx, cancel := a.outlasting(ctx)
	defer cancel()
	var tasks sync.WaitGroup
	var once sync.Once
	var first error
	for name, task := range map[string]func(context.Context) error{
		"spend":     a.spend.Run,
		"activity":  a.Recorder.Run,
		"seal":      a.Seal.Run,
		"admit":     func(ctx context.Context) error { return a.Admit.Run(ctx, a.deps.Log) },
		"sweep":     a.sweep,
		"forget":    a.forget,
		"signin":    a.SignIn.Run,
		"keys":      a.tend,
		"tariff":    a.Tariff.Run,
		"responses": a.Responses.Run,
		"turns":     a.Turns.Run,
	} {
		tasks.Go(func() {
			if err := task(ctx); err != nil && !errors.Is(err, context.Canceled) {
				once.Do(func() { first = fmt.Errorf("%s: %w", name, err) })
			}
			cancel() // none of them is of use without the others
		})
	}
	tasks.Wait()
	return first
}

// turnsTime is how long turns that are cut at the very end may take to be booked
// and stored.
const turnsTime = 10 * time.Second

// outlasting returns a context that ends after ctx, once no turn is at work any
// more: their ends need the ledger's writer.
func (a *App) outlasting(ctx context.Context) (context.Context, context.CancelFunc) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		a.Cut()
		wait, done := context.WithTimeout(work, turnsTime)
		defer done()
		a.Turns.Drain(wait)
		cancel()
	})
	return work, func() {
		stop()
		cancel()
	}
}

func (a *App) sweep(ctx context.Context) error {
	ctx = access.WithPrincipal(ctx, access.Principal{Kind: access.PrincipalService})
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if _, err := a.Credits.Sweep(ctx); err != nil && ctx.Err() == nil {
			a.deps.Log.Warn("sweeping expired credits failed, will retry", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// addUpEvery is how often what keys used is added up.
const addUpEvery = time.Hour

// tend tells owners of keys that expire (K4), adds up what keys used, and removes
// hidden credentials that are not used any more.
func (a *App) tend(ctx context.Context) error {
	ctx = access.WithPrincipal(ctx, access.Principal{Kind: access.PrincipalService})
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	var added time.Time
	for {
		if _, err := a.Keyring.Notify(ctx); err != nil && ctx.Err() == nil {
			a.deps.Log.Warn("telling owners of keys that expire failed, will retry", "error", err)
		}
		if now := a.deps.Now(); now.Sub(added) >= addUpEvery {
			if err := errors.Join(a.Keyring.AddUp(ctx), a.FirstParty.Expire(ctx)); err == nil {
				added = now
			} else if ctx.Err() == nil {
				a.deps.Log.Warn("adding up what keys used, or removing old credentials, failed; will retry", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// forgetStep is how many names and answers are removed in one transaction.
const forgetStep = 50

// forget removes the answers of requests that clients named, once their day is
// over (HOTPATH 18), conversations a day after they were deleted, and of attempts
// what is over too.
func (a *App) forget(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		for what, forget := range map[string]func(context.Context, int) (bool, error){"answers": a.deps.Store.Idempotency().Expire, "deleted conversations": a.Threads.Wipe} {
			for more := true; more && ctx.Err() == nil; {
				var err error
				if more, err = forget(ctx, forgetStep); err != nil && ctx.Err() == nil {
					a.deps.Log.Warn("removing what is old failed, will retry", "what", what, "error", err)
				}
			}
		}
		if err := a.sweepAttempts(ctx); err != nil && ctx.Err() == nil {
			a.deps.Log.Warn("forgetting attempts failed, will retry", "error", err)
		}
		for what, forget := range map[string]func(context.Context, int) (bool, error){"invitations": a.Members.Forget, "requests for access": a.Requests.Forget} {
			if _, err := forget(ctx, forgetStep); err != nil && ctx.Err() == nil { // few come in a minute
				a.deps.Log.Warn("forgetting what is long over failed, will retry", "what", what, "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (a *App) sweepAttempts(ctx context.Context) error {
	if a.deps.Attempts == nil {
		return nil
	}
	for more := true; more && ctx.Err() == nil; {
		var err error
		if more, err = a.deps.Attempts.Sweep(ctx, forgetStep); err != nil {
			return err
		}
	}
	return nil
}

// ErrStopping is what work is cut with that outlasts the server's end.
var ErrStopping = &fault.Error{Kind: fault.Unavailable, Code: "server_stopping", Message: "The server is being stopped, and had to break the answer off. You are charged only for what it produced. Ask again.", RetryAfter: time.Second}

// Cut ends all requests to /v1 that are under way as errors, and all turns of the
// chat as failed, each settled at what it produced. Call it while there is time
// yet to settle.
func (a *App) Cut() {
	if a.Admit != nil {
		a.Turns.Cut()
		a.Admit.CutAll(ErrStopping)
	}
}

// Drain returns when no turn of the chat is at work on this server any more, or
// when ctx ends: turns are no requests, and outlast them.
func (a *App) Drain(ctx context.Context) {
	if a.Turns != nil {
		a.Turns.Drain(ctx)
	}
}

// ErrNotReady means that this server must not be sent requests now.
var ErrNotReady = fault.New(fault.Unavailable, "not_ready", "This server is starting, stopping, or has lost its place among the others.")

// Ready returns nil if requests can be served: the store answers and the
// writer has an identity, and the prices are known.
func (a *App) Ready(ctx context.Context) error {
	if a.spend != nil && (!a.spend.Ready() || !a.Tariff.Ready()) {
		return ErrNotReady
	}
	return a.deps.Store.Ping(ctx)
}
