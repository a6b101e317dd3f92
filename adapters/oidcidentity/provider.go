package oidcidentity

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/identity"
)

const (
	defaultTimeout = 10 * time.Second
	maxParam       = 8 << 10 // bytes of a parameter of the callback
	maxHint        = 4 << 10 // bytes of an ID token that goes into an address
	maxKept        = 16 << 10
)

// Provider is one OpenID Connect provider. Close it when done.
type Provider struct {
	cfg    Config
	issuer *url.URL
	client *http.Client
	now    func() time.Time

	turn     chan struct{} // held by who asks for the document
	document atomic.Pointer[document]
}

var _ identity.Provider = (*Provider)(nil)

// New returns the provider of a configuration. It asks nobody yet: a provider
// that is down does not keep the server from starting.
func New(cfg Config) (*Provider, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	issuer, err := url.Parse(cfg.Issuer)
	if err != nil {
		return nil, err
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if len(cfg.GroupsClaims) == 0 {
		cfg.GroupsClaims = []string{"groups"}
	}
	return &Provider{cfg: cfg, issuer: issuer, client: newClient(issuer, cfg.Timeout), now: cfg.Now, turn: make(chan struct{}, 1)}, nil
}

// Close closes idle connections.
func (p *Provider) Close() { p.client.CloseIdleConnections() }

// Describe implements identity.Provider.
func (p *Provider) Describe() identity.Description {
	return identity.Description{ID: p.cfg.ID, Name: p.cfg.Name, Issuer: p.cfg.Issuer, Rule: p.cfg.Rule}
}

// Begin implements identity.Provider.
func (p *Provider) Begin(ctx context.Context, f identity.Flow) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	if len(f.State) < 32 || len(f.Nonce) < 32 || len(f.Verifier) < 43 || f.Redirect == "" || f.Fresh && f.Began.IsZero() {
		return "", errors.New("oidcidentity: a flow lacks state, nonce, verifier, redirect or its time")
	}
	d, err := p.discovered(ctx)
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(f.Verifier), oauth2.SetAuthURLParam("nonce", f.Nonce)}
	switch {
	case f.Fresh && p.cfg.Fresh == FreshReturn: // such a provider may refuse prompt=login
		options = append(options, oauth2.SetAuthURLParam("prompt", "select_account"))
	case f.Fresh:
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	return d.at(f.Redirect).AuthCodeURL(f.State, options...), nil
}

// at returns the client of a callback.
func (d *document) at(redirect string) *oauth2.Config {
	c := d.oauth
	c.RedirectURL = redirect
	return &c
}

// Finish implements identity.Provider.
func (p *Provider) Finish(ctx context.Context, f identity.Flow, callback url.Values) (identity.Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	d, err := p.discovered(ctx)
	if err != nil {
		return identity.Identity{}, err
	}
	code, err := p.code(d, f, callback)
	if err != nil {
		return identity.Identity{}, err
	}
	set, err := p.exchange(ctx, d, f, code)
	if err != nil {
		return identity.Identity{}, err
	}
	t, err := p.verify(ctx, d, set)
	if err != nil {
		return identity.Identity{}, err
	}
	if t.Nonce == "" || f.Nonce == "" || subtle.ConstantTimeCompare([]byte(t.Nonce), []byte(f.Nonce)) != 1 {
		return identity.Identity{}, identity.Failed(identity.ReasonNonce, nil)
	}
	if f.Fresh && !p.fresh(f, t) {
		return identity.Identity{}, identity.Failed(identity.ReasonNotFresh, nil)
	}
	return p.identity(ctx, d, t, set)
}

// fresh reports whether somebody signed in anew for this flow.
func (p *Provider) fresh(f identity.Flow, t *token) bool {
	if f.Began.IsZero() {
		return false
	}
	if _, said := t.claims["auth_time"]; !said && p.cfg.Fresh == FreshReturn {
		return true
	}
	return !t.authAt.IsZero() && !t.authAt.Before(f.Began.Add(-freshSkew))
}

// code returns the code of a callback, once everything beside it checks out.
func (p *Provider) code(d *document, f identity.Flow, callback url.Values) (string, error) {
	for _, name := range []string{"state", "code", "iss", "error"} {
		if v := callback[name]; len(v) > 1 || len(v) == 1 && len(v[0]) > maxParam {
			return "", identity.Failed(identity.ReasonCallback, nil)
		}
	}
	if f.State == "" || subtle.ConstantTimeCompare([]byte(callback.Get("state")), []byte(f.State)) != 1 {
		return "", identity.ErrState
	}
	// RFC 9207: else a provider could pass its codes off as another's.
	if iss, sent := callback["iss"]; sent && iss[0] != p.cfg.Issuer || !sent && d.issuer {
		return "", identity.Failed(identity.ReasonIssuer, errors.New("of the callback"))
	}
	if callback.Has("error") {
		return "", answered(callback.Get("error"))
	}
	code := callback.Get("code")
	if code == "" {
		return "", identity.Failed(identity.ReasonCallback, nil)
	}
	return code, nil
}

// refusals are the errors by which a provider or the person says no.
var refusals = []string{"access_denied", "login_required", "interaction_required", "consent_required", "account_selection_required"}

// answered judges an error that came with the callback. Anybody can write one,
// so its text goes no further.
func answered(code string) error {
	switch {
	case slices.Contains(refusals, code):
		return identity.ErrRefused
	case code == "temporarily_unavailable" || code == "server_error":
		return identity.Unavailable(errors.New(code))
	}
	return identity.Failed(identity.ReasonCallback, errors.New("the provider answered with an error"))
}

// LogoutURL implements identity.Provider.
func (p *Provider) LogoutURL(ctx context.Context, g identity.Grant, after string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	d, err := p.discovered(ctx)
	if err != nil || d.endSession == "" {
		return "", err
	}
	u, err := url.Parse(d.endSession)
	if err != nil {
		return "", p.unavailable(ctx, "end_session_endpoint", err)
	}
	q := u.Query()
	q.Set("client_id", p.cfg.ClientID)
	if after != "" {
		q.Set("post_logout_redirect_uri", after)
	}
	if g.IDToken != "" && len(g.IDToken) <= maxHint {
		q.Set("id_token_hint", g.IDToken)
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// unavailable says that the provider is down, or that the caller went away.
func (p *Provider) unavailable(ctx context.Context, what string, cause error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fault.Wrap(ctx.Err(), fault.Canceled, "canceled", "The request was given up before it was done.")
	}
	const most = 300 // a provider's page of HTML helps nobody
	text := what + ": " + cause.Error()
	if len(text) > most {
		text = text[:most] + "…"
	}
	return identity.Unavailable(errors.New(text))
}
