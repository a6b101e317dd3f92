package signin

import (
	"context"
	"encoding/hex"
	"net/url"
	"path"
	"strings"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/ports/identity"
	"github.com/archibot/archibotchat/ports/store"
)

// Start is how somebody begins to sign in.
type Start struct {
	Provider string
	Redirect string // the absolute URL of the callback
	ReturnTo string // where to go afterwards; / unless it is a path of this site
	Fresh    bool   // they are to prove themselves anew
	Session  string // the ID of the session that they have; may be empty
}

// Begun is a sign-in under way.
type Begun struct {
	URL     string       // where to send the browser
	Name    string       // tells this sign-in from others of the browser
	Binding access.Token // what the browser must bring back
}

// Begin starts a sign-in. Faults: no_such_provider, provider_unavailable.
func (s *Service) Begin(ctx context.Context, n Start) (Begun, error) {
	p := s.of[n.Provider]
	if p == nil {
		return Begun{}, ErrNoProvider
	}
	state, nonce, verifier, binding := s.token(), s.token(), s.token(), s.token()
	now := s.d.Now()
	to, err := p.Begin(ctx, identity.Flow{
		State: state.Reveal(), Nonce: nonce.Reveal(), Verifier: verifier.Reveal(), Redirect: n.Redirect, Fresh: n.Fresh, Began: now,
	})
	if err != nil {
		return Begun{}, s.failed(ctx, n.Provider, err)
	}
	err = s.d.Store.Flows().Add(ctx, store.Flow{
		State: state.Sum(), Provider: n.Provider, Nonce: nonce.Reveal(), Verifier: verifier.Reveal(), Binding: binding.Sum(),
		ReturnTo: ReturnPath(n.ReturnTo), Fresh: n.Fresh, Link: n.Session, CreatedAt: now, ExpiresAt: now.Add(FlowLife),
	})
	if err != nil {
		return Begun{}, err
	}
	return Begun{to, FlowName(state.Reveal()), binding}, nil
}

// token makes a text of 43 unreserved characters, as PKCE asks of a verifier.
func (s *Service) token() access.Token { return access.NewToken(s.d.Entropy) }

// FlowName returns the name of the sign-in that has this state: eight
// characters of its digest, which a cookie's name may hold.
func FlowName(state string) string {
	sum := access.SumToken(state)
	return hex.EncodeToString(sum[:4])
}

const maxReturn = 2048

// ReturnPath returns text if it is a path of this site, with its query, and /
// otherwise. A browser reads more than one might think as another site: two
// slashes, a backslash, and either of them behind what it drops. So it takes
// nothing but plain characters and a path that is as short as it can be.
func ReturnPath(text string) string {
	const home = "/"
	if len(text) > maxReturn || !strings.HasPrefix(text, home) || strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || r == '\\' || r == '#'
	}) {
		return home
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return home
	}
	plain, err := url.PathUnescape(u.Path) // decoded twice, as a careless proxy does
	for _, p := range []string{u.Path, plain} {
		tidy := path.Clean(p)
		if err != nil || p != tidy && p != tidy+"/" || strings.ContainsAny(p, "\\\r\n\t\x00") {
			return home
		}
		if p == "/auth" || strings.HasPrefix(p, "/auth/") { // a sign-in leads to no other
			return home
		}
	}
	return text
}
