//go:build unix

package harness

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

// Options say how a site differs from the ordinary one.
type Options struct {
	// Upstream is the scripted upstream to use; nil starts one.
	Upstream *Upstream
	// Variables are set on every process of the site, over the ordinary ones.
	Variables map[string]string
	// Tags are build tags of the server; faultpoints gives it places at which
	// ARCHIBOT_FAULT ends or stops it.
	Tags []string
	// Record is how many requests a started upstream keeps.
	Record int
}

// Site is one deployment of the product.
type Site struct {
	Database Database
	Upstream *Upstream
	// Secrets are what must never leave the processes, by name.
	Secrets map[string]string

	program string
	env     map[string]string
}

// NewSite prepares a deployment on the database: upstream, price book,
// secrets, migrations. It starts no replica.
func NewSite(t testing.TB, db Database, o Options) *Site {
	t.Helper()
	s := &Site{Database: db, Upstream: o.Upstream, program: program(t, serverPackage, o.Tags...)}
	if s.Upstream == nil {
		s.Upstream = StartUpstream(t, "sk-canary-"+rand.Text()+rand.Text(), max(o.Record, 100))
	}
	pepper := "pepper-" + rand.Text() + rand.Text()
	metrics := "metrics-" + rand.Text() + rand.Text()
	auditKey, _, err := note.GenerateKey(rand.Reader, "e2e")
	if err != nil {
		t.Fatalf("make a key that signs the audit log: %v", err)
	}
	s.Secrets = map[string]string{"upstream key": s.Upstream.Key, "pepper": pepper, "metrics token": metrics, "audit key": auditKey}
	s.env = map[string]string{
		"ARCHIBOT_ENVIRONMENT":   "hosted",
		"ARCHIBOT_DATABASE_URL":  db.URL,
		"ARCHIBOT_DATA":          filepath.Join(t.TempDir(), "data"),
		"ARCHIBOT_UPSTREAM_URL":  s.Upstream.BaseURL(),
		"ARCHIBOT_UPSTREAM_KEY":  s.Upstream.Key,
		"ARCHIBOT_PRICES":        filepath.Join(t.TempDir(), "prices.yaml"),
		"ARCHIBOT_PEPPERS":       "v1:" + pepper,
		"ARCHIBOT_AUDIT_KEY":     auditKey,
		"ARCHIBOT_METRICS_TOKEN": metrics,
		"ARCHIBOT_LOG_LEVEL":     "debug",
		"ARCHIBOT_DRAIN":         "0s",
		// Failures are scripted here, and each of them is to be seen.
		"ARCHIBOT_UPSTREAM_BREAKER": "0",
	}
	s.WritePrices(t, TokenTariff)
	maps.Copy(s.env, o.Variables)
	s.mustRun(t, "migrate")
	return s
}

// Run runs one command of the product against the site and returns what it
// wrote and its exit code.
func (s *Site) Run(t testing.TB, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), s.program, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = plainEnv(s.env)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatalf("run archibotchat %v: %v", args, err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// mustRun is Run for a command that has to succeed.
func (s *Site) mustRun(t testing.TB, args ...string) string {
	t.Helper()
	stdout, stderr, code := s.Run(t, args...)
	if code != 0 {
		t.Fatalf("archibotchat %v: exit %d\n%s%s", args, code, stdout, stderr)
	}
	return stdout
}

// read runs a command with --json and decodes its answer.
func (s *Site) read(t testing.TB, into any, args ...string) {
	t.Helper()
	out := s.mustRun(t, append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), into); err != nil {
		t.Fatalf("archibotchat %v: its answer is not the JSON expected: %v\n%s", args, err, out)
	}
}

// Verify runs `ledger verify` and fails the test unless all sums agree.
func (s *Site) Verify(t testing.TB) {
	t.Helper()
	stdout, stderr, code := s.Run(t, "ledger", "verify")
	if code != 0 {
		t.Fatalf("ledger verify: exit %d\n%s%s", code, stdout, stderr)
	}
}

// VerifyAudit runs `audit verify` and fails the test unless it finds nothing.
func (s *Site) VerifyAudit(t testing.TB) {
	t.Helper()
	stdout, stderr, code := s.Run(t, "audit", "verify")
	if code != 0 {
		t.Fatalf("audit verify: exit %d\n%s%s", code, stdout, stderr)
	}
}

// credits writes microcredits as the decimal credits that commands take.
func credits(micro int64) string {
	return fmt.Sprintf("%d.%06d", micro/Credit, micro%Credit)
}
