package main

import (
	"bufio"
	"bytes"
	"database/sql"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// hosted returns a place with all that a hosted server needs. Its upstream is
// never called.
func hosted(t *testing.T) place {
	t.Helper()
	prices := filepath.Join(t.TempDir(), "prices.yaml")
	require.NoError(t, os.WriteFile(prices, []byte("prices: [{effective: 2026-01-01T00:00:00Z, models: [{id: m, per_request: 1, per_input_token: 0, per_cached_input_token: 0, per_output_token: 0, max_output_tokens: 1}]}]"), 0o600))
	return local(t).with(map[string]string{
		"ARCHIBOT_ENVIRONMENT": "hosted", "ARCHIBOT_DATABASE_URL": "sqlite:a.db", "ARCHIBOT_UPSTREAM_URL": "http://127.0.0.1:9/v1",
		"ARCHIBOT_UPSTREAM_KEY": "canary-upstream-key", "ARCHIBOT_PRICES": prices, "ARCHIBOT_PEPPERS": "v1:canary-pepper-canary-pepper-canary", "ARCHIBOT_DRAIN": "0s",
		"ARCHIBOT_AUDIT_KEY": auditKey,
	})
}

// auditKey is a key that signs nothing of worth.
const auditKey = "PRIVATE+KEY+test+0d1197a3+AWgfcPPMlOl0t7mu9/tYiKXXq1B9N/7J3rQCf2NrD0Nt"

const chat = `{"model":"demo-small","messages":[{"role":"user","content":"Hello"}]}`

func TestServe_Local(t *testing.T) {
	t.Parallel()
	p := local(t)
	s := p.serve(t)
	key := s.out.await(t, `Bearer (abk_[0-9A-Za-z]{49})`)

	t.Run("the printed line works", func(t *testing.T) {
		line := s.out.await(t, `(?m)^(curl .*)$`)
		require.Contains(t, line, "/v1/chat/completions")
		if _, err := exec.LookPath("curl"); err == nil {
			out, err := exec.CommandContext(t.Context(), "sh", "-c", line).Output()
			require.NoError(t, err)
			require.Contains(t, string(out), `"object":"chat.completion"`)
		}
		code, body, _ := s.do(t, http.MethodPost, "/v1/chat/completions", strings.NewReader(chat), "Authorization", "Bearer "+key, "Content-Type", "application/json")
		require.Equal(t, http.StatusOK, code, body)
	})
	t.Run("probes", func(t *testing.T) {
		code, body, _ := s.get(t, "/healthz")
		require.Equal(t, http.StatusOK, code)
		require.JSONEq(t, `{"status":"ok"}`, body)
		_, _, exit := p.with(map[string]string{"ARCHIBOT_LISTEN": strings.TrimPrefix(s.root, "http://")}).run(t, "healthcheck")
		require.Zero(t, exit)
	})
	t.Run("metrics", func(t *testing.T) {
		code, body, _ := s.get(t, "/metrics")
		require.Equal(t, http.StatusOK, code)
		require.Regexp(t, `archibot_http_requests_total\{status="200",surface="v1"\} [12]`, body)
		require.Contains(t, body, "go_goroutines")
		require.Contains(t, body, "process_open_fds")
	})
	t.Run("each answer has a request ID of ours", func(t *testing.T) {
		for path, want := range map[string]int{"/": 200, "/healthz": 200, "/readyz": 200, "/metrics": 200, "/nope": 404, "//": 404, "/v12": 404, "/v1": 404, "/v1//models": 404, "/api": 404, "/api/me": 401} {
			code, body, h := s.get(t, path, "X-Request-Id", "theirs")
			require.Equal(t, want, code, "%s: %s", path, body)
			require.Regexp(t, `^req_[0-9a-v]{26}$`, h.Get("X-Request-Id"), path)
			require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), path)
		}
		code, body, h := s.do(t, http.MethodPost, "/healthz", nil)
		require.Equal(t, http.StatusMethodNotAllowed, code)
		require.Equal(t, "GET, HEAD", h.Get("Allow"))
		require.Contains(t, body, `"code":"method_not_allowed"`)
		require.Equal(t, "application/problem+json", h.Get("Content-Type"))
	})
	t.Run("browsers get the web app, programs are told", func(t *testing.T) {
		for path, page := range map[string]bool{"/": true, "/chat": true, "/chat/thr_0": true, "/nope": true, "/v1/nope": false, "/api/nope": false, "/auth": false, "/assets/nope.js": false, "//": false} {
			code, body, h := s.get(t, path, "Accept", "text/html")
			require.Equal(t, page, strings.HasPrefix(h.Get("Content-Type"), "text/html"), "%s: %s", path, body)
			require.Equal(t, page, code == http.StatusOK, "%s: %d", path, code)
			if page {
				require.NotRegexp(t, `(?i)="https?://`, body, "nothing of others is loaded")
				require.Equal(t, "no-store", h.Get("Cache-Control"))
			}
		}
	})
	require.Zero(t, s.end())

	again := p.serve(t)
	fresh := again.out.await(t, `Bearer (abk_[0-9A-Za-z]{49})`)
	require.NotEqual(t, key, fresh)
	code, _, _ := again.get(t, "/v1/models", "Authorization", "Bearer "+key)
	require.Equal(t, http.StatusUnauthorized, code, "the key of the start before is revoked")
	code, _, _ = again.get(t, "/v1/models", "Authorization", "Bearer "+fresh)
	require.Equal(t, http.StatusOK, code)
	require.Len(t, p.json(t, "admin", "account", "list")["accounts"], 1, "one demo account, and a command beside a running server")
	require.NotContains(t, s.errs.String()+again.errs.String(), "abk_")
	require.Zero(t, again.end())

	dir, err := os.ReadDir(p["ARCHIBOT_DATA"])
	require.NoError(t, err)
	for _, f := range dir {
		info, err := f.Info()
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, f.Name())
	}
}

