//go:build e2e

package browser_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/e2e/canary"
	"github.com/archibot/archibotchat/e2e/harness"
)

// credential is what the database has of a player's hidden credential. Its token
// is nowhere: but anything with the form of one would be it, for none is ever
// shown in these stories.
type credential struct {
	id     string
	digest []byte
}

func (s *stage) credential(t *testing.T, p player) credential {
	t.Helper()
	var c credential
	require.NoError(t, s.db.QueryRowContext(t.Context(), "SELECT id, digest FROM first_party WHERE account_id = $1 AND user_id = $2", p.account, p.User).Scan(&c.id, &c.digest))
	return c
}

// kept is what a browser has of a site in the end.
type kept struct {
	Kept              map[string]string
	Databases, Caches []string
}

// recorded: the hidden credential is in nothing that a browser gets or keeps, and
// in no log; and where it is, it is found. K8.
func recorded(t *testing.T, s *stage) {
	for name, planted := range map[string]bool{"as it is": false, "planted": true} {
		t.Run(name, func(t *testing.T) {
			p := s.player(t, "Recorded", 100*harness.Credit, access.RoleAdmin)
			before := len(s.front.all())
			var mark string // what is planted
			t.Cleanup(func() { s.front.plant.Store(nil) })
			given := map[string]any{"plant": planted}
			hands := answers{"credential": func(t *testing.T, _ json.RawMessage) any {
				c := s.credential(t, p)
				mark = base64.URLEncoding.EncodeToString(append([]byte("x"), c.digest...))
				if planted {
					put := plant(mark)
					s.front.plant.Store(&put)
				}
				return map[string]string{"text": mark}
			}}
			var facts kept
			r := play(t, "recorded", s.given(t, p, given), s.hands(p, hands), &facts)
			if !planted {
				r.clean(t)
			}
			s.front.plant.Store(nil)
			require.Empty(t, facts.Databases)
			require.Empty(t, facts.Caches)
			found := s.search(t, p, s.front.all()[before:], facts.Kept, r)
			if planted {
				places := strings.Join(found, "\n")
				for _, place := range []string{"header or body of /api/me", "header or body of /api/threads", "/stream", "kept: page", "kept: local", "kept: script", "kept: cookies", "text of a page", "storage or history"} {
					require.Contains(t, places, place, "what is planted there is found")
				}
				return
			}
			require.Empty(t, found)
		})
	}
}

// search returns where a player's hidden credential is found, and fails if what
// is searched is not what it should be.
func (s *stage) search(t *testing.T, p player, exchanges []*exchange, keptByBrowser map[string]string, r report) []string {
	t.Helper()
	c := s.credential(t, p)
	needles := append(canary.Needles("digest", string(c.digest)), canary.Needles("ID", c.id)...)
	shape := canary.NewShape(keys.Prefix, keys.TokenLen)
	var found []string
	look := func(place string, content []byte) {
		if what := canary.Found(content, needles); what != "" {
			found = append(found, place+": "+what)
		}
		if what := shape.Found(content); what != "" {
			found = append(found, place+": "+what)
		}
	}
	streams, scripts := 0, 0
	for _, e := range exchanges {
		require.Contains(t, []string{"", "gzip"}, e.header.Get("Content-Encoding"), e.url)
		if strings.HasPrefix(e.header.Get("Content-Type"), "text/event-stream") && e.status == http.StatusOK {
			streams++
		}
		if strings.HasSuffix(e.url, ".js") {
			scripts++
		}
		look("header or body of "+e.url, e.bytes())
	}
	require.Positive(t, streams, "streams were recorded")
	require.Positive(t, scripts, "scripts were recorded")
	for place, content := range keptByBrowser {
		look("kept: "+place, []byte(content))
	}
	for _, text := range r.Texts {
		look("text of a page", []byte(text))
	}
	for _, text := range append(r.Storage, append(r.URLs, r.Console...)...) {
		look("storage or history", []byte(text))
	}
	for i, replica := range s.replicas {
		log := replica.Log(t)
		require.Contains(t, log, `"level":"DEBUG"`, "the log is at debug level")
		look(fmt.Sprintf("log of server %d", i), []byte(log))
	}
	return found
}
