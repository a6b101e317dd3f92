package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/accounts"
	"github.com/archibot/archibotchat/core/app/activity"
	"github.com/archibot/archibotchat/core/app/admit"
	"github.com/archibot/archibotchat/core/app/credits"
	"github.com/archibot/archibotchat/core/app/firstparty"
	"github.com/archibot/archibotchat/core/app/keyring"
	"github.com/archibot/archibotchat/core/app/limits"
	"github.com/archibot/archibotchat/core/app/members"
	"github.com/archibot/archibotchat/core/app/models"
	"github.com/archibot/archibotchat/core/app/relay"
	"github.com/archibot/archibotchat/core/app/requests"
	"github.com/archibot/archibotchat/core/app/responses"
	"github.com/archibot/archibotchat/core/app/seal"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/app/setup"
	"github.com/archibot/archibotchat/core/app/signin"
	"github.com/archibot/archibotchat/core/app/spend"
	"github.com/archibot/archibotchat/core/app/tariff"
	"github.com/archibot/archibotchat/core/app/threads"
	"github.com/archibot/archibotchat/core/app/turns"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/idempotency"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/identity"
	"github.com/archibot/archibotchat/ports/inference"
	attempts "github.com/archibot/archibotchat/ports/limits"
	"github.com/archibot/archibotchat/ports/prices"
	"github.com/archibot/archibotchat/ports/store"
)

// Deps is what the core stands on. Store, Peppers, Now, NewID, Entropy and
// Log are required; Upstream and Prices are required to serve /v1.
type Deps struct {
	Store    store.Store
	Upstream inference.Upstream
	// Prices is asked for its book every few seconds; a book that changes is
	// published and in force a minute later.
	Prices  prices.Source
	Peppers keys.Peppers

	// Areas are those that this environment offers; none if empty.
	Areas access.Groups
	// Boundary says whether the data boundary must be acknowledged before
	// chat and API open: BoundaryMissing if so, in the version and with the text
	// that follow; the zero value keeps them shut.
	Boundary        gates.Boundary
	BoundaryVersion string
	BoundaryText    string
	// Environment names this deployment in the log of its events, and Sign
	// signs that log's checkpoints as notes (golang.org/x/mod/sumdb/note). Both
	// are required to serve /v1.
	Environment string
	Sign        func(text string) ([]byte, error)

	// Providers sign people in, in the order in which they are shown; nobody can
	// sign in without. Links is the one of them that signs in by printed links.
	Providers []identity.Provider
	Links     identity.Provider
	// Recheck is how often a provider is asked about each session; 15 minutes if
	// 0. One that has not answered for twice as long ends it.
	Recheck time.Duration

	Now     func() time.Time           // UTC
	NewID   func(prefix string) string // prefix_ and 26 characters, sorting by time
	Entropy func([]byte)               // fills with secure random bytes
	Log     *slog.Logger

	// Attempts is swept of what it needs no longer; nil if nobody bounds any.
	Attempts attempts.Sweeper

	Limits relay.Limits  // the zero value means the documented limits
	Memory int64         // bytes that bodies may take at a time; 512 MiB if 0
	Lease  time.Duration // of a replica; 15 s if 0
	// KeepResponses is how long responses that the upstream keeps are known; 30 days if 0.
	KeepResponses time.Duration
}

// check reports everything that is missing.
func (d Deps) check() error {
	var errs []error
	need := func(ok bool, name string) {
		if !ok {
			errs = append(errs, fmt.Errorf("core: %s is missing", name))
		}
	}
	need(d.Store != nil, "Store")
	need(len(d.Peppers) > 0, "Peppers")
	need(d.Now != nil, "Now")
	need(d.NewID != nil, "NewID")
	need(d.Entropy != nil, "Entropy")
	need(d.Log != nil, "Log")
	need((d.Upstream == nil) == (d.Prices == nil), "Upstream or Prices: they come together")
	need(d.Upstream == nil || d.Environment != "", "Environment")
	need(d.Upstream == nil || d.Sign != nil, "Sign")
	return errors.Join(errs...)
}

// App is the use cases, wired. Tariff, Admit, Models, Relay, Memory and Responses
// are nil without an Upstream.
type App struct {
	Accounts *accounts.Service
	Keyring  *keyring.Service
	Limits   *limits.Service
	Credits  *credits.Service
	Activity *activity.Service
	Sessions *sessions.Service
	SignIn   *signin.Service
	Gate     *sessions.Gate
	Members  *members.Service
	Requests *requests.Service
	Setup    *setup.Service
	// Threads is what members do with their conversations besides asking something.
	Threads *threads.Service
	// FirstParty has the hidden credentials of browser chat; Admit takes them.
	FirstParty *firstparty.Service
	Seal       *seal.Service
	// Recorder takes the events of refusals; nil without an Upstream, as below.
	Recorder *activity.Folder

	Tariff *tariff.Service
	Admit  *admit.Service
	Models *models.Service
	Relay  *relay.Relay
	Memory *relay.Memory
	// Responses knows whose each response is that an upstream keeps.
	Responses *responses.Service
	// Turns does the work on answers in the chat; nil without an Upstream.
	Turns *turns.Service

	deps  Deps
	spend *spend.Spend
}