func TestServe_Drain(t *testing.T) {
	t.Parallel()
	s := local(t).with(map[string]string{"ARCHIBOT_DRAIN": "3s"}).serve(t)
	key := s.out.await(t, `Bearer (abk_[0-9A-Za-z]{49})`)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.root+"/v1/chat/completions", strings.NewReader(strings.Replace(chat, "{", `{"stream":true,`, 1)))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	body := bufio.NewReader(res.Body)
	_, err = body.ReadString('\n')
	require.NoError(t, err)

	s.stop()
	require.Eventually(t, func() bool {
		code, text, _ := s.get(t, "/readyz")
		return code == http.StatusServiceUnavailable && strings.Contains(text, "draining")
	}, 10*time.Second, 5*time.Millisecond, "unready before the listener closes")
	code, _, _ := s.get(t, "/healthz")
	require.Equal(t, http.StatusOK, code, "alive while it drains")

	rest, err := io.ReadAll(body)
	require.NoError(t, err)
	require.Contains(t, string(rest), "data: [DONE]", "the open stream ends whole")
	require.Zero(t, s.end())
	_, err = http.Get(s.root + "/healthz")
	require.Error(t, err)
}

func TestServe_Refuses(t *testing.T) {
	t.Parallel()
	t.Run("all that is missing at once", func(t *testing.T) {
		t.Parallel()
		_, errs, code := place{"ARCHIBOT_ENVIRONMENT": "hosted", "ARCHIBOT_UPSTREAM_KEY": "", "ARCHIBOT_DATA": t.TempDir()}.run(t, "serve")
		require.Equal(t, 1, code)
		for _, name := range []string{"DATABASE_URL", "UPSTREAM_URL", "UPSTREAM_KEY", "PRICES", "PEPPERS"} {
			require.Contains(t, errs, "\n  - ARCHIBOT_"+name+" is missing or empty: set it to ")
		}
	})
	t.Run("a price file that is wrong", func(t *testing.T) {
		t.Parallel()
		p := hosted(t)
		require.NoError(t, os.WriteFile(p["ARCHIBOT_PRICES"], []byte("prices: [{}]"), 0o600))
		_, errs, code := p.run(t, "serve")
		require.Equal(t, 1, code)
		require.Contains(t, errs, "the field effective is missing")
		require.Contains(t, errs, "the field models is missing")
	})
	t.Run("a database of another environment", func(t *testing.T) {
		t.Parallel()
		p := hosted(t)
		_, errs, code := p.run(t, "migrate")
		require.Zero(t, code, errs)
		for _, args := range [][]string{{"serve"}, {"admin", "account", "list"}, {"migrate"}} {
			_, errs, code = place{"ARCHIBOT_DATA": p["ARCHIBOT_DATA"], "ARCHIBOT_DATABASE_URL": "sqlite:a.db", "ARCHIBOT_LISTEN": "127.0.0.1:0"}.run(t, args...)
			require.Equal(t, 1, code, args)
			require.Contains(t, errs, "belongs to another environment", args)
		}
	})
	t.Run("a port in use", func(t *testing.T) {
		t.Parallel()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer func() { _ = l.Close() }()
		_, errs, code := local(t).with(map[string]string{"ARCHIBOT_LISTEN": l.Addr().String()}).run(t, "serve")
		require.Equal(t, 1, code)
		require.Contains(t, errs, "address already in use")
	})
	t.Run("a second server on SQLite", func(t *testing.T) {
		t.Parallel()
		p := local(t)
		s := p.serve(t)
		key := s.out.await(t, `Bearer (abk_[0-9A-Za-z]{49})`)
		_, errs, code := p.run(t, "serve")
		require.Equal(t, 1, code)
		require.Contains(t, errs, "Stop the other server")
		status, _, _ := s.get(t, "/v1/models", "Authorization", "Bearer "+key)
		require.Equal(t, http.StatusOK, status, "the first one's demo key lives on")
	})
}

