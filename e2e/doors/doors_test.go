//go:build e2e

// Package doors_test stands before every door of a running server in every
// state that there is, and looks which open: the hand-written list says which
// may. It also takes the database away, and withdraws what was given while
// two servers work.
package doors_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/archibot/archibotchat/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// ask is a request and who makes it.
type ask struct {
	method, path, body string
	cookie, key        string
}

// The requests of the matrix.
func complete(p harness.Person) ask {
	return ask{http.MethodPost, "/v1/chat/completions", `{"model":"tok","messages":[{"role":"user","content":"Say a few words."}]}`, "", p.Key}
}
func models(p harness.Person) ask { return ask{http.MethodGet, "/v1/models", "", "", p.Key} }
func newKey(p harness.Person) ask {
	return ask{http.MethodPost, "/api/keys", `{"name":"one more"}`, p.Cookie, ""}
}
func me(p harness.Person) ask { return ask{http.MethodGet, "/api/me", "", p.Cookie, ""} }

// page reports whether people look at the answer.
func (a ask) page() bool { return strings.HasPrefix(a.path, "/auth/") }

// answer is what came back; err says that nothing did.
type answer struct {
	status  int
	header  http.Header
	body    string
	request string
	err     error
}

// answerTime bounds an answer: the store's own time limits, and some.
const answerTime = 40 * time.Second

// client keeps a connection for each of the calls that run at one time.
var client = &http.Client{
	Timeout:       answerTime,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// at makes the request of a server.
func (a ask) at(t *testing.T, root string) answer {
	r, err := http.NewRequestWithContext(t.Context(), a.method, root+a.path, strings.NewReader(a.body))
	if err != nil {
		return answer{err: err}
	}
	if a.method != http.MethodGet {
		r.Header.Set("Content-Type", "application/json")
	}
	if a.page() {
		r.Header.Set("Accept", "text/html,*/*;q=0.8")
	}
	if a.cookie != "" {
		r.Header.Set("Cookie", a.cookie)
	}
	if a.key != "" {
		r.Header.Set("Authorization", "Bearer "+a.key)
	}
	response, err := client.Do(r)
	if err != nil {
		return answer{err: err}
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(body), response.Header.Get("X-Request-Id"), err}
}

// code is the machine code of an error, in either surface's form.
func (a answer) code() string {
	var v struct {
		Code  string
		Error struct{ Code string }
	}
	if json.Unmarshal([]byte(a.body), &v) != nil {
		return ""
	}
	return v.Code + v.Error.Code
}
