//go:build unix

// Package idp runs a certified OpenID provider for black-box suites: the npm
// package oidc-provider, as a process of its own, with a page where a person
// signs in by typing a user name.
//
// It keeps true that the provider is on this machine only, ends with the test,
// and knows its people and clients from the test alone. What it can be told is
// in node/idp.js. [IDP.SignIn] plays a browser; suites with a real one need
// nothing of it but [IDP.Issuer].
package idp

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/archibot/archibotchat/e2e/harness"
)

// startTime is how long Node may take until the provider listens.
const startTime = 60 * time.Second

// User is a person at the provider. The user name is the subject.
type User struct {
	Email  string   `json:"email"`
	Name   string   `json:"name"`
	Groups []string `json:"groups"`
}

// Client is a service that people sign in to.
type Client struct {
	Secret     string   `json:"client_secret"`
	Redirects  []string `json:"redirect_uris"`
	AfterOut   []string `json:"post_logout_redirect_uris,omitempty"`
	BackLogout string   `json:"backchannel_logout_uri,omitempty"`
}

// Config says whom the provider knows at the start. More clients may be added
// once it is known where they listen.
type Config struct {
	Users map[string]User
	// UserInfoOnly leaves e-mail, name and groups out of ID tokens, as the
	// standard has it; userinfo tells them.
	UserInfoOnly bool
	GroupsClaim  string // where groups are told: a claim, or a path such as realm_access.roles; groups if empty
	Port         int    // 0: any
}

// IDP is a provider that runs.
type IDP struct {
	Issuer string // its address
	admin  string
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	log    *record
	once   sync.Once
}

// record keeps what a process writes.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// Start runs a provider until the test ends.
func Start(t testing.TB, c Config) *IDP {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	folder := filepath.Join(filepath.Dir(here), "node")
	harness.InstallNode(t, folder)
	given, err := json.Marshal(map[string]any{"users": c.Users, "idTokenClaims": !c.UserInfoOnly, "groupsClaim": cmp.Or(c.GroupsClaim, "groups"), "port": c.Port})
	if err != nil {
		t.Fatalf("idp: %v", err)
	}
	p := &IDP{cmd: exec.Command("node", "idp.js"), log: &record{}}
	p.cmd.Dir, p.cmd.Stderr = folder, p.log
	p.stdin, err = p.cmd.StdinPipe()
	if err != nil {
		t.Fatalf("idp: %v", err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("idp: %v", err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start node: %v", err)
	}
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("what the provider wrote:\n%s", p.log)
		}
	})
	if _, err := p.stdin.Write(append(given, '\n')); err != nil {
		t.Fatalf("idp: %v", err)
	}
	p.await(t, out)
	return p
}

// await reads where the provider listens.
func (p *IDP) await(t testing.TB, out io.Reader) {
	t.Helper()
	lines := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(out).ReadString('\n')
		lines <- line
	}()
	var at struct{ Issuer, Admin string }
	select {
	case line := <-lines:
		if json.Unmarshal([]byte(line), &at) != nil || at.Issuer == "" || at.Admin == "" {
			t.Fatalf("the provider did not start: %q", line)
		}
	case <-time.After(startTime):
		t.Fatal("the provider did not start in time")
	}
	p.Issuer, p.admin = at.Issuer, at.Admin
}

// Stop ends the provider: from then on nothing answers there.
func (p *IDP) Stop() {
	p.once.Do(func() {
		_ = p.stdin.Close() // it ends itself then
		timer := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
		defer timer.Stop()
		_ = p.cmd.Wait()
	})
}

// AddClient adds a client, or replaces it.
func (p *IDP) AddClient(t testing.TB, id string, c Client) {
	t.Helper()
	p.tell(t, http.MethodPut, "/clients/"+url.PathEscape(id), c)
}

// SetGroups changes the groups of a person.
func (p *IDP) SetGroups(t testing.TB, user string, groups ...string) {
	t.Helper()
	p.tell(t, http.MethodPut, "/users/"+url.PathEscape(user), map[string]any{"groups": append([]string{}, groups...)})
}

// Set changes what the provider says of a person, by claim; nil removes one.
func (p *IDP) Set(t testing.TB, user string, claims map[string]any) {
	t.Helper()
	p.tell(t, http.MethodPut, "/users/"+url.PathEscape(user), claims)
}

// Block lets a person in no more.
func (p *IDP) Block(t testing.TB, user string) {
	t.Helper()
	p.tell(t, http.MethodPut, "/users/"+url.PathEscape(user), map[string]any{"blocked": true})
}

// End ends a person's sessions at the provider, which tells its clients.
func (p *IDP) End(t testing.TB, user string) {
	t.Helper()
	p.tell(t, http.MethodPost, "/users/"+url.PathEscape(user)+"/end", nil)
}

// Break answers everything with a status, as one that is down does; 0 mends it.
func (p *IDP) Break(t testing.TB, status int) {
	t.Helper()
	body := map[string]any{}
	if status != 0 {
		body["status"] = status
	}
	p.tell(t, http.MethodPut, "/broken", body)
}

// Issued returns every authorization code, access token and refresh token that
// the provider gave out.
func (p *IDP) Issued(t testing.TB) []string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.admin+"/issued", nil)
	if err != nil {
		t.Fatalf("idp: %v", err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("ask the provider: %v", err)
	}
	defer func() { _ = res.Body.Close() }()
	var list []string
	if err := json.NewDecoder(res.Body).Decode(&list); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("ask the provider: %s: %v", res.Status, err)
	}
	return list
}

func (p *IDP) tell(t testing.TB, method, path string, body any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatalf("idp: %v", err)
	}
	if body == nil {
		text = nil
	}
	r, err := http.NewRequestWithContext(t.Context(), method, p.admin+path, bytes.NewReader(text))
	if err != nil {
		t.Fatalf("idp: %v", err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("tell the provider: %v", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusNoContent {
		said, _ := io.ReadAll(res.Body)
		t.Fatalf("tell the provider %s: %s: %s", path, res.Status, strings.TrimSpace(string(said)))
	}
}
