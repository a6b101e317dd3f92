package oidcidentity

import (
	"context"
	"errors"
	"slices"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/archibot/archibotchat/ports/identity"
)

// Recheck implements identity.Provider: by the refresh token, which brings a
// new ID token or lets userinfo be asked, else by userinfo while the access
// token lives.
func (p *Provider) Recheck(ctx context.Context, g identity.Grant) (identity.Identity, identity.Grant, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	before := unverified(g.IDToken)
	subject, _ := before.text("sub")
	if !isSubject(subject) || g.Refresh == "" && (g.Access == "" || !p.now().Before(g.AccessUntil)) {
		return identity.Identity{}, identity.Grant{}, identity.ErrNoRecheck
	}
	d, err := p.discovered(ctx)
	if err != nil {
		return identity.Identity{}, identity.Grant{}, err
	}
	if g.Refresh == "" {
		now, err := p.ask(ctx, d, g, before, subject)
		if errors.Is(err, errUnauthorized) { // although its time is not over
			err = identity.ErrRefused
		}
		return now, g, err
	}
	set, err := p.refresh(ctx, d, g)
	if err != nil {
		return identity.Identity{}, identity.Grant{}, err
	}
	if set.id == "" {
		set.grant.IDToken = g.IDToken
		now, err := p.ask(ctx, d, set.grant, before, subject)
		if errors.Is(err, errUnauthorized) {
			err = identity.ErrNoRecheck
		}
		return now, set.grant, err
	}
	now, err := p.renewed(ctx, d, set, before, subject)
	if err != nil || set.grant.IDToken == "" {
		set.grant.IDToken = g.IDToken // of which the next re-check learns whom to expect
	}
	if err != nil {
		return identity.Identity{}, set.grant, err
	}
	now.Grant = set.grant
	return now, set.grant, nil
}

// again are the errors that tell that a refresh token works no more, or not
// without the person.
var again = append([]string{"invalid_grant"}, refusals...)

// refresh uses the refresh token. The grant it returns is the one to keep.
func (p *Provider) refresh(ctx context.Context, d *document, g identity.Grant) (tokens, error) {
	source := d.at("").TokenSource(oidc.ClientContext(ctx, p.client), &oauth2.Token{RefreshToken: g.Refresh})
	t, err := source.Token()
	switch {
	case err == nil:
		return p.tokens(t), nil
	case slices.Contains(again, said(err)):
		return tokens{}, identity.ErrRefused
	}
	return tokens{}, p.tokenFault(ctx, err)
}

// renewed checks the ID token that came with a refresh.
func (p *Provider) renewed(ctx context.Context, d *document, set tokens, before claims, subject string) (identity.Identity, error) {
	t, err := p.verify(ctx, d, set)
	if err != nil {
		return identity.Identity{}, err
	}
	if t.Subject != subject {
		return identity.Identity{}, identity.Failed(identity.ReasonSubject, errors.New("refresh"))
	}
	if first, _ := before.text("nonce"); t.Nonce != "" && t.Nonce != first {
		return identity.Identity{}, identity.Failed(identity.ReasonNonce, errors.New("refresh"))
	}
	return p.identity(ctx, d, t, set)
}

// ask asks userinfo about a person whose ID token is an old one. Where groups
// come from the ID token alone, it cannot say what they are by now.
func (p *Provider) ask(ctx context.Context, d *document, g identity.Grant, before claims, subject string) (identity.Identity, error) {
	if d.userInfo == "" {
		return identity.Identity{}, identity.ErrNoRecheck
	}
	now, err := p.userInfo(ctx, d, g.Access, subject)
	if err != nil {
		return identity.Identity{}, err
	}
	if p.cfg.Rule == identity.RuleRequired && before.says(p.cfg.GroupsClaims) && !now.says(p.cfg.GroupsClaims) {
		return identity.Identity{}, identity.ErrNoRecheck
	}
	out := p.person(subject, now)
	before.describe(&out)
	out.SID, _ = before.text("sid")
	out.AuthAt, _ = before.time("auth_time")
	out.Grant = g
	return out, nil
}
