package oidcidentity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/archibot/archibotchat/ports/identity"
)

const (
	maxToken   = 512 << 10 // bytes of an ID token: 10,000 groups fit, and are too many then
	maxID      = 255       // bytes of sub, sid and jti
	skew       = 5 * time.Minute
	freshSkew  = time.Minute
	logoutAge  = 5 * time.Minute
	logoutName = "http://schemas.openid.net/event/backchannel-logout"
)

// tokens is what the token endpoint gave.
type tokens struct {
	id    string
	grant identity.Grant
}

// token is a checked ID token.
type token struct {
	*oidc.IDToken
	claims claims
	authAt time.Time // zero: not said
}

// keySet is go-oidc's, with its failures told apart.
type keySet struct{ oidc.KeySet }

type outcomeKey struct{}

// outcome is what happened to one signature: go-oidc hands errors on as text.
type outcome struct {
	asked   bool
	err     error
	payload []byte
}

// VerifySignature implements oidc.KeySet.
func (k keySet) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := k.KeySet.VerifySignature(ctx, jwt)
	if o, ok := ctx.Value(outcomeKey{}).(*outcome); ok {
		*o = outcome{asked: true, err: err, payload: payload}
	}
	return payload, err
}

// verify checks an ID token in all that does not depend on a flow.
func (p *Provider) verify(ctx context.Context, d *document, set tokens) (*token, error) {
	if set.id == "" || len(set.id) > maxToken {
		return nil, identity.Failed(identity.ReasonToken, errors.New("no ID token, or one that is too large"))
	}
	var o outcome
	checked, err := d.verifier.Verify(context.WithValue(ctx, outcomeKey{}, &o), set.id)
	if err != nil {
		return nil, p.failed(ctx, d, o, set.id, err)
	}
	t := &token{IDToken: checked}
	if err := checked.Claims(&t.claims); err != nil {
		return nil, identity.Failed(identity.ReasonToken, nil)
	}
	now := p.now()
	azp, sent := t.claims.text("azp")
	switch {
	case !t.claims.is("sub", checked.Subject), !t.claims.is("iss", checked.Issuer), !t.claims.is("nonce", checked.Nonce):
		return nil, identity.Failed(identity.ReasonToken, errors.New("a claim in another case"))
	case sent && azp != p.cfg.ClientID, !sent && len(checked.Audience) > 1:
		return nil, identity.Failed(identity.ReasonAudience, errors.New("azp"))
	case checked.IssuedAt.IsZero() || checked.IssuedAt.After(now.Add(skew)):
		return nil, identity.Failed(identity.ReasonExpired, errors.New("iat"))
	case !isSubject(checked.Subject):
		return nil, identity.Failed(identity.ReasonSubject, nil)
	case checked.AccessTokenHash != "" && checked.VerifyAccessToken(set.grant.Access) != nil:
		return nil, identity.Failed(identity.ReasonToken, errors.New("at_hash"))
	}
	if at, ok := t.claims.time("auth_time"); ok && !at.After(now.Add(skew)) {
		t.authAt = at
	}
	return t, nil
}

// failed says why go-oidc refused a token.
func (p *Provider) failed(ctx context.Context, d *document, o outcome, raw string, err error) error {
	down := (*url.Error)(nil)
	switch {
	case o.asked && o.err != nil && (errors.As(o.err, &down) || ctx.Err() != nil):
		return p.unavailable(ctx, "keys", o.err)
	case o.asked && o.err != nil:
		return identity.Failed(identity.ReasonSignature, nil)
	case !o.asked && !slices.Contains(d.algorithms, header(raw).Algorithm):
		return identity.Failed(identity.ReasonSignature, errors.New("algorithm"))
	case !o.asked:
		return identity.Failed(identity.ReasonToken, nil)
	}
	var c claims
	expired := (*oidc.TokenExpiredError)(nil)
	if json.Unmarshal(o.payload, &c) != nil {
		return identity.Failed(identity.ReasonToken, nil)
	}
	iss, _ := c.text("iss")
	switch {
	case errors.As(err, &expired):
		return identity.Failed(identity.ReasonExpired, nil)
	case iss != p.cfg.Issuer:
		return identity.Failed(identity.ReasonIssuer, nil)
	case !c.names("aud", p.cfg.ClientID):
		return identity.Failed(identity.ReasonAudience, nil)
	}
	return identity.Failed(identity.ReasonToken, nil)
}

// header returns the header of a token as far as it can be read.
func header(raw string) (h struct {
	Algorithm string `json:"alg"`
	Type      string `json:"typ"`
},
) {
	head, _, _ := strings.Cut(raw, ".")
	if text, err := base64.RawURLEncoding.DecodeString(head); err == nil {
		_ = json.Unmarshal(text, &h)
	}
	return h
}

// unverified returns the claims of a token that was checked when it came.
func unverified(raw string) claims {
	var c claims
	if parts := strings.Split(raw, "."); len(parts) == 3 {
		if text, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
			_ = json.Unmarshal(text, &c)
		}
	}
	return c
}

func isSubject(s string) bool {
	return s != "" && len(s) <= maxID && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// exchange redeems a code.
func (p *Provider) exchange(ctx context.Context, d *document, f identity.Flow, code string) (tokens, error) {
	t, err := d.at(f.Redirect).Exchange(oidc.ClientContext(ctx, p.client), code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		if said(err) == "invalid_grant" {
			return tokens{}, identity.Failed(identity.ReasonCode, nil)
		}
		return tokens{}, p.tokenFault(ctx, err)
	}
	return p.tokens(t), nil
}

func (p *Provider) tokens(t *oauth2.Token) tokens {
	id, _ := t.Extra("id_token").(string)
	g := identity.Grant{Refresh: kept(t.RefreshToken), IDToken: kept(id), Access: kept(t.AccessToken)}
	if g.Access != "" && t.ExpiresIn > 0 {
		g.AccessUntil = p.now().Add(time.Duration(min(t.ExpiresIn, 86400)) * time.Second)
	}
	return tokens{id: id, grant: g}
}

// kept is what of a token is worth keeping.
func kept(text string) string {
	if len(text) > maxKept {
		return ""
	}
	return text
}

// said returns the error code of an answer of the token endpoint that refuses
// the request, "" for anything else.
func said(err error) string {
	r := (*oauth2.RetrieveError)(nil)
	if errors.As(err, &r) && r.Response.StatusCode < 500 && (r.Response.StatusCode < 300 || r.Response.StatusCode >= 400) {
		return r.ErrorCode
	}
	return ""
}

// tokenFault says what an error of the token endpoint is, apart from refusals:
// our own settings or the provider are amiss, not the person.
func (p *Provider) tokenFault(ctx context.Context, err error) error {
	if r := (*oauth2.RetrieveError)(nil); errors.As(err, &r) { // whose text holds the whole answer
		err = fmt.Errorf("status %d, error %.60q", r.Response.StatusCode, r.ErrorCode)
	}
	return p.unavailable(ctx, "token endpoint", err)
}
