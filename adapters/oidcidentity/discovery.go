package oidcidentity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	// discoverAgain is how old a provider's document and keys may get. A key that
	// the provider withdrew is accepted no longer than that.
	discoverAgain = time.Hour
	// retryAfter is how long a failed renewal is left alone while the old
	// document serves.
	retryAfter = time.Minute
)

// algorithms are those that a token may be signed with: asymmetric ones only.
var algorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
}

// document is what discovery told, ready for use.
type document struct {
	oauth      oauth2.Config
	verifier   *oidc.IDTokenVerifier
	algorithms []string
	userInfo   string // empty: none
	endSession string // empty: none
	issuer     bool   // callbacks carry iss (RFC 9207)
	keysURL    string
	renew      time.Time
}

// discovered returns the provider's document, asking for it if there is none
// or it is old. One asks at a time. While the provider is down, the old
// document serves, but not its keys past their age: see verifier.
func (p *Provider) discovered(ctx context.Context) (*document, error) {
	if d := p.document.Load(); d != nil && p.now().Before(d.renew) {
		return d, nil
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return nil, p.unavailable(ctx, "discovery", ctx.Err())
	}
	old := p.document.Load()
	if old != nil && p.now().Before(old.renew) {
		return old, nil // somebody else asked meanwhile
	}
	d, err := p.discover(ctx)
	switch {
	case err == nil:
		p.document.Store(d)
		return d, nil
	case old != nil && ctx.Err() == nil:
		again := *old
		again.renew = p.now().Add(retryAfter)
		again.verifier = p.verifier(p.keys(old), old.algorithms)
		p.document.Store(&again)
		return &again, nil
	}
	return nil, p.unavailable(ctx, "discovery", err)
}

// metadataJSON is what we read of the document beyond go-oidc.
type metadataJSON struct {
	Keys       string   `json:"jwks_uri"`
	EndSession string   `json:"end_session_endpoint"`
	Issuer     bool     `json:"authorization_response_iss_parameter_supported"`
	Auth       []string `json:"token_endpoint_auth_methods_supported"`
	Scopes     []string `json:"scopes_supported"`
	Algorithms []string `json:"id_token_signing_alg_values_supported"`
}

func (p *Provider) discover(ctx context.Context) (*document, error) {
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.cfg.Issuer)
	if err != nil {
		return nil, err
	}
	var m metadataJSON
	if err := found.Claims(&m); err != nil {
		return nil, err
	}
	d := &document{userInfo: found.UserInfoEndpoint(), endSession: m.EndSession, issuer: m.Issuer, renew: p.now().Add(discoverAgain)}
	d.oauth = oauth2.Config{ClientID: p.cfg.ClientID, ClientSecret: string(p.cfg.Secret), Endpoint: found.Endpoint(), Scopes: p.scopes(m.Scopes)}
	d.oauth.Endpoint.AuthStyle = authStyle(p.cfg.Secret, m.Auth)
	if err := errors.Join(
		p.endpoint("authorization_endpoint", d.oauth.Endpoint.AuthURL), p.endpoint("token_endpoint", d.oauth.Endpoint.TokenURL), p.endpoint("jwks_uri", m.Keys),
	); err != nil {
		return nil, err
	}
	if d.userInfo != "" && p.endpoint("userinfo_endpoint", d.userInfo) != nil {
		d.userInfo = ""
	}
	if d.endSession != "" && p.endpoint("end_session_endpoint", d.endSession) != nil {
		d.endSession = ""
	}
	for _, a := range algorithms {
		if slices.Contains(m.Algorithms, a) || len(m.Algorithms) == 0 && a == oidc.RS256 {
			d.algorithms = append(d.algorithms, a)
		}
	}
	if len(d.algorithms) == 0 {
		return nil, errors.New("the provider signs with no asymmetric algorithm")
	}
	d.keysURL = m.Keys
	d.verifier = p.verifier(p.keys(d), d.algorithms)
	return d, nil
}

// endpoint checks an address of the document: as safe as the issuer's.
func (p *Provider) endpoint(name, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && (u.Scheme != "http" || p.issuer.Scheme != "http") {
		return fmt.Errorf("the %s of the provider's document is missing or no proper address", name)
	}
	return nil
}

// scopes returns what to ask for: as configured, else what is usual and known.
func (p *Provider) scopes(supported []string) []string {
	out := []string{oidc.ScopeOpenID}
	if len(p.cfg.Scopes) > 0 {
		for _, s := range p.cfg.Scopes {
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
		return out
	}
	out = append(out, "email", "profile")
	for _, s := range []string{oidc.ScopeOfflineAccess, "groups"} {
		if slices.Contains(supported, s) {
			out = append(out, s)
		}
	}
	return out
}

// authStyle says how the client proves itself at the token endpoint. It is
// never tried out: a failed try would use up a code, or a refresh token.
func authStyle(secret Secret, supported []string) oauth2.AuthStyle {
	if secret == "" || len(supported) > 0 && !slices.Contains(supported, "client_secret_basic") {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// keys returns the provider's keys, not fetched yet.
func (p *Provider) keys(d *document) keySet {
	client := &http.Client{
		Transport: &keyTransport{next: p.client.Transport, now: p.now}, Timeout: p.client.Timeout, CheckRedirect: p.client.CheckRedirect,
	}
	return keySet{oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), client), d.keysURL)}
}

func (p *Provider) verifier(keys keySet, allowed []string) *oidc.IDTokenVerifier {
	return oidc.NewVerifier(p.cfg.Issuer, keys, &oidc.Config{ClientID: p.cfg.ClientID, SupportedSigningAlgs: allowed, Now: p.now})
}
