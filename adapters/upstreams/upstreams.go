// Package upstreams makes one upstream of several, asked in order, each behind
// a circuit breaker (W8).
//
// It keeps true that
//   - a call goes on to another upstream, or is made again, only if its failure
//     says that no work was begun: it never arrived ([inference.ErrUnsent]), or
//     the upstream declined it (401, 403, 429, 503). After any other failure
//     work may have been done, and the call is over;
//   - an upstream is asked once per call. Only a call that no upstream had is
//     made once more, after a short pause, and such calls are at most a tenth
//     of all, so that they cannot double the load of what is failing;
//   - no call is begun once its client has left;
//   - an upstream that keeps failing is left alone for a while and then tried
//     with a single call. What a client does wrong never counts against it.
//
// It sees nothing of an answer beyond its head: what has begun is never retried.
// It is for any upstreams; which ones, and in which order, is the host's matter.
package upstreams

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/ports/inference"
)

var _ inference.Foreseeing = (*Upstreams)(nil)

// Member is one of the upstreams.
type Member struct {
	Upstream inference.Upstream
	// Models are the models that it serves: exact IDs, or prefixes that end in
	// one *. Empty: every model.
	Models []string
}

// DefaultFailures is how many failures in a row open a breaker if the
// configuration does not say.
const DefaultFailures = 5

// Config says which upstreams there are.
type Config struct {
	// Members are the upstreams in the order in which they are asked.
	Members []Member
	// Failures in a row after which an upstream is left alone; 0: never.
	Failures int
	Now      func() time.Time
	Log      *slog.Logger
}

// Validate reports everything that is wrong with c.
func (c Config) Validate() error {
	var errs []error
	if len(c.Members) == 0 {
		errs = append(errs, errors.New("there is no upstream"))
	}
	names := map[string]bool{}
	for _, m := range c.Members {
		if m.Upstream == nil {
			errs = append(errs, errors.New("an upstream is missing"))
			continue
		}
		name := m.Upstream.Name()
		if name == "" || names[name] {
			errs = append(errs, fmt.Errorf("the upstream's name %q is empty or taken", name))
		}
		names[name] = true
		for _, id := range m.Models {
			if id == "" || strings.Contains(strings.TrimSuffix(id, "*"), "*") {
				errs = append(errs, fmt.Errorf("upstream %q: %q is neither a model's ID nor a prefix that ends in one *", name, id))
			}
		}
	}
	if c.Failures < 0 {
		errs = append(errs, errors.New("the number of failures must not be negative"))
	}
	if c.Now == nil || c.Log == nil {
		errs = append(errs, errors.New("the clock or the log is missing"))
	}
	return errors.Join(errs...)
}

// Upstreams asks its members in order. It is safe for concurrent use.
type Upstreams struct {
	name    string
	members []*member
	now     func() time.Time
	log     *slog.Logger
}

// New returns the upstreams of cfg as one.
func New(cfg Config) (*Upstreams, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure the upstreams: %w", err)
	}
	u := &Upstreams{now: cfg.Now, log: cfg.Log}
	var names []string
	for _, m := range cfg.Members {
		u.members = append(u.members, &member{Member: m, name: m.Upstream.Name(), breaker: breaker{limit: cfg.Failures}, budget: newBudget()})
		names = append(names, m.Upstream.Name())
	}
	u.name = strings.Join(names, ", ")
	return u, nil
}

// Name returns the members' names.
func (u *Upstreams) Name() string { return u.name }

// errUnserved means that no upstream is configured for the model. To clients
// it is as unknown as any other.
var errUnserved = gates.ModelNotAllowed.Fault()

// Foresee implements [inference.Foreseeing]: nobody serves the model, or all
// that do are left alone for the moment.
func (u *Upstreams) Foresee(r *inference.Request) error {
	var closest time.Duration
	now, found := u.now(), false
	for _, m := range u.members {
		if !m.takes(r) {
			continue
		}
		wait := m.breaker.wait(now)
		if wait <= 0 {
			return nil
		}
		if !found || wait < closest {
			closest, found = wait, true
		}
	}
	switch {
	case found:
		return resting(closest)
	case r.Keeper != "":
		return nil // Do asks nobody, but says 404 as the port has it
	default:
		return errUnserved
	}
}

// resting is the failure of a call that no upstream may be asked for now.
func resting(wait time.Duration) error {
	f := *errResting
	f.RetryAfter = max(wait, time.Second)
	return &f
}

