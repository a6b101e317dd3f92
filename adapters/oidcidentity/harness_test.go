package oidcidentity_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/oidcidentity"
	"github.com/archibot/archibotchat/ports/identity"
)

const (
	clientID = "archibotchat"
	secret   = "s3cret-canary-0b1c"
	callback = "https://chat.example.com/auth/main/callback"
)

// keys are made once: it takes a while.
var keys = sync.OnceValue(func() [2]*rsa.PrivateKey {
	var out [2]*rsa.PrivateKey
	for i := range out {
		out[i], _ = rsa.GenerateKey(rand.Reader, 2048)
	}
	return out
})

type object = map[string]any

// idp is a provider written by hand: it does what it is told, wrong things too.
type idp struct {
	*httptest.Server

	mu       sync.Mutex
	clock    time.Time
	key      *rsa.PrivateKey
	kid      string
	document object                      // replaces or, by nil, removes fields of discovery
	person   object                      // claims of the ID token, over the usual ones; nil removes
	refresh  object                      // the same for ID tokens of a refresh; nil object: none is sent
	info     object                      // userinfo; nil: it has none
	sign     func(claims object) string  // instead of the right signature
	answer   map[string]http.HandlerFunc // instead of the right answer, by path
	asked    map[string]int              // requests by path
	codes    map[string]url.Values       // what was asked for when a code was given
	tokens   map[string]bool             // live refresh and access tokens
	turns    int
}

func newIDP(t *testing.T) *idp {
	t.Helper()
	p := &idp{
		clock: time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC), key: keys()[0], kid: "one", document: object{}, person: object{}, refresh: object{},
		answer: map[string]http.HandlerFunc{}, asked: map[string]int{}, codes: map[string]url.Values{}, tokens: map[string]bool{},
	}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	return p
}

func (p *idp) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.clock
}

