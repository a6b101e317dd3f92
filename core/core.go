package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
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
