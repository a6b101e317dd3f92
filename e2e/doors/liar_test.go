//go:build e2e

package doors_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
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
)

type object = map[string]any

// liar is a provider written by hand, which says what it is told to, wrong
// things too: a real one cannot be made to.
type liar struct {
	*httptest.Server
	secret string // of the client

	mu      sync.Mutex
	key     *rsa.PrivateKey
	kid     string
	person  object                     // claims of the ID token over the usual ones; nil takes one away
	sign    func(claims object) string // nil: as it should be
	down    map[string]int             // status of what fails, by path
	codes   map[string]url.Values      // what a code was given for
	refresh map[string]string          // the nonce of the sign-in of each refresh token
	issued  []string                   // every code and token
	asked   map[string]int             // calls by path
}

const liarClient = "archibotchat"

// liarKeys are made once: it takes a while.
var liarKeys = sync.OnceValue(func() [2]*rsa.PrivateKey {
	var out [2]*rsa.PrivateKey
	for i := range out {
		out[i], _ = rsa.GenerateKey(rand.Reader, 2048)
	}
	return out
})

func newLiar(t *testing.T) *liar {
	t.Helper()
	l := &liar{
		secret: "client-" + rand.Text() + rand.Text(), key: liarKeys()[0], kid: "one", codes: map[string]url.Values{}, refresh: map[string]string{},
		asked: map[string]int{}, down: map[string]int{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", l.discovery)
	mux.HandleFunc("GET /keys", l.keys)
	mux.HandleFunc("POST /token", l.token)
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.asked[r.URL.Path]++
		if status := l.down[r.URL.Path]; status != 0 {
			w.WriteHeader(status)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(l.Close)
	return l
}

// set changes what it says.
func (l *liar) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

// honest makes it say the truth again.
func (l *liar) honest() { l.set(func() { l.person, l.sign = nil, nil; clear(l.down) }) }

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (l *liar) discovery(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, object{
		"issuer": l.URL, "authorization_endpoint": l.URL + "/authorize", "token_endpoint": l.URL + "/token", "jwks_uri": l.URL + "/keys",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"},
		"scopes_supported": []string{"openid", "email", "profile", "offline_access"}, "code_challenge_methods_supported": []string{"S256"},
		"authorization_response_iss_parameter_supported": true, "backchannel_logout_supported": true, "backchannel_logout_session_supported": true,
	})
}

func (l *liar) keys(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, object{"keys": []object{{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": l.kid, "n": b64(l.key.N.Bytes()), "e": b64(big.NewInt(int64(l.key.E)).Bytes())}}})
}

// approve says yes to a sign-in at once and returns the query of the callback.
func (l *liar) approve(t *testing.T, location string) url.Values {
	t.Helper()
	u, err := url.Parse(location)
	require.NoError(t, err)
	require.Equal(t, l.URL+"/authorize", u.Scheme+"://"+u.Host+u.Path)
	code := "code-" + rand.Text()
	l.set(func() { l.codes[code], l.issued = u.Query(), append(l.issued, code) })
	return url.Values{"code": {code}, "state": {u.Query().Get("state")}, "iss": {l.URL}}
}

func (l *liar) token(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	var nonce string
	switch {
	case id != liarClient || secret != l.secret:
		reply(w, http.StatusUnauthorized, object{"error": "invalid_client"})
		return
	case r.FormValue("grant_type") == "refresh_token":
		var known bool
		if nonce, known = l.refresh[r.FormValue("refresh_token")]; !known {
			reply(w, http.StatusBadRequest, object{"error": "invalid_grant"})
			return
		}
	default:
		code := r.FormValue("code")
		q, known := l.codes[code]
		delete(l.codes, code)
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if !known || q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") != b64(sum[:]) || q.Get("redirect_uri") != r.FormValue("redirect_uri") {
			reply(w, http.StatusBadRequest, object{"error": "invalid_grant", "error_description": "canary " + code})
			return
		}
		nonce = q.Get("nonce")
	}
	sign := l.sign
	if sign == nil {
		sign = l.honestly
	}
	set := object{"token_type": "Bearer", "expires_in": 3600, "access_token": "access-" + rand.Text(), "refresh_token": "refresh-" + rand.Text(), "id_token": sign(l.claims(nonce))}
	l.refresh[set["refresh_token"].(string)] = nonce
	l.issued = append(l.issued, set["access_token"].(string), set["refresh_token"].(string), set["id_token"].(string))
	reply(w, http.StatusOK, set)
}

// claims are those of an ID token as they are told to be.
func (l *liar) claims(nonce string) object {
	now := time.Now()
	return over(object{
		"iss": l.URL, "aud": liarClient, "sub": "alice", "nonce": nonce, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "sid": "sid-" + rand.Text(),
		"email": "alice@example.com", "email_verified": true, "name": "Alice", "groups": []string{"chat", "api"},
	}, l.person)
}

// over is claims with others over them.
func over(c, change object) object {
	out := maps.Clone(c)
	for name, value := range change {
		if out[name] = value; value == nil {
			delete(out, name)
		}
	}
	return out
}

// null is a claim that is there and null.
var null = json.RawMessage("null")

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// part is a part of a token, as JSON.
func part(v object) string {
	text, _ := json.Marshal(v)
	return b64(text)
}

// honestly signs with the key that is published.
func (l *liar) honestly(c object) string {
	return rs256(l.key, object{"alg": "RS256", "kid": l.kid}, c)
}

func rs256(key *rsa.PrivateKey, header, claims object) string {
	text := part(header) + "." + part(claims)
	sum := sha256.Sum256([]byte(text))
	signature, _ := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	return text + "." + b64(signature)
}

// hs256 takes the public key for a secret, in the form that libraries print it.
func (l *liar) hs256(c object) string {
	der, _ := x509.MarshalPKIXPublicKey(&l.key.PublicKey)
	mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	text := part(object{"alg": "HS256", "kid": l.kid}) + "." + part(c)
	mac.Write([]byte(text))
	return text + "." + b64(mac.Sum(nil))
}

// swapped puts other claims under a good signature.
func (l *liar) swapped(c object) string {
	good := strings.Split(l.honestly(c), ".")
	return good[0] + "." + part(over(c, object{"sub": "mallory"})) + "." + good[2]
}
