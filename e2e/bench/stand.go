//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"golang.org/x/mod/sumdb/note"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/archibot/archibotchat/e2e/engine/localpg"
)

const readyTime = 60 * time.Second

const priceBook = `prices:
  - effective: 2020-01-01T00:00:00Z
    models:
      - {id: "bench*", per_request: 0, per_input_token: 0.15, per_cached_input_token: 0.075, per_output_token: 0.6, max_output_tokens: 4096}
`

// stand is everything that a run needs.
type stand struct {
	dir      string
	upstream *process
	bare     *target
	ours     *target
	cluster  *localpg.Cluster // nil with SQLite
	database string
	program  string
	env      []string
	// upstreamURL is the upstream's, as the server is told.
	upstreamURL string
}

// setUp builds and starts everything. The stand must be torn down also if that
// failed.
func setUp(ctx context.Context, o options) (*stand, error) {
	s := &stand{}
	var err error
	if s.dir, err = os.MkdirTemp("", "archibotchat-bench-"); err != nil {
		return s, err
	}
	s.program = filepath.Join(s.dir, "archibotchat")
	build := exec.CommandContext(ctx, "go", "build", "-o", s.program, "github.com/archibot/archibotchat/hosts/archibotchat")
	if out, err := build.CombinedOutput(); err != nil {
		return s, fmt.Errorf("build the server: %w\n%s", err, out)
	}
	var address string
	if s.upstream, address, err = launchChild(ctx, "upstream"); err != nil {
		return s, err
	}
	s.bare = &target{name: "bare", keys: []string{"none"}}
	if s.bare.process, s.bare.address, err = launchChild(ctx, "bare", "http://"+address); err != nil {
		return s, err
	}
	s.upstreamURL = "http://" + address + "/v1"
	if o.scale {
		return s, s.openScale(o)
	}
	if err := s.openDatabase(o.db); err != nil {
		return s, err
	}
	return s, s.startServer(ctx, s.upstreamURL, func(ctx context.Context, pepper string) ([]string, error) {
		return makeKeys(ctx, s.database, pepper, o.accounts)
	})
}

func (s *stand) openDatabase(kind string) error {
	if kind == "sqlite" {
		s.database = "sqlite:" + filepath.Join(s.dir, "bench.db")
		return nil
	}
	var err error
	if s.cluster, err = localpg.Start(""); err != nil {
		return err
	}
	s.database = s.cluster.URL("postgres")
	return nil
}

// startServer migrates the database, fills in what fill makes, and starts the
// server. fill returns the tokens of the keys to use.
func (s *stand) startServer(ctx context.Context, upstream string, fill func(ctx context.Context, pepper string) ([]string, error)) error {
	prices := filepath.Join(s.dir, "prices.yaml")
	if err := os.WriteFile(prices, []byte(priceBook), 0o600); err != nil {
		return err
	}
	address, err := freeAddress()
	if err != nil {
		return err
	}
	pepper := "v1:" + rand.Text() + rand.Text()
	auditKey, _, err := note.GenerateKey(rand.Reader, "bench")
	if err != nil {
		return err
	}
	s.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir,
		"ARCHIBOT_ENVIRONMENT=hosted", "ARCHIBOT_LISTEN=" + address, "ARCHIBOT_DATA=" + filepath.Join(s.dir, "data"),
		"ARCHIBOT_DATABASE_URL=" + s.database, "ARCHIBOT_PRICES=" + prices, "ARCHIBOT_PEPPERS=" + pepper, "ARCHIBOT_AUDIT_KEY=" + auditKey,
		"ARCHIBOT_UPSTREAM_URL=" + upstream, "ARCHIBOT_UPSTREAM_KEY=" + upstreamKey,
		"ARCHIBOT_METRICS_TOKEN=" + rand.Text(), "ARCHIBOT_DRAIN=0s",
	}
	if out, err := s.command(ctx, "migrate"); err != nil {
		return fmt.Errorf("migrate: %w\n%s", err, out)
	}
	s.ours = &target{name: "ours", address: address}
	if s.ours.keys, err = fill(ctx, pepper); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(s.dir, "server.log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	if s.ours.process, err = launch(s.program, s.env, log, "serve"); err != nil {
		return err
	}
	if err := awaitReady(ctx, "http://"+address+"/readyz"); err != nil {
		said, _ := os.ReadFile(log.Name()) // the error stands without it
		return fmt.Errorf("%w\n%s", err, said)
	}
	return nil
}

// command runs one command of the server's program.
func (s *stand) command(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, s.program, args...)
	cmd.Dir, cmd.Env = s.dir, s.env
	return cmd.CombinedOutput()
}

func awaitReady(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		response, err := http.Get(address)
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return errors.New("the server did not become ready")
		case <-tick.C:
		}
	}
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String(), nil
}

// reconcile stops the server and compares its books with what it answered.
func (s *stand) reconcile(ctx context.Context, answered int64) error {
	s.ours.process.stop(syscall.SIGTERM)
	s.ours.process = nil
	debits, steps, err := s.countDebits(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("\nheld and settled in one step: %.0f %%", 100*float64(steps)/float64(max(1, debits)))
	out, err := s.command(ctx, "ledger", "verify")
	fmt.Printf("\ndebits %d, answers %d; ledger verify: %s", debits, answered, out)
	switch {
	case err != nil:
		return fmt.Errorf("ledger verify: %w", err)
	case debits != answered:
		return fmt.Errorf("%d debits, but %d answers", debits, answered)
	}
	return nil
}

// countDebits also says how many of them were held and settled at once.
func (s *stand) countDebits(ctx context.Context) (debits, steps int64, err error) {
	db, err := s.open()
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = db.Close() }()
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM all_entries WHERE kind = 'debit'").Scan(&debits); err != nil {
		return 0, 0, err
	}
	err = db.QueryRowContext(ctx, "SELECT count(*) FROM holds WHERE opened_at = closed_at").Scan(&steps)
	return debits, steps, err
}

func (s *stand) open() (*sql.DB, error) {
	if s.cluster != nil {
		return sql.Open("pgx", s.database)
	}
	return sql.Open("sqlite", "file:"+filepath.Join(s.dir, "bench.db"))
}

// tearDown ends and removes whatever was started.
func (s *stand) tearDown() {
	if s.ours != nil {
		s.ours.process.stop(syscall.SIGKILL)
	}
	if s.bare != nil {
		s.bare.process.stop(syscall.SIGKILL)
	}
	s.upstream.stop(syscall.SIGKILL)
	if s.cluster != nil {
		if err := s.cluster.Stop(false); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}
