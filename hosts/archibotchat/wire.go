package main

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/archibot/archibotchat/adapters/demoupstream"
	"github.com/archibot/archibotchat/adapters/localidentity"
	"github.com/archibot/archibotchat/adapters/memlimits"
	"github.com/archibot/archibotchat/adapters/oidcidentity"
	"github.com/archibot/archibotchat/adapters/openaiupstream"
	"github.com/archibot/archibotchat/adapters/pricefile"
	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/adapters/upstreams"
	"github.com/archibot/archibotchat/core"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/members"
	"github.com/archibot/archibotchat/core/app/setup"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/pricing"
	"github.com/archibot/archibotchat/hosts/api"
	"github.com/archibot/archibotchat/hosts/edge"
	"github.com/archibot/archibotchat/hosts/gateway"
	"github.com/archibot/archibotchat/hosts/internal/boot"
	"github.com/archibot/archibotchat/ports/identity"
	"github.com/archibot/archibotchat/ports/inference"
	"github.com/archibot/archibotchat/ports/limits"
	"github.com/archibot/archibotchat/ports/prices"
)

// now is the clock of the program.
func now() time.Time { return faultyNow(system.Now()) }

// entropy fills b with secure random bytes.
func entropy(b []byte) { system.Entropy(b) }

// newIDs returns a maker of IDs.
func newIDs() func(prefix string) string { return system.NewIDs(now).New }

// database is the configured database, open.
type database struct {
	*sqlstore.Store
	log *slog.Logger
}

// connect opens the database as it is.
func (in *instance) connect(ctx context.Context, base boot.Base, log *slog.Logger) (*database, error) {
	s, err := sqlstore.Open(ctx, sqlstore.Config{URL: base.Database.Reveal(), MaxConns: base.Conns, NewID: in.newID, Now: now, Log: log})
	if err != nil {
		return nil, err
	}
	return &database{s, log}, nil
}

func (db *database) close() {
	if err := db.Close(); err != nil {
		db.log.Warn("closing the database failed", "error", err)
	}
}

// attempts returns what bounds attempts over all servers.
func (db *database) attempts(peppers keys.Peppers) sqlstore.Attempts {
	secret := peppers[0].Derive("archibotchat attempts v1", nil)
	return db.Attempts(secret[:])
}

// wired is the core on its adapters, with what a server says about itself.
type wired struct {
	app      *core.App
	upstream inference.Upstream
	attempts limits.Limiter
	at       location
	links    *localidentity.Provider // local only
	metrics  *metrics
}

// known is a price book that never changes.
type known struct{ book pricing.Book }

// Book returns it.
func (k known) Book(context.Context) (pricing.Book, error) { return k.book, nil }

// wire puts the core on its adapters. This is the one place that knows which
// adapter stands behind which port.
func (in *instance) wire(ctx context.Context, s boot.Settings, at location, db *database, log *slog.Logger) (wired, error) {
	up, err := upstream(s, log)
	if err != nil {
		return wired{}, configError{err}
	}
	source, err := priceSource(s)
	if err == nil {
		_, err = source.Book(ctx)
	}
	if err != nil {
		return wired{}, configError{err}
	}
	who, links, err := in.providers(s, at)
	if err != nil {
		return wired{}, configError{err}
	}
	attempts := db.attempts(s.Peppers)
	deps := core.Deps{
		Store: faultyStore(db), Upstream: faultyUpstream(up), Prices: source, Peppers: s.Peppers,
		Areas: s.Areas, Boundary: boundary(s.Boundary), BoundaryVersion: s.Boundary.Version, BoundaryText: s.Boundary.Text,
		Environment: string(s.Environment), Sign: s.Audit.Sign,
		Now: now, NewID: in.newID, Entropy: entropy, Log: log,
		Recheck: s.Recheck, KeepResponses: s.KeepResponses, Attempts: attempts, Providers: who,
	}
	if links != nil {
		deps.Links = links
	}
	app, err := core.New(ctx, deps)
	if err != nil {
		return wired{}, err
	}
	return wired{
		app: app, upstream: up, attempts: memlimits.NewFront(memlimits.Config{Now: now}, attempts), at: at, links: links,
	}, nil
}

