//go:build unix

package harness

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/archibot/archibotchat/e2e/upstream"
)

// startTime is how long a program may take to be ready on a busy machine.
const startTime = 60 * time.Second

// Upstream is the scripted upstream, running as a program of its own.
type Upstream struct {
	*process
	Root string // http://127.0.0.1:port
	Key  string // the bearer key that it demands

	record int
}

var listening = regexp.MustCompile(`listening on (http://\S+)`)

// StartUpstream starts a scripted upstream that demands key and keeps the last
// record requests.
func StartUpstream(t testing.TB, key string, record int) *Upstream {
	t.Helper()
	return startUpstream(t, "127.0.0.1:0", key, record)
}

// Again starts an upstream that was stopped at the address it had. It has
// forgotten everything.
func (u *Upstream) Again(t testing.TB) *Upstream {
	t.Helper()
	return startUpstream(t, strings.TrimPrefix(u.Root, "http://"), u.Key, u.record)
}

func startUpstream(t testing.TB, address, key string, record int) *Upstream {
	t.Helper()
	p := launch(t, "upstream", program(t, upstreamPackage), plainEnv(nil),
		"-addr", address, "-key", key, "-record", strconv.Itoa(record))
	u := &Upstream{process: p, Key: key, record: record}
	Eventually(t, startTime, "the upstream listens", func() error {
		if m := listening.FindStringSubmatch(p.output(t)); m != nil {
			u.Root = m[1]
			return nil
		}
		if !p.alive() {
			return fmt.Errorf("it ended: %s", p.output(t))
		}
		return fmt.Errorf("it said %q", p.output(t))
	})
	return u
}

// BaseURL is the upstream's OpenAI base URL.
func (u *Upstream) BaseURL() string { return u.Root + "/v1" }

// Stats returns the upstream's counters.
func (u *Upstream) Stats(t testing.TB) upstream.Stats {
	t.Helper()
	var s upstream.Stats
	u.read(t, "/__stats", &s)
	return s
}

// Requests returns the last requests, as the upstream received them.
func (u *Upstream) Requests(t testing.TB) []upstream.Recorded {
	t.Helper()
	var r []upstream.Recorded
	u.read(t, "/__requests", &r)
	return r
}

// Reset makes the upstream forget its counters and requests.
func (u *Upstream) Reset(t testing.TB) {
	t.Helper()
	u.tell(t, "/__reset")
}

// Play adds directives to every call from now on, instead of those of the last
// Play; none end it.
func (u *Upstream) Play(t testing.TB, script string) {
	t.Helper()
	u.tell(t, "/__play?script="+url.QueryEscape(script))
}

// Teach has a question of a chat answered with a text, with directives of its own.
func (u *Upstream) Teach(t testing.TB, question, answer, script string) {
	t.Helper()
	lesson, err := json.Marshal(map[string]string{"question": question, "answer": answer, "script": script})
	if err != nil {
		t.Fatalf("write a lesson: %v", err)
	}
	u.send(t, "/__teach", bytes.NewReader(lesson))
}

// Admit lets pieces of streams through a turnstile: that many; all from now on
// if passes is negative; none if it is zero.
func (u *Upstream) Admit(t testing.TB, gate, passes int) {
	t.Helper()
	u.tell(t, fmt.Sprintf("/__admit?gate=%d&passes=%d", gate, passes))
}

func (u *Upstream) tell(t testing.TB, path string) {
	t.Helper()
	u.send(t, path, nil)
}

func (u *Upstream) send(t testing.TB, path string, body io.Reader) {
	t.Helper()
	response, err := http.Post(u.Root+path, "application/json", body)
	if err != nil {
		t.Fatalf("tell the upstream %s: %v", path, err)
	}
	_ = response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		t.Fatalf("tell the upstream %s: %s", path, response.Status)
	}
}

func (u *Upstream) read(t testing.TB, path string, into any) {
	t.Helper()
	response, err := http.Get(u.Root + path)
	if err != nil {
		t.Fatalf("ask the upstream for %s: %v", path, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		t.Fatalf("read the upstream's %s: %v", path, err)
	}
}

// Stop ends the upstream; its address refuses connections from then on.
func (u *Upstream) Stop() { u.kill() }
