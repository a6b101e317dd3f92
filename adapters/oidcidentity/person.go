package oidcidentity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/archibot/archibotchat/ports/identity"
)

// identity makes an identity of a checked ID token. Userinfo is asked where the
// token is silent about what is needed.
func (p *Provider) identity(ctx context.Context, d *document, t *token, set tokens) (identity.Identity, error) {
	out := p.person(t.Subject, t.claims)
	out.AuthAt, out.Grant = t.authAt, set.grant
	out.SID, _ = t.claims.text("sid")
	if len(out.SID) > maxID {
		out.SID = ""
	}
	silent := p.cfg.Rule == identity.RuleRequired && !t.claims.says(p.cfg.GroupsClaims)
	if d.userInfo == "" || !silent && out.Email != "" {
		return out, nil
	}
	more, err := p.userInfo(ctx, d, set.grant.Access, t.Subject)
	switch {
	case errors.Is(err, errUnauthorized): // it says nothing, then
		return out, nil
	case err != nil:
		return identity.Identity{}, err
	}
	more.describe(&out)
	if silent {
		out.Groups = more.groups(p.cfg.GroupsClaims, p.cfg.GroupMap)
	}
	return out, nil
}

// person returns what claims say of somebody.
func (p *Provider) person(subject string, c claims) identity.Identity {
	out := identity.Identity{Issuer: p.cfg.Issuer, Subject: subject, Rule: p.cfg.Rule}
	c.describe(&out)
	if p.cfg.Rule == identity.RuleRequired {
		out.Groups = c.groups(p.cfg.GroupsClaims, p.cfg.GroupMap)
	}
	return out
}

var errUnauthorized = errors.New("userinfo does not take the token")

// userInfo asks for the claims of a person, who must be the one expected.
// errUnauthorized: the access token is not, or no longer, good for it.
func (p *Provider) userInfo(ctx context.Context, d *document, access, subject string) (claims, error) {
	if access == "" {
		return nil, errUnauthorized
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.userInfo, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+access)
	r.Header.Set("Accept", "application/json")
	res, err := p.client.Do(r)
	if err != nil {
		return nil, p.unavailable(ctx, "userinfo", err)
	}
	defer func() { _ = res.Body.Close() }()
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	switch {
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
		return nil, errUnauthorized
	case res.StatusCode != http.StatusOK || kind != "application/json":
		return nil, p.unavailable(ctx, "userinfo", fmt.Errorf("status %d, type %.60q", res.StatusCode, kind))
	}
	body, err := io.ReadAll(res.Body)
	var c claims
	if err == nil {
		err = json.Unmarshal(body, &c)
	}
	if err != nil {
		return nil, p.unavailable(ctx, "userinfo", err)
	}
	if s, _ := c.text("sub"); s != subject {
		return nil, identity.Failed(identity.ReasonSubject, errors.New("userinfo"))
	}
	return c, nil
}
