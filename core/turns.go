package core

import (
	"context"
	"errors"
	"net/netip"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/admit"
	"github.com/archibot/archibotchat/core/app/firstparty"
	"github.com/archibot/archibotchat/core/app/relay"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/app/turns"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/core/pricing"
	port "github.com/archibot/archibotchat/ports/inference"
)

// door lets the turns of the chat in: by the session's hidden credential (K8),
// through the gate that API keys pass too.
type door struct{ *App }

var _ turns.Door = door{}

// errModel is models.ErrUnknown in the words of the app API.
var errModel = fault.New(fault.NotFound, "model_not_found", gates.ModelNotAllowed.Sentence()+" Pick another one.")

// Enter implements turns.Door.
func (d door) Enter(ctx context.Context, model string, from netip.Addr) (turns.Visit, error) {
	g := &guest{App: d.App, from: from, model: model}
	if err := g.admit(ctx); err != nil {
		return nil, err
	}
	if g.model == "" {
		var err error
		if g.model, err = d.Models.Default(ctx, g.grant.Key); err != nil {
			if fault.KindOf(err) == fault.NotFound {
				err = errModel
			}
			return nil, err
		}
	}
	return g, g.price(ctx)
}

// Check implements turns.Door.
func (d door) Check(ctx context.Context) error { return d.Sessions.Check(ctx) }

// Limited implements turns.Door.
func (d door) Limited(ctx context.Context, from netip.Addr) {
	d.denied(ctx, string(gates.RateLimited), from)
}

// denied records that somebody was not let in.
func (d door) denied(ctx context.Context, reason string, from netip.Addr) {
	d.Recorder.RefusedFrom(audit.Event{
		Account: access.By(ctx).Account, Kind: audit.GateDenied, Actor: audit.By(ctx), Area: string(access.AreaChat), Request: access.Request(ctx),
		Reason: reason, At: d.deps.Now(), Count: 1,
	}, from)
}

// guest is a turn that was let in.
type guest struct {
	*App
	from       netip.Addr
	model      string
	credential keys.FirstParty
	grant      admit.Grant
	quote      pricing.Quote
	stay       admit.Stay
}

var _ turns.Visit = (*guest)(nil)

// admit lets in whoever's session ctx carries. A credential that was replaced
// between two questions is asked for once more.
func (g *guest) admit(ctx context.Context) error {
	c, ok := sessions.From(ctx)
	if !ok {
		return sessions.ErrNotSignedIn
	}
	who := firstparty.Person{Account: c.Account, User: c.Session.User, Rule: c.Session.UserRule, Groups: c.Session.Groups}
	for again := true; ; again = false {
		var err error
		if g.credential, err = g.FirstParty.Credential(ctx, who); err != nil {
			switch fault.KindOf(err) {
			case fault.Unauthenticated, fault.Forbidden, fault.Exhausted, fault.Limited: // a reason, and no failure of ours
				door{g.App}.denied(ctx, fault.CodeOf(err), g.from)
			default:
			}
			return err
		}
		g.grant, err = g.Admit.FirstParty(ctx, g.credential, g.from)
		if !again || !errors.Is(err, gates.NotSignedIn.Fault()) {
			return err
		}
	}
}

// price finds what the model costs, if it may be used.
func (g *guest) price(ctx context.Context) error {
	q, err := g.Models.Quote(g.grant.Key, g.model)
	if fault.KindOf(err) == fault.NotFound && err != nil {
		g.Admit.Refuse(ctx, g.grant, string(gates.ModelNotAllowed))
		return errModel
	}
	g.quote = q
	return err
}

// Grant implements turns.Visit.
func (g *guest) Grant() turns.Grant {
	return turns.Grant{By: g.grant.Principal(), Quote: g.quote, Epoch: g.grant.Account.Epoch, Limits: g.grant.Limits, Current: g.grant.Current}
}

// Stay implements turns.Visit.
func (g *guest) Stay() { g.App.Admit.Stay(&g.stay, g.grant, keys.ScopeChatCompletions) }

// Watch implements turns.Visit.
func (g *guest) Watch(cut func(error)) { g.stay.Watch(cut) }

// Leave implements turns.Visit.
func (g *guest) Leave() { g.stay.End() }

// Again implements turns.Visit. A credential that was replaced meanwhile, as
// another tab's turn does in its time, is asked for anew, by the session as it
// is now.
func (g *guest) Again(ctx context.Context, refused int64) (int64, []ledger.Limit, error) {
	grant, err := g.App.Admit.AgainFirstParty(ctx, g.credential, g.from, refused)
	if errors.Is(err, gates.NotSignedIn.Fault()) {
		if ctx, err = g.Sessions.Renew(ctx); err == nil {
			err = g.admit(ctx)
		}
		grant = g.grant
	}
	if err != nil {
		return 0, nil, err
	}
	g.grant = grant
	if err := g.price(ctx); err != nil {
		return 0, nil, err
	}
	return grant.Account.Epoch, grant.Limits, nil
}

// turnRelay does turns as the relay does requests to /v1.
type turnRelay struct{ relay *relay.Relay }

var _ turns.Relay = turnRelay{}

// Forward implements turns.Relay.
func (r turnRelay) Forward(ctx context.Context, j turns.Job, c turns.Course) error {
	out := course{c}
	return r.relay.Forward(ctx, relay.Job{
		Request: j.Request, By: j.By, Area: access.AreaChat, Call: j.Call, Body: j.Body, Quote: j.Quote,
		Epoch: j.Epoch, Limits: j.Limits, Current: j.Current, Gate: out, Observer: out,
	}, out)
}

// course is what the relay writes a turn to.
type course struct{ turns.Course }

var (
	_ relay.Sink     = course{}
	_ relay.Gate     = course{}
	_ relay.Observer = course{}
)

// Rates implements relay.Sink: a turn has no head to tell them in.
func (course) Rates(ledger.Rates) {}

// JSON implements relay.Sink.
func (c course) JSON(_ []port.Header, body []byte, _ relay.Bill) error { return c.Course.JSON(body) }

// StartJSON implements relay.Sink.
func (c course) StartJSON([]port.Header) error { return c.Course.StartJSON() }

// Start implements relay.Sink.
func (course) Start([]port.Header) error { return nil }

// Settled implements relay.Observer.
func (c course) Settled(b relay.Bill, u inference.Usage) { c.Course.Settled(b.Debited, u) }

// Released implements relay.Observer.
func (c course) Released(relay.Bill) { c.Course.Released() }