// New wires the use cases. It starts nothing; Run does.
func New(ctx context.Context, d Deps) (*App, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	a := &App{deps: d}
	a.Gate = &sessions.Gate{Store: d.Store, Enabled: d.Areas, Boundary: d.Boundary, BoundaryVersion: d.BoundaryVersion}
	a.Accounts = accounts.New(accounts.Deps{Store: d.Store, Now: d.Now, NewID: d.NewID})
	a.Limits = limits.New(limits.Deps{Store: d.Store, Now: d.Now, NewID: d.NewID})
	a.Keyring = keyring.New(keyring.Deps{Store: d.Store, Now: d.Now, NewID: d.NewID, Entropy: d.Entropy, Peppers: d.Peppers, Gate: a.Gate.Admit})
	a.FirstParty = firstparty.New(firstparty.Deps{Store: d.Store, Now: d.Now, NewID: d.NewID, Entropy: d.Entropy, Peppers: d.Peppers, Gate: a.Gate.Chat})
	a.Credits = credits.New(credits.Deps{Store: d.Store, Now: d.Now, NewID: d.NewID})
	a.Threads = threads.New(threads.Deps{Store: d.Store, Now: d.Now, NewID: d.NewID})
	a.Members = members.New(members.Deps{Store: d.Store, Now: d.Now, NewID: d.NewID, Entropy: d.Entropy})
	a.Requests = requests.New(requests.Deps{
		Store: d.Store, Accounts: a.Accounts, Members: a.Members, Now: d.Now, NewID: d.NewID, Entropy: d.Entropy, Secrets: formSecrets(d.Peppers),
	})
	a.Setup = setup.New(setup.Deps{
		Store: d.Store, Now: d.Now, NewID: d.NewID, Environment: d.Environment,
		Boundary: setup.Boundary{Required: d.Boundary == gates.BoundaryMissing, Version: d.BoundaryVersion, Text: d.BoundaryText},
	})
	a.Sessions = sessions.New(sessions.Deps{Store: d.Store, Now: d.Now, NewID: d.NewID, Entropy: d.Entropy, Recheck: d.Recheck})
	a.Gate.Fresh = a.Sessions.Fresh
	events := activity.Deps{Store: d.Store, Now: d.Now, NewID: d.NewID}
	a.Activity = activity.New(events)
	a.Seal = seal.New(seal.Deps{Store: d.Store, Now: d.Now, Log: d.Log, Origin: seal.Origin(d.Environment), Sign: d.Sign})
	in := signin.Deps{
		Store: d.Store, Providers: d.Providers, Links: d.Links, Sessions: a.Sessions, Peppers: d.Peppers, Now: d.Now, NewID: d.NewID, Entropy: d.Entropy,
		Log: d.Log, Recheck: cmp.Or(d.Recheck, sessions.Recheck),
	}
	var err error
	if d.Upstream == nil {
		a.SignIn, err = signin.New(in)
		return a, err
	}

	if _, err := d.Prices.Book(ctx); err != nil {
		return nil, fmt.Errorf("read the price book: %w", err)
	}
	a.Tariff = tariff.New(tariff.Deps{Store: d.Store, Source: d.Prices, Now: d.Now, NewID: d.NewID, Log: d.Log})
	if d.Memory == 0 {
		d.Memory = 512 << 20
	}
	a.Recorder = activity.NewFolder(events, d.Log)
	in.Recorder = a.Recorder
	if a.SignIn, err = signin.New(in); err != nil {
		return nil, err
	}
	a.spend = spend.New(spend.Deps{Store: d.Store, NewID: d.NewID, Now: d.Now, Log: d.Log, Lease: d.Lease})
	a.Admit = admit.New(admit.Deps{Store: d.Store, Peppers: d.Peppers, Enabled: d.Areas, Boundary: d.Boundary, BoundaryVersion: d.BoundaryVersion, Recorder: a.Recorder, Now: d.Now})
	a.Models = models.New(models.Deps{Upstream: d.Upstream, Prices: a.Tariff, Now: d.Now, Log: d.Log})
	a.Memory = relay.NewMemory(d.Memory)
	a.Responses = responses.New(responses.Deps{
		Store: d.Store, Upstream: d.Upstream, Memory: a.Memory, Now: d.Now, NewID: d.NewID, Log: d.Log, Keep: d.KeepResponses,
	})
	a.Relay = relay.New(relay.Deps{
		Ledger: a.spend, Upstream: d.Upstream, Recorder: a.Recorder, Owner: a.Responses, Memory: a.Memory, Now: d.Now, Log: d.Log, Limits: d.Limits,
		Outcomes: d.Store.Idempotency(), Secrets: idempotency.NewSecrets(d.Peppers), Entropy: d.Entropy,
	})
	a.Turns = turns.New(turns.Deps{
		Store: d.Store, Door: door{a}, Relay: turnRelay{a.Relay}, Memory: a.Memory, Now: d.Now, NewID: d.NewID, Log: d.Log,
	})
	return a, nil
}

// formSecrets are what challenges of public forms are signed with.
func formSecrets(peppers keys.Peppers) (secrets [][32]byte) {
	for _, p := range peppers {
		secrets = append(secrets, p.Derive("archibotchat public forms v1", nil))
	}
	return secrets
}

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

// addUpEvery is how often it is looked for days of keys' use that are over.
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
