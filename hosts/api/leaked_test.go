package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/keyring"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/hosts/api"
)

const reportToken = "report-token-0123456789"

// reporter signs as a secret scanner does.
type reporter struct{ key *ecdsa.PrivateKey }

func newReporter(t *testing.T) reporter {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return reporter{key}
}

func (r reporter) leaks() api.Leaks {
	return api.Leaks{Reporters: keys.Reporters{"one": &r.key.PublicKey}, Bearer: func(token string) bool { return token == reportToken }}
}

// sign returns the change of a request that signs a body.
func (r reporter) sign(t *testing.T, body string) func(*http.Request) {
	t.Helper()
	sum := sha256.Sum256([]byte(body))
	raw, err := ecdsa.SignASN1(rand.Reader, r.key, sum[:])
	require.NoError(t, err)
	return func(req *http.Request) {
		req.Header.Set("Github-Public-Key-Identifier", "one")
		req.Header.Set("Github-Public-Key-Signature", base64.StdEncoding.EncodeToString(raw))
	}
}

func bearing(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func (h *house) leak(t *testing.T, body string, change ...func(*http.Request)) reply {
	t.Helper()
	return h.call(t, "", "POST", "/api/leaked-keys", body, change...)
}

func (h *house) made(t *testing.T) (keys.Key, string) {
	t.Helper()
	k, token, err := h.keyring.Create(h.operator(t), keyring.Draft{Account: h.account.ID, User: "user_member", Name: "x"})
	require.NoError(t, err)
	return k, token.Reveal()
}

func TestLeaked(t *testing.T) { // K9
	t.Parallel()
	h := build(t)
	k, token := h.made(t)
	other, _ := h.made(t)
	unknown := keys.Mint([32]byte{3}).Reveal()
	body := fmt.Sprintf(`[{"token":%q,"type":"archibot_key","url":"https://example.com/x?%s","source":"commit"},{"token":%q,"type":"archibot_key"},{"token":"abk_x"}]`, token, token, unknown)
	r := h.leak(t, body, h.reporter.sign(t, body))
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	hash := func(text string) string { sum := sha256.Sum256([]byte(text)); return hex.EncodeToString(sum[:]) }
	require.Equal(t, []api.LeakVerdict{
		{Hash: hash(token), Type: "archibot_key", Label: "true_positive"},
		{Hash: hash(unknown), Type: "archibot_key", Label: "false_positive"},
		{Hash: hash("abk_x"), Label: "false_positive"},
	}, into[[]api.LeakVerdict](t, r))
	require.Equal(t, "revoked", into[api.Key](t, h.call(t, h.admin, "GET", "/api/keys/"+k.ID, "")).State)
	require.Equal(t, "active", into[api.Key](t, h.call(t, h.admin, "GET", "/api/keys/"+other.ID, "")).State)

	l := into[api.EventList](t, h.call(t, h.admin, "GET", "/api/activity?kind=key.revoked", ""))
	require.Len(t, l.Data, 1)
	require.Equal(t, "leaked", l.Data[0].Reason)
	require.Equal(t, k.ID, l.Data[0].Key)
	require.Equal(t, api.Actor{Kind: "service", ID: "leak-report"}, l.Data[0].Actor)
	require.Equal(t, r.Header.Get("X-Request-Id"), l.Data[0].Request)
	for _, secret := range []string{token, unknown, "example.com"} {
		require.NotContains(t, h.log.String(), secret)
		require.NotContains(t, r.text, secret)
	}
	r = h.leak(t, body, bearing(reportToken))
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	require.Equal(t, "true_positive", into[[]api.LeakVerdict](t, r)[0].Label, "known, and revoked already")
}

func TestLeaked_unsigned(t *testing.T) { // K9
	t.Parallel()
	h := build(t)
	k, token := h.made(t)
	body := fmt.Sprintf(`[{"token":%q}]`, token)
	signed := h.reporter.sign(t, body)
	for name, change := range map[string]func(*http.Request){
		"nothing":           func(*http.Request) {},
		"a session":         func(r *http.Request) { r.AddCookie(api.Cookie(h.admin, false)) },
		"no identifier":     func(r *http.Request) { signed(r); r.Header.Del("Github-Public-Key-Identifier") },
		"no signature":      func(r *http.Request) { signed(r); r.Header.Del("Github-Public-Key-Signature") },
		"another's":         newReporter(t).sign(t, body),
		"another body's":    h.reporter.sign(t, body+" "),
		"unknown":           func(r *http.Request) { signed(r); r.Header.Set("Github-Public-Key-Identifier", "two") },
		"two identifiers":   func(r *http.Request) { signed(r); r.Header.Add("Github-Public-Key-Identifier", "one") },
		"a wrong token":     bearing("x" + reportToken),
		"an empty token":    bearing(""),
		"the key itself":    bearing(token),
		"two tokens":        func(r *http.Request) { bearing(reportToken)(r); r.Header.Add("Authorization", "Bearer "+reportToken) },
		"token as Basic":    func(r *http.Request) { r.Header.Set("Authorization", "Basic "+reportToken) },
		"bad, with a token": func(r *http.Request) { newReporter(t).sign(t, body)(r); bearing(reportToken)(r) },
	} {
		r := h.leak(t, body, change)
		problem(t, r, http.StatusUnauthorized, "report_not_signed")
		require.NotContains(t, r.text, token, name)
	}
	require.Equal(t, "active", into[api.Key](t, h.call(t, h.admin, "GET", "/api/keys/"+k.ID, "")).State)
	require.NotContains(t, h.log.String(), token)

	h.believe(api.Leaks{})
	problem(t, h.leak(t, body, signed), http.StatusUnauthorized, "report_not_signed")
	problem(t, h.leak(t, body, bearing("")), http.StatusUnauthorized, "report_not_signed")
}

func TestLeaked_malformed(t *testing.T) {
	t.Parallel()
	h := build(t)
	many := func(n int) string {
		one, err := json.Marshal(map[string]string{"token": "x"})
		require.NoError(t, err)
		return "[" + strings.Repeat(string(one)+",", n-1) + string(one) + "]"
	}
	require.Equal(t, http.StatusOK, h.leak(t, many(100), bearing(reportToken)).StatusCode)
	for name, body := range map[string]string{
		"too many": many(101), "none": "[]", "an object": `{"token":"x"}`, "null": "null", "text": "x", "no token": `[{"type":"x"}]`,
		"a number": `[{"token":1}]`, "cut": `[{"token":"x"`, "long type": `[{"token":"x","type":"` + strings.Repeat("x", 201) + `"}]`,
	} {
		r := h.leak(t, body, bearing(reportToken))
		problem(t, r, http.StatusUnprocessableEntity, "invalid_report")
		require.NotContains(t, r.text, "xxx", name)
	}
	problem(t, h.leak(t, `[{"token":"`+strings.Repeat("x", 1<<20)+`"}]`, bearing(reportToken)), http.StatusRequestEntityTooLarge, "body_too_large")
	problem(t, h.leak(t, "[]", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }), http.StatusUnsupportedMediaType, "unsupported_media_type")
	problem(t, h.call(t, h.admin, "GET", "/api/leaked-keys", ""), http.StatusMethodNotAllowed, "method_not_allowed")
}