// set changes the provider while nobody is served.
func (p *idp) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *idp) count(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

// client returns an adapter for this provider.
func (p *idp) client(t *testing.T, edit ...func(*oidcidentity.Config)) *oidcidentity.Provider {
	t.Helper()
	c := oidcidentity.Config{
		ID: "main", Name: "Main", Issuer: p.URL, ClientID: clientID, Secret: secret, Rule: identity.RuleRequired, Now: p.now, Timeout: 5 * time.Second,
	}
	for _, e := range edit {
		e(&c)
	}
	out, err := oidcidentity.New(c)
	require.NoError(t, err)
	t.Cleanup(out.Close)
	return out
}

func (p *idp) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked[r.URL.Path]++
	if f := p.answer[r.URL.Path]; f != nil {
		f(w, r)
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		respond(w, http.StatusOK, with(object{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"userinfo_endpoint": p.URL + "/userinfo", "end_session_endpoint": p.URL + "/logout?x=1", "id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"},
			"authorization_response_iss_parameter_supported": true, "scopes_supported": []string{"openid", "email", "profile", "offline_access"},
		}, p.document))
	case "/keys":
		e := big.NewInt(int64(p.key.E)).Bytes()
		respond(w, http.StatusOK, object{"keys": []object{{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": p.kid, "n": b64(p.key.N.Bytes()), "e": b64(e)}}})
	case "/token":
		p.token(w, r)
	case "/userinfo":
		if p.info == nil || !p.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")] {
			respond(w, http.StatusUnauthorized, object{"error": "invalid_token"})
			return
		}
		respond(w, http.StatusOK, with(object{"sub": "alice"}, p.info))
	default:
		http.NotFound(w, r)
	}
}

func (p *idp) token(w http.ResponseWriter, r *http.Request) {
	id, pass, ok := r.BasicAuth()
	if !ok || id != clientID || pass != secret {
		respond(w, http.StatusUnauthorized, object{"error": "invalid_client"})
		return
	}
	_ = r.ParseForm()
	claims, extra := p.person, object{}
	if r.Form.Get("grant_type") == "refresh_token" {
		if !p.tokens[r.Form.Get("refresh_token")] {
			respond(w, http.StatusBadRequest, object{"error": "invalid_grant"})
			return
		}
		delete(p.tokens, r.Form.Get("refresh_token"))
		claims = p.refresh
	} else {
		asked, ok := p.codes[r.Form.Get("code")]
		delete(p.codes, r.Form.Get("code"))
		sum := sha256.Sum256([]byte(r.Form.Get("code_verifier")))
		if !ok || asked.Get("redirect_uri") != r.Form.Get("redirect_uri") || asked.Get("code_challenge") != b64(sum[:]) || asked.Get("code_challenge_method") != "S256" {
			respond(w, http.StatusBadRequest, object{"error": "invalid_grant"})
			return
		}
		extra["nonce"] = asked.Get("nonce")
		if asked.Get("max_age") == "0" {
			extra["auth_time"] = p.clock.Unix()
		}
	}
	p.turns++
	access, refresh := fmt.Sprint("access-", p.turns), fmt.Sprint("refresh-", p.turns)
	p.tokens[access], p.tokens[refresh] = true, true
	out := object{"access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expires_in": 600}
	if claims != nil {
		maps.Copy(extra, claims)
		out["id_token"] = p.idToken(extra)
	}
	respond(w, http.StatusOK, out)
}

// idToken signs the usual claims with changes.
func (p *idp) idToken(change object) string {
	claims := with(object{
		"iss": p.URL, "aud": clientID, "sub": "alice", "iat": p.clock.Unix(), "exp": p.clock.Add(time.Hour).Unix(), "sid": "sid-1",
		"email": "alice@example.com", "email_verified": true, "name": "Alice", "groups": []string{"chat", "api"},
	}, change)
	if p.sign != nil {
		return p.sign(claims)
	}
	return rs256(p.key, object{"alg": "RS256", "kid": p.kid}, claims)
}

// logoutToken is a right one with changes.
func (p *idp) logoutToken(change, head object) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	claims := with(object{
		"iss": p.URL, "aud": clientID, "sub": "alice", "sid": "sid-1", "iat": p.clock.Unix(), "exp": p.clock.Add(2 * time.Minute).Unix(), "jti": "jti-1",
		"events": object{"http://schemas.openid.net/event/backchannel-logout": object{}},
	}, change)
	return rs256(p.key, with(object{"alg": "RS256", "kid": p.kid, "typ": "logout+jwt"}, head), claims)
}

// flow is a new sign-in, as the caller makes it.
func (p *idp) flow() identity.Flow {
	return identity.Flow{State: rand.Text() + rand.Text(), Nonce: rand.Text() + rand.Text(), Verifier: rand.Text() + rand.Text(), Redirect: callback, Began: p.now()}
}

// approve is the browser and the person: what comes back to the callback.
func (p *idp) approve(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	q := u.Query()
	require.Equal(t, p.URL+"/authorize", u.Scheme+"://"+u.Host+u.Path)
	code := rand.Text()
	p.set(func() { p.codes[code] = q })
	return url.Values{"code": {code}, "state": q["state"], "iss": {p.URL}}
}

// signIn goes the whole way.
func (p *idp) signIn(t *testing.T, c *oidcidentity.Provider) (identity.Identity, error) {
	t.Helper()
	f := p.flow()
	address, err := c.Begin(t.Context(), f)
	if err != nil {
		return identity.Identity{}, err
	}
	return c.Finish(t.Context(), f, p.approve(t, address))
}

// must is signIn that works.
func (p *idp) must(t *testing.T, c *oidcidentity.Provider) identity.Identity {
	t.Helper()
	got, err := p.signIn(t, c)
	require.NoError(t, err)
	return got
}

func with(base, change object) object {
	out := maps.Clone(base)
	for k, v := range change {
		if out[k] = v; v == nil {
			delete(out, k)
		}
	}
	return out
}

// null is a JSON null, where nil means to leave a field out.
var null = json.RawMessage("null")

func respond(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func unsigned(head, claims object) string {
	h, _ := json.Marshal(head)
	c, _ := json.Marshal(claims)
	return b64(h) + "." + b64(c)
}

func rs256(key *rsa.PrivateKey, head, claims object) string {
	text := unsigned(head, claims)
	sum := sha256.Sum256([]byte(text))
	sig, _ := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	return text + "." + b64(sig)
}

// hs256 signs with a public key as if it were a secret.
func hs256(key *rsa.PublicKey, kid string, claims object) string {
	der, _ := x509.MarshalPKIXPublicKey(key)
	text := unsigned(object{"alg": "HS256", "kid": kid}, claims)
	mac := hmac.New(sha256.New, der)
	mac.Write([]byte(text))
	return text + "." + b64(mac.Sum(nil))
}