// providers returns those who sign people in; in local that includes the links
// that this program prints.
func (in *instance) providers(s boot.Settings, at location) ([]identity.Provider, *localidentity.Provider, error) {
	var who []identity.Provider
	for _, p := range s.Providers {
		one, err := oidcidentity.New(oidcidentity.Config{
			ID: p.ID, Name: p.Name, Issuer: p.Issuer, ClientID: p.ClientID, Secret: oidcidentity.Secret(p.ClientSecret.Reveal()), Rule: p.Rule,
			GroupsClaims: p.GroupsClaims, GroupMap: p.GroupMap, Scopes: p.Scopes, Fresh: p.Fresh, Now: now,
		})
		if err != nil {
			return nil, nil, err
		}
		who = append(who, one)
	}
	if s.Environment != boot.Local {
		return who, nil, nil
	}
	links, err := localidentity.New(localidentity.Config{
		Environment: string(s.Environment), Listen: at.listen, Public: at.base, Now: now,
		Print: func(link string) { printLink(in.Out, link) },
	})
	if err != nil {
		return nil, nil, err
	}
	return append(who, links), links, nil
}

// enrol makes whoever opens a printed link an administrator of the account.
func (w wired) enrol(ctx context.Context, account string) error {
	owner, err := w.app.SignIn.Know(ctx, localidentity.ID, identity.Identity{
		Issuer: localidentity.Issuer, Subject: localidentity.Subject, Rule: identity.RuleRequired, Groups: access.NewGroups(access.AllGroups...), Name: "Owner of this machine",
	})
	if err != nil {
		return err
	}
	if _, err = w.app.Members.Add(ctx, account, owner.ID, access.RoleAdmin); errors.Is(err, members.ErrMember) {
		return nil
	}
	return err
}

// boundary returns what the gates look for.
func boundary(b setup.Boundary) gates.Boundary {
	if b.Required {
		return gates.BoundaryMissing
	}
	return gates.BoundaryNotRequired
}

// noKey is what a local upstream that wants no key is sent.
const noKey = "unset"

func upstream(s boot.Settings, log *slog.Logger) (inference.Upstream, error) {
	if len(s.Upstreams) == 0 {
		return demoupstream.New(demoupstream.Config{Now: now}), nil
	}
	var members []upstreams.Member
	for _, u := range s.Upstreams {
		up, err := openaiupstream.New(openaiupstream.Config{
			Name: u.Name, BaseURL: u.URL, Key: openaiupstream.Key(cmp.Or(u.Key.Reveal(), noKey)), FirstByte: u.Timeout,
		})
		if err != nil {
			return nil, err
		}
		members = append(members, upstreams.Member{Upstream: up, Models: u.Models})
	}
	return upstreams.New(upstreams.Config{Members: members, Failures: s.UpstreamBreaker, Now: now, Log: log})
}

func priceSource(s boot.Settings) (prices.Source, error) {
	if s.Prices == "" {
		book, err := pricefile.Parse(demoupstream.PriceBook())
		return known{book}, err
	}
	return pricefile.New(s.Prices), nil
}

// readPrices reads the price file at path.
func readPrices(ctx context.Context, path string) (pricing.Book, error) {
	return pricefile.New(path).Book(ctx)
}

// formatPrices writes a book as a price file.
func formatPrices(book pricing.Book) []byte { return pricefile.Format(book) }

// surfaces returns the handlers of /api and /v1.
func (in *instance) surfaces(s boot.Settings, w wired, outer *edge.Edge, log *slog.Logger) (apiHandler, v1 http.Handler) {
	app := w.app
	apiHandler = api.New(api.Config{
		Sessions: app.Sessions, SignIn: app.SignIn, Base: func() string { return w.at.base }, Gate: app.Gate, Members: app.Members, Setup: app.Setup, Requests: app.Requests, Keyring: app.Keyring, Limits: app.Limits, Credits: app.Credits, Activity: app.Activity,
		Models: app.Models, Threads: app.Threads, Turns: app.Turns, Recorder: app.Recorder,
		Leaks: leaks(s), Log: log, Edge: outer, Attempts: w.attempts, Secure: s.Environment != boot.Local,
	})
	v1 = gateway.New(gateway.Config{Admit: app.Admit, Models: app.Models, Responses: app.Responses, Relay: app.Relay, Memory: app.Memory, Proxies: s.TrustedProxies, NewID: in.newID, Log: log, Unavailable: w.metrics.refused})
	return apiHandler, v1
}

// leaks says whose reports of leaked keys are believed.
func leaks(s boot.Settings) api.Leaks {
	l := api.Leaks{Reporters: s.Reporters}
	if token := s.LeakToken; !token.Empty() {
		l.Bearer = func(given string) bool { return subtle.ConstantTimeCompare([]byte(given), []byte(token.Reveal())) == 1 }
	}
	return l
}
