package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// place is a deployment in a temp folder: its variables.
type place map[string]string

// local returns a place with nothing set but where its data is.
func local(t *testing.T) place {
	t.Helper()
	return place{"ARCHIBOT_DATA": filepath.Join(t.TempDir(), "var"), "ARCHIBOT_LISTEN": "127.0.0.1:0"}
}

// with returns the place with further variables.
func (p place) with(vars map[string]string) place {
	p = maps.Clone(p)
	maps.Copy(p, vars)
	return p
}

func (p place) lookup(name string) (string, bool) { v, ok := p[name]; return v, ok }

// run runs a command to its end.
func (p place) run(t *testing.T, args ...string) (out, errs string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	code = Run(t.Context(), args, Process{Lookup: p.lookup, Out: &o, Err: &e})
	return o.String(), e.String(), code
}

// json runs a command with --json that must succeed.
func (p place) json(t *testing.T, args ...string) map[string]any {
	t.Helper()
	out, errs, code := p.run(t, append(args, "--json")...)
	require.Zero(t, code, errs)
	require.Empty(t, errs)
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &v), out)
	return v
}

// buffer is a bytes.Buffer for several goroutines that can be waited on.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func newBuffer() *buffer { return &buffer{more: make(chan struct{}, 1)} }

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.more <- struct{}{}:
	default:
	}
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// await returns the first group of pattern once it was written.
func (b *buffer) await(t *testing.T, pattern string) string {
	t.Helper()
	re, limit := regexp.MustCompile(pattern), time.After(30*time.Second)
	for {
		if hit := re.FindStringSubmatch(b.String()); hit != nil {
			return hit[1]
		}
		select {
		case <-b.more:
		case <-limit:
			t.Fatalf("%s was not written:\n%s", pattern, b)
		}
	}
}

// running is a server that was started.
type running struct {
	out, errs *buffer
	root      string // http://…
	stop      context.CancelFunc
	code      chan int
}

// serve starts a server and waits until it is ready.
func (p place) serve(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	s := &running{out: newBuffer(), errs: newBuffer(), stop: stop, code: make(chan int, 1)}
	go func() {
		s.code <- Run(ctx, append([]string{"serve"}, args...), Process{Lookup: p.lookup, Out: s.out, Err: s.errs})
	}()
	t.Cleanup(func() {
		stop()
		if code, ok := <-s.code; ok && code != 0 {
			t.Errorf("the server ended with %d:\n%s", code, s.errs)
		}
	})
	s.root = "http://" + s.errs.await(t, `"msg":"listening","address":"([^"]+)"`)
	require.Eventually(t, func() bool { code, _, _ := s.get(t, "/readyz"); return code == http.StatusOK }, 30*time.Second, 10*time.Millisecond)
	return s
}

// end stops the server and returns its exit code.
func (s *running) end() int {
	s.stop()
	code := <-s.code
	close(s.code)
	return code
}

// get fetches a path with headers given as name, value, …
func (s *running) get(t *testing.T, path string, headers ...string) (int, string, http.Header) {
	t.Helper()
	return s.do(t, http.MethodGet, path, nil, headers...)
}

func (s *running) do(t *testing.T, method, path string, body io.Reader, headers ...string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.root+path, body)
	require.NoError(t, err)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(text), res.Header
}
