//go:build unix

package harness

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
)

// portTries is how often a replica looks for another port when the one it
// found free was taken meanwhile.
const portTries = 3

// Replica is one running server of a site.
type Replica struct {
	*process
	Root string // http://127.0.0.1:port
}

// BaseURL is what an SDK takes as its base URL.
func (r *Replica) BaseURL() string { return r.Root + "/v1" }

// PID is the server's process ID.
func (r *Replica) PID() int { return r.cmd.Process.Pid }

// Alive reports whether the server still runs.
func (r *Replica) Alive() bool { return r.alive() }

// Kill ends the server as a power cut would (SIGKILL).
func (r *Replica) Kill() { r.kill() }

// Stop asks the server to drain and end (SIGTERM), and fails the test unless
// it does so cleanly.
func (r *Replica) Stop(t testing.TB) {
	t.Helper()
	if err := r.terminate(); err != nil {
		t.Errorf("stop the server: %v", err)
	}
}

// Log returns what the server has written so far.
func (r *Replica) Log(t testing.TB) string {
	t.Helper()
	return r.output(t)
}

// Start starts a server of the site and returns once it says it is ready.
func (s *Site) Start(t testing.TB) *Replica {
	t.Helper()
	return s.StartWith(t, nil)
}

// StartWith is Start with further variables in the server's environment.
func (s *Site) StartWith(t testing.TB, variables map[string]string) *Replica {
	t.Helper()
	for range portTries {
		address, err := freeAddress()
		if err != nil {
			t.Fatal(err)
		}
		all := maps.Clone(s.env)
		maps.Copy(all, variables)
		env := plainEnv(all)
		env = append(env, "ARCHIBOT_LISTEN="+address)
		r := &Replica{process: launch(t, "server", s.program, env, "serve"), Root: "http://" + address}
		Eventually(t, startTime, "the server is ready", func() error {
			if !r.alive() {
				return nil
			}
			return r.ready()
		})
		if r.alive() {
			return r
		}
		if log := r.output(t); !strings.Contains(log, "address already in use") {
			t.Fatalf("the server ended before it was ready:\n%s", log)
		}
	}
	t.Fatalf("no port stayed free in %d tries", portTries)
	return nil
}

func (r *Replica) ready() error {
	response, err := http.Get(r.Root + "/readyz")
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("/readyz answers %s", response.Status)
	}
	return nil
}
