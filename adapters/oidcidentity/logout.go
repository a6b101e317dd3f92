package oidcidentity

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/archibot/archibotchat/ports/identity"
)

// logoutTypes are what a logout token's typ may be: many providers send none,
// or that of any token.
var logoutTypes = []string{"", "jwt", "logout+jwt", "application/logout+jwt"}

// ParseLogout implements identity.Provider after OpenID Connect Back-Channel
// Logout 1.0, section 2.6.
func (p *Provider) ParseLogout(ctx context.Context, raw string) (identity.Logout, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	// Anybody may post here: what is plainly no token makes no query.
	if raw == "" || len(raw) > maxKept || strings.Count(raw, ".") != 2 {
		return identity.Logout{}, identity.Failed(identity.ReasonToken, nil)
	}
	if !slices.Contains(logoutTypes, strings.ToLower(header(raw).Type)) {
		return identity.Logout{}, identity.Failed(identity.ReasonLogout, errors.New("typ"))
	}
	d, err := p.discovered(ctx)
	if err != nil {
		return identity.Logout{}, err
	}
	var o outcome
	t, err := d.verifier.VerifyLogout(context.WithValue(ctx, outcomeKey{}, &o), raw)
	if err != nil {
		err = p.failed(ctx, d, o, raw, err)
		if identity.ReasonOf(err) == identity.ReasonToken && o.payload != nil {
			err = identity.Failed(identity.ReasonLogout, nil)
		}
		return identity.Logout{}, err
	}
	var c struct {
		Events map[string]claims `json:"events"`
	}
	now := p.now()
	switch {
	case t.Claims(&c) != nil || c.Events[logoutName] == nil:
		return identity.Logout{}, identity.Failed(identity.ReasonLogout, errors.New("events"))
	case t.IssuedAt.Before(now.Add(-logoutAge)) || t.IssuedAt.After(now.Add(skew)):
		return identity.Logout{}, identity.Failed(identity.ReasonExpired, errors.New("iat"))
	case len(t.TokenID) > maxID || len(t.SessionID) > maxID || t.Subject != "" && !isSubject(t.Subject):
		return identity.Logout{}, identity.Failed(identity.ReasonLogout, errors.New("too long"))
	}
	// Past this its iat is too old, whatever exp says.
	until := t.IssuedAt.Add(logoutAge)
	return identity.Logout{Issuer: p.cfg.Issuer, Subject: t.Subject, SID: t.SessionID, ID: t.TokenID, At: t.IssuedAt, Until: until}, nil
}
