package api_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/hosts/api"
	"github.com/archibot/archibotchat/ports/store"
)

// No operation shows anything of the hidden credential of whoever asks (K8), or
// takes its ID for a key's.
func TestFirstParty_canary(t *testing.T) {
	t.Parallel()
	digest := keys.Digest{}
	copy(digest[:], "canary-of-a-hidden-credential-xx")
	token := keys.Mint([32]byte(digest)).Reveal()
	for name, o := range operations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := build(t)
			for n, user := range []string{"user_admin", "user_member"} {
				d := digest
				d[0] += byte(n)
				require.NoError(t, h.store.FirstParties().Put(t.Context(), store.FirstParty{
					ID: "fpc_06b1v5k9ehq7r4m2d8t0s3n1c" + string(rune('a'+n)), Account: h.account.ID, User: user, Digest: d, Pepper: "canarypepper", Seen: "canaryseen",
					CreatedAt: h.now, ExpiresAt: h.now.Add(time.Hour),
				}, keys.Digest{}))
			}
			method, _, _ := strings.Cut(name, " ")
			for _, id := range []string{h.adminKey.ID, "key_06b1v5k9ehq7r4m2d8t0s3n1ca", "fpc_06b1v5k9ehq7r4m2d8t0s3n1ca"} {
				r := h.call(t, h.admin, method, h.talks["user_admin"].at(strings.ReplaceAll(o.path, "{id}", id)), h.talks["user_admin"].at(o.body))
				if o.object && id != h.adminKey.ID {
					require.Equal(t, http.StatusNotFound, r.StatusCode)
				}
				all := r.text + h.log.String()
				for k, vs := range r.Header {
					all += k + strings.Join(vs, "")
				}
				for _, canary := range []string{
					"fpc_", "canary", "idden", token, hex.EncodeToString(digest[1:16]), base64.StdEncoding.EncodeToString(digest[:])[4:20],
				} {
					require.NotContains(t, all, canary)
				}
			}
		})
	}
}

// A report of the token that would have the credential's digest finds nothing.
func TestFirstParty_leaked(t *testing.T) { // K8, K9
	t.Parallel()
	h := build(t)
	token := keys.Mint([32]byte{1, 2, 3})
	peppers, err := keys.ParsePeppers("v1:0123456789abcdef0123456789abcdef")
	require.NoError(t, err)
	c := store.FirstParty{ID: "fpc_1", Account: h.account.ID, User: "user_admin", Digest: peppers[0].Digest(token), Pepper: "v1", CreatedAt: h.now, ExpiresAt: h.now.Add(time.Hour)}
	require.NoError(t, h.store.FirstParties().Put(t.Context(), c, keys.Digest{}))
	r := h.leak(t, `[{"token":"`+token.Reveal()+`"}]`, bearing(reportToken))
	require.Equal(t, "false_positive", into[[]api.LeakVerdict](t, r)[0].Label)
	_, err = h.store.FirstParties().ByDigest(t.Context(), c.Digest)
	require.NoError(t, err)
}

// A turn that is asked under the credential shows nothing of it anywhere.
func TestFirstParty_turn(t *testing.T) { // K8, C6
	t.Parallel()
	s := openSite(t)
	st, a := s.asked(t, "x")
	a.say(t, "An answer.")
	a.finish(t)
	at := "/api/threads/" + st.Thread.ID
	all := a.body
	for _, path := range []string{
		"/api/turns/" + st.Turn.ID + "/stream", "/api/turns/" + st.Turn.ID, at, at + "/messages", at + "/export", at + "/export?format=json", "/api/threads", "/api/me", "/api/keys",
		"/api/activity", "/api/activity.csv", "/api/credits/lines", "/api/models",
	} {
		r := s.do(t, s.ann, "GET", path, "")
		require.Equal(t, http.StatusOK, r.StatusCode, path)
		all += r.text
		for k, vs := range r.Header {
			all += k + strings.Join(vs, "")
		}
	}
	require.Contains(t, all, "An answer.")
	c, err := s.store.FirstParties().Of(t.Context(), s.account, "user_ann")
	require.NoError(t, err)
	require.NotEmpty(t, c.ID)
	for _, canary := range []string{
		"fpc_", c.ID, hex.EncodeToString(c.Digest[1:16]), base64.StdEncoding.EncodeToString(c.Digest[:])[4:20], base64.URLEncoding.EncodeToString(c.Digest[:])[4:20], "abk_", string(c.Digest[:]),
	} {
		require.NotContains(t, all+s.log.String(), canary)
	}
}