func TestServe_Metrics(t *testing.T) {
	t.Parallel()
	t.Run("hosted without token or listener: none", func(t *testing.T) {
		t.Parallel()
		s := hosted(t).serve(t)
		code, _, _ := s.get(t, "/metrics")
		require.Equal(t, http.StatusNotFound, code)
		require.Empty(t, s.out.String(), "no demo outside local")
	})
	t.Run("token", func(t *testing.T) {
		t.Parallel()
		s := hosted(t).with(map[string]string{"ARCHIBOT_METRICS_TOKEN": "0123456789abcdef", "ARCHIBOT_LOG_LEVEL": "debug"}).serve(t)
		for _, wrong := range [][]string{{}, {"Authorization", "Bearer 0123456789abcdeX"}, {"Authorization", "0123456789abcdef"}, {"Authorization", "Bearer 0123456789abcdef", "Authorization", "Bearer 0123456789abcdef"}} {
			code, body, h := s.get(t, "/metrics", wrong...)
			require.Equal(t, http.StatusUnauthorized, code)
			require.NotContains(t, body, "archibot_http")
			require.NotEmpty(t, h.Get("X-Request-Id"))
		}
		code, _, _ := s.get(t, "/metrics", "Authorization", "Bearer 0123456789abcdef")
		require.Equal(t, http.StatusOK, code)
		require.Zero(t, s.end())
		require.NotRegexp(t, "canary|0123456789abcdef", s.errs.String())
	})
	t.Run("a listener of its own", func(t *testing.T) {
		t.Parallel()
		s := hosted(t).with(map[string]string{"ARCHIBOT_METRICS_LISTEN": "127.0.0.1:0"}).serve(t)
		code, _, _ := s.get(t, "/metrics")
		require.Equal(t, http.StatusNotFound, code)
		side := *s
		side.root = "http://" + s.errs.await(t, `"msg":"metrics listening","address":"([^"]+)"`)
		code, body, _ := side.get(t, "/metrics")
		require.Equal(t, http.StatusOK, code)
		require.Regexp(t, `archibot_http_requests_total\{status="404",surface="site"\} 1`, body, "of the other listener")
		code, _, _ = side.get(t, "/v1/models")
		require.Equal(t, http.StatusNotFound, code)
	})
}

func TestLedgerVerify_Difference(t *testing.T) {
	t.Parallel()
	p := local(t)
	account := p.json(t, "admin", "account", "create", "--name", "Acme", "--credits", "1")["id"].(string)
	lots := p.json(t, "admin", "credits", "lots", account)["lots"].([]any)
	lot := lots[0].(map[string]any)["id"].(string)

	db, err := sql.Open("sqlite", filepath.Join(p["ARCHIBOT_DATA"], "archibotchat.db"))
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "UPDATE lots SET remaining = remaining - 1 WHERE id = ?", lot)
	require.NoError(t, err)
	require.NoError(t, db.Close())

	out, errs, code := p.run(t, "ledger", "verify")
	require.Equal(t, 1, code, errs)
	require.Regexp(t, `(?m)^account `+account+` lot `+lot+`: remaining is 999999, but`, out)
	require.Contains(t, out, "DIFFERENCES: 1")

	out, _, code = p.run(t, "ledger", "verify", "--json")
	require.Equal(t, 1, code)
	require.Contains(t, out, `"ok": false`)
	require.Contains(t, out, lot)
}

func TestRun_Tools(t *testing.T) {
	t.Parallel()
	p := hosted(t)
	out, _, code := p.run(t, "version")
	require.Zero(t, code)
	require.Regexp(t, `^archibotchat dev \(revision .*, go1\.`, out)

	out, _, code = p.run(t, "prices", "check", p["ARCHIBOT_PRICES"])
	require.Zero(t, code)
	require.Regexp(t, `^OK\. In force since 2026-01-01T00:00:00Z: version [0-9a-f]{16}, models: 1\n`, out)

	bad := filepath.Join(t.TempDir(), "bad.yaml")
	require.NoError(t, os.WriteFile(bad, bytes.Repeat([]byte("x: 1\n"), 2), 0o600))
	_, errs, code := p.run(t, "prices", "check", bad)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "line 2")

	_, errs, code = p.with(map[string]string{"ARCHIBOT_LISTEN": "127.0.0.1:1"}).run(t, "healthcheck")
	require.Equal(t, 1, code)
	require.NotEmpty(t, errs)
}