var errResting = fault.New(fault.Unavailable, "upstream_unavailable", "The model provider is not answering just now. Nothing was debited; try again shortly.")

// Do forwards r to the first member that takes it, as the port says. What it
// fails with is what the last of them failed with, but a refusal with 429 goes
// before other failures: it says when to come back.
func (u *Upstreams) Do(ctx context.Context, r *inference.Request) (*inference.Response, error) {
	if r.Keeper != "" && u.keeper(r.Keeper) == nil {
		return u.members[0].Upstream.Do(ctx, r) // which refuses what another keeps
	}
	var failure error
	var again *member // the first that could not be reached
	for _, m := range u.members {
		if !m.takes(r) {
			continue
		}
		if err := over(ctx, r, failure); err != nil {
			return nil, err
		}
		t, ok := u.enter(m)
		if !ok {
			continue
		}
		m.budget.earn()
		res, err := u.ask(ctx, r, m, t)
		if err == nil || !elsewhere(err) {
			return res, err
		}
		u.log.Debug("the upstream did not take the call", "request_id", r.RequestID, "upstream", m.name, "error", err)
		if again == nil && errors.Is(err, inference.ErrUnsent) {
			again = m
		}
		failure = worse(failure, err)
	}
	if failure == nil {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return nil, u.vain(r)
	}
	if again == nil || !errors.Is(failure, inference.ErrUnsent) || !again.budget.take() || !pause(ctx, r) {
		return nil, failure
	}
	t, ok := u.enter(again)
	if !ok {
		return nil, failure
	}
	u.log.Debug("making a call again that did not arrive", "request_id", r.RequestID, "upstream", again.name)
	return u.ask(ctx, r, again, t)
}

// vain is the failure of a call that nobody was asked for.
func (u *Upstreams) vain(r *inference.Request) error {
	if err := u.Foresee(r); err != nil {
		return err
	}
	return resting(0) // a breaker let go just now
}

// over returns the error of a call that must not be begun: its context has
// ended, or nobody waits for it.
func over(ctx context.Context, r *inference.Request, failure error) error {
	err := ctx.Err()
	select {
	case <-r.Left:
		err = context.Canceled
	default:
	}
	if err != nil && failure != nil {
		return failure // it says more
	}
	return err
}

// enter asks the member's breaker, and tells if that begins a trial.
func (u *Upstreams) enter(m *member) (ticket, bool) {
	t, ok := m.breaker.enter(u.now())
	if ok && t.trial {
		u.log.Info("trying the upstream again", "upstream", m.name)
	}
	return t, ok
}

// ask makes one call and lets the breaker know what came of it.
func (u *Upstreams) ask(ctx context.Context, r *inference.Request, m *member, t ticket) (res *inference.Response, err error) {
	v := unknown // where it panics
	defer func() { u.tell(m, m.breaker.report(t, v, u.now()), err) }()
	res, err = m.Upstream.Do(ctx, r)
	v = judge(ctx, err)
	return res, err
}

// Object makes a call on what a member keeps, once. One that keeps nothing of
// the name in o refuses it, as the port says.
func (u *Upstreams) Object(ctx context.Context, o *inference.ObjectCall) (res *inference.Response, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m := u.keeper(o.Keeper)
	if m == nil {
		return u.members[0].Upstream.Object(ctx, o)
	}
	t, ok := u.enter(m)
	if !ok {
		return nil, resting(m.breaker.wait(u.now()))
	}
	v := unknown
	defer func() { u.tell(m, m.breaker.report(t, v, u.now()), err) }()
	res, err = m.Upstream.Object(ctx, o)
	v = judge(ctx, err)
	return res, err
}

// keeper returns the member of a name, nil if it is not configured any more.
func (u *Upstreams) keeper(name string) *member {
	for _, m := range u.members {
		if m.name == name {
			return m
		}
	}
	return nil
}

// tell logs what changed.
func (u *Upstreams) tell(m *member, c change, err error) {
	switch c.what {
	case unchanged:
	case opened:
		u.log.Warn("the upstream keeps failing and is left alone for a while", "upstream", m.name, "pause", c.pause.String(), "error", err)
	case reopened:
		u.log.Warn("the upstream still fails", "upstream", m.name, "pause", c.pause.String(), "error", err)
	case closed:
		u.log.Info("the upstream is back", "upstream", m.name)
	}
}
