package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func priceBook(rate string) string {
	return fmt.Sprintf(`prices:
  - effective: 2026-01-01T00:00:00Z
    models:
      - {id: demo-small, per_request: %s, per_input_token: 0, per_cached_input_token: 0, per_output_token: 0, max_output_tokens: 10}
`, rate)
}

// write replaces a file at once, as an editor or a mounted volume does.
func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path+".new", []byte(text), 0o600))
	require.NoError(t, os.Rename(path+".new", path))
}

func TestRun_Prices(t *testing.T) { // HOTPATH 24
	t.Parallel()
	p := local(t)
	file := filepath.Join(t.TempDir(), "prices.yaml")
	write(t, file, priceBook("1"))

	first := p.json(t, "prices", "publish", file)
	require.Equal(t, true, first["added"])
	require.Contains(t, first["published_by"], "operator ")
	require.Equal(t, first["published"], first["effective"], "the very first is in force at once")
	require.Equal(t, false, p.json(t, "prices", "publish", file)["added"])

	write(t, file, priceBook("2"))
	_, errs, code := p.run(t, "prices", "publish", file, "--effective", time.Now().Add(30*time.Second).Format(time.RFC3339))
	require.Equal(t, 1, code)
	require.Contains(t, errs, "60 seconds")
	_, errs, code = p.run(t, "prices", "publish", file, "--effective", "tomorrow")
	require.Equal(t, 1, code)
	require.Contains(t, errs, "--effective is a date")
	later := time.Now().UTC().Add(time.Hour).Truncate(time.Second).Format(time.RFC3339)
	out, errs, code := p.run(t, "prices", "publish", file, "--effective", later)
	require.Zero(t, code, errs)
	require.Contains(t, out, "in force from "+later)

	books := p.json(t, "prices", "list")["books"].([]any)
	require.Len(t, books, 2)
	second := books[0].(map[string]any)
	require.Equal(t, "to_come", second["state"])
	require.Equal(t, later, second["effective"])
	require.Equal(t, "in_force", books[1].(map[string]any)["state"])
	out, _, code = p.run(t, "prices", "list", "--limit", "1")
	require.Zero(t, code)
	require.Equal(t, 2, strings.Count(out, "\n"), out)

	show := p.json(t, "prices", "show", second["hash"].(string))
	version := show["editions"].([]any)[0].(map[string]any)["version"].(string)
	for _, name := range []string{second["hash"].(string), version, version[:8]} {
		out, errs, code = p.run(t, "prices", "show", name)
		require.Zero(t, code, errs)
		require.Contains(t, out, "per_request: 2\n")
	}
	again := filepath.Join(t.TempDir(), "again.yaml")
	write(t, again, out)
	require.Equal(t, second["hash"], p.json(t, "prices", "check", again)["hash"], "what is shown can be published")
	_, errs, code = p.run(t, "prices", "show", "00000000")
	require.Equal(t, 1, code)
	require.Contains(t, errs, "prices list shows")

	write(t, file, "prices: []")
	_, errs, code = p.run(t, "prices", "publish", file)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "at least one item")
}

// A running server publishes its file when it changes, and says why it does not
// where the file is in error.
func TestServe_Prices(t *testing.T) {
	p := local(t)
	file := filepath.Join(t.TempDir(), "prices.yaml")
	write(t, file, priceBook("1"))
	p["ARCHIBOT_UPSTREAM_URL"], p["ARCHIBOT_UPSTREAM_KEY"], p["ARCHIBOT_PRICES"] = "http://127.0.0.1:9/v1", "sk-unused", file
	s := p.serve(t)
	s.errs.await(t, `("msg":"prices are in force")`)

	hangup := func() { require.NoError(t, syscall.Kill(syscall.Getpid(), syscall.SIGHUP)) }
	write(t, file, "prices: []")
	hangup()
	s.errs.await(t, `("msg":"the price book was refused; the prices in force stay".*at least one item)`)
	require.Len(t, p.json(t, "prices", "list")["books"], 1)
	write(t, file, priceBook("2"))
	hangup()
	s.errs.await(t, `(?s)("msg":"prices published".*"msg":"prices published")`)
	books := p.json(t, "prices", "list")["books"].([]any)
	require.Len(t, books, 2)
	require.Equal(t, "service prices", books[0].(map[string]any)["published_by"])
	require.Equal(t, "to_come", books[0].(map[string]any)["state"])
	require.Zero(t, s.end())

	write(t, file, "prices: []")
	_, errs, code := p.run(t, "serve")
	require.Equal(t, 1, code, "a server does not start on a file that it cannot read")
	require.Contains(t, errs, "at least one item")
}
