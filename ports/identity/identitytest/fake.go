package identitytest

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/identity"
)

// Fake is a provider without a network, for tests of what stands on the port.
// A callback's code is one of Approve, or simply the subject of a person who
// was added. Recheck finds people by the ID token of their grant.
type Fake struct {
	about identity.Description

	mu      sync.Mutex
	people  map[string]identity.Identity
	blocked map[string]bool
	down    bool
	turns   int               // codes and refresh tokens handed out
	codes   map[string]string // subjects by code
}

var _ identity.Provider = (*Fake)(nil)

const idToken = "id-token-of-"

// NewFake returns a provider that knows nobody yet.
func NewFake(about identity.Description) *Fake {
	return &Fake{about: about, people: map[string]identity.Identity{}, blocked: map[string]bool{}, codes: map[string]string{}}
}

// Put adds a person, or changes what is said about them from now on. Issuer
// and rule are those of the provider.
func (f *Fake) Put(p identity.Identity) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p.Issuer, p.Rule = f.about.Issuer, f.about.Rule
	f.people[p.Subject] = p
}

// Block refuses a person from now on.
func (f *Fake) Block(subject string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.blocked[subject] = true
}

// SetDown lets the provider answer no more, or again.
func (f *Fake) SetDown(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
}

// Approve returns the callback of a person who signed in, good for one use.
func (f *Fake) Approve(state, subject string) url.Values {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.turns++
	code := "code-" + strconv.Itoa(f.turns)
	f.codes[code] = subject
	return url.Values{"state": {state}, "code": {code}}
}

// Describe implements identity.Provider.
func (f *Fake) Describe() identity.Description { return f.about }

// Begin returns an address at the issuer that names state and callback.
func (f *Fake) Begin(_ context.Context, flow identity.Flow) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		return "", identity.Unavailable(nil)
	}
	q := url.Values{"state": {flow.State}, "redirect_uri": {flow.Redirect}}
	if flow.Fresh {
		q.Set("prompt", "login")
	}
	return f.about.Issuer + "/authorize?" + q.Encode(), nil
}

// Finish signs in the person that the code names. AuthAt is the person's, or
// when the flow began if that was to be fresh.
func (f *Fake) Finish(ctx context.Context, flow identity.Flow, callback url.Values) (identity.Identity, error) {
	switch {
	case ctx.Err() != nil:
		return identity.Identity{}, fault.Wrap(ctx.Err(), fault.Canceled, "canceled", "The request was given up before it was done.")
	case callback.Get("state") != flow.State:
		return identity.Identity{}, identity.ErrState
	case callback.Get("error") != "":
		return identity.Identity{}, identity.ErrRefused
	}
	p, g, err := f.person(f.subject(callback.Get("code")))
	if err != nil {
		return identity.Identity{}, err
	}
	if flow.Fresh {
		p.AuthAt = flow.Began
	}
	p.Grant = g
	return p, nil
}

// subject uses a code up.
func (f *Fake) subject(code string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if subject, ok := f.codes[code]; ok {
		if !f.down {
			delete(f.codes, code)
		}
		return subject
	}
	return code
}

// Recheck says what is known of the person by now.
func (f *Fake) Recheck(_ context.Context, g identity.Grant) (identity.Identity, identity.Grant, error) {
	if g.Refresh == "" {
		return identity.Identity{}, identity.Grant{}, identity.ErrNoRecheck
	}
	return f.person(strings.TrimPrefix(g.IDToken, idToken))
}

func (f *Fake) person(subject string) (identity.Identity, identity.Grant, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, ok := f.people[subject]
	switch {
	case f.down:
		return identity.Identity{}, identity.Grant{}, identity.Unavailable(nil)
	case f.blocked[subject]:
		return identity.Identity{}, identity.Grant{}, identity.ErrRefused
	case !ok:
		return identity.Identity{}, identity.Grant{}, identity.Failed(identity.ReasonCode, nil)
	}
	f.turns++
	p.Grant = identity.Grant{Refresh: "refresh-" + subject + strings.Repeat("+", f.turns), IDToken: idToken + subject}
	return p, p.Grant, nil
}

// LogoutURL returns an address at the issuer.
func (f *Fake) LogoutURL(_ context.Context, g identity.Grant, after string) (string, error) {
	q := url.Values{"id_token_hint": {g.IDToken}, "post_logout_redirect_uri": {after}}
	return f.about.Issuer + "/logout?" + q.Encode(), nil
}

// ParseLogout reads what LogoutToken made.
func (f *Fake) ParseLogout(_ context.Context, token string) (identity.Logout, error) {
	q, err := url.ParseQuery(token)
	if err != nil || q.Get("iss") != f.about.Issuer {
		return identity.Logout{}, identity.Failed(identity.ReasonLogout, err)
	}
	at, err := time.Parse(time.RFC3339, q.Get("at"))
	if err != nil {
		return identity.Logout{}, identity.Failed(identity.ReasonLogout, err)
	}
	return identity.Logout{
		Issuer: f.about.Issuer, Subject: q.Get("sub"), SID: q.Get("sid"), ID: q.Get("jti"), At: at, Until: at.Add(2 * time.Minute),
	}, nil
}

// LogoutToken returns a token that ParseLogout accepts.
func (f *Fake) LogoutToken(l identity.Logout) string {
	return url.Values{"iss": {f.about.Issuer}, "sub": {l.Subject}, "sid": {l.SID}, "jti": {l.ID}, "at": {l.At.Format(time.RFC3339)}}.Encode()
}
