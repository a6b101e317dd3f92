//go:build e2e

// Package prices_test changes prices under load, without a restart, and audits
// what each request was charged (HOTPATH 24, L13): the price of the version that
// its hold names, whichever server took it, and from the announced instant on
// the new one.
package prices_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	workers = 8
	grant   = 100_000 * harness.Credit
	notice  = time.Minute
	// slow is how long a request may take on a busy machine from its quote to
	// its hold, which is when the ledger dates it.
	slow = 5 * time.Second
	// late is how far the ledger's time, which is the database's as the server
	// last heard it, may lie behind the server's own, which prices go by.
	late = 100 * time.Millisecond
)

// dearer is not a multiple of the site's own tariff in any price.
var dearer = harness.Tariff{PerRequest: "11", PerInput: "3.5", PerCachedInput: "0.75", PerOutput: "9.000003"}

// load asks all servers without pause.
type load struct {
	stop func()

	mu           sync.Mutex
	acknowledged map[string]bool
	failed       error
}

func startLoad(t *testing.T, key string, replicas []*harness.Replica) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{acknowledged: map[string]bool{}}
	var done sync.WaitGroup
	for w := range workers {
		client := harness.NewClient(replicas[w%len(replicas)].BaseURL(), key)
		done.Go(func() {
			for n := w; ctx.Err() == nil; n += workers {
				model := fmt.Sprintf("tok-in%d-cached%d-out%d-chunks3-delay20-gap5", 10+n%90, n%10, 1+n%200)
				a, err := client.Ask(ctx, harness.Shapes[n%len(harness.Shapes)], model)
				l.note(ctx, a, err)
			}
		})
	}
	l.stop = sync.OnceFunc(func() {
		cancel()
		done.Wait()
	})
	t.Cleanup(l.stop)
	return l
}

func (l *load) note(ctx context.Context, a harness.Answer, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case a.Complete:
		l.acknowledged[a.Request] = true
	case ctx.Err() == nil:
		l.failed = fmt.Errorf("status %d, %w: %s", a.Status, err, a.Body)
	}
}

func (l *load) count(t *testing.T) int {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	require.NoError(t, l.failed, "nothing is refused")
	return len(l.acknowledged)
}

// hold is what the ledger says of one request.
type hold struct {
	request, model, version string
	opened                  time.Time
	debited                 int64
}

func holds(t *testing.T, db *sql.DB) (out []hold) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT h.request_id, h.model, h.price_version, h.opened_at, -e.amount
		FROM holds h JOIN all_entries e ON e.request_id = h.request_id AND e.kind = 'debit'`)
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var h hold
		var opened int64
		require.NoError(t, rows.Scan(&h.request, &h.model, &h.version, &opened, &h.debited))
		h.opened = time.UnixMicro(opened)
		out = append(out, h)
	}
	require.NoError(t, rows.Err())
	return out
}

var figures = regexp.MustCompile(`in(\d+)-cached(\d+)-out(\d+)`)

func TestChangeUnderLoad(t *testing.T) {
	servers := map[harness.Kind]int{harness.SQLite: 1, harness.Postgres: 2}
	harness.Each(t, func(t *testing.T, db harness.Database) {
		t.Parallel() // nearly all of it is waiting for the moment
		site := harness.NewSite(t, db, harness.Options{})
		account := site.Account(t, harness.NewAccount{Credits: grant})
		var replicas []*harness.Replica
		for range servers[db.Kind] {
			replicas = append(replicas, site.Start(t))
		}
		l := startLoad(t, site.Key(t, account.ID).Key, replicas)
		more := func(n int) {
			t.Helper()
			goal := l.count(t) + n
			harness.Eventually(t, notice, "answers come in", func() error {
				if got := l.count(t); got < goal {
					return fmt.Errorf("%d of %d have", got, goal)
				}
				return nil
			})
		}
		more(50)

		// A slip of the pen first: it changes nothing.
		site.WritePriceFile(t, "prices: [{effective: 2020-01-01T00:00:00Z, models: [{id: tok*}]}]")
		harness.Eventually(t, notice, "the slip is refused", func() error {
			for _, r := range replicas {
				if !strings.Contains(r.Log(t), "the price book was refused; the prices in force stay") {
					return errors.New("not by all servers")
				}
			}
			return nil
		})
		require.Len(t, site.PriceBooks(t), 1)

		site.WritePrices(t, dearer)
		harness.Eventually(t, notice, "the change is published", func() error {
			if n := len(site.PriceBooks(t)); n != 2 {
				return fmt.Errorf("%d books are", n)
			}
			return nil
		})
		book := site.PriceBooks(t)[0]
		require.GreaterOrEqual(t, book.Effective.Sub(book.Published), notice)
		harness.Eventually(t, 3*notice, "the change is in force", func() error {
			l.count(t)
			if state := site.PriceBooks(t)[0].State; state != "in_force" {
				return fmt.Errorf("it is %s", state)
			}
			return nil
		})
		more(200)
		l.stop()
		rows := db.Open(t)
		harness.AwaitNoHolds(t, rows, notice)
		site.Verify(t)
		require.Len(t, site.PriceBooks(t), 2, "one publication, however many servers saw the change")

		tariffs := map[string]harness.Tariff{}
		seen := map[harness.Tariff]int{}
		debited := map[string]bool{}
		for _, h := range holds(t, rows) {
			tariff, ok := tariffs[h.version]
			if !ok {
				tariff = site.TokenTariffOf(t, h.version)
				tariffs[h.version] = tariff
			}
			seen[tariff]++
			debited[h.request] = true
			var u [3]int64
			for i, text := range figures.FindStringSubmatch(h.model)[1:] {
				u[i], _ = strconv.ParseInt(text, 10, 64)
			}
			if l.acknowledged[h.request] { // of others the usage may be less
				require.Equal(t, tariff.Cost(u[0], u[1], u[2]), h.debited, h.request)
			}
			if h.opened.Before(book.Effective.Add(-late)) {
				require.Equal(t, harness.TokenTariff, tariff, "%s, held before", h.request)
			}
			if h.opened.After(book.Effective.Add(slow)) {
				require.Equal(t, dearer, tariff, "%s, held after", h.request)
			}
		}
		for request := range l.acknowledged {
			require.True(t, debited[request])
		}
		require.Len(t, seen, 2)
		for tariff, n := range seen {
			require.Greater(t, n, 50, tariff)
		}
		for _, r := range replicas {
			require.Equal(t, 2, strings.Count(r.Log(t), `"msg":"prices are in force"`))
			r.Stop(t)
		}
		t.Logf("%d acknowledged; %d debits at the old price, %d at the new one", len(l.acknowledged), seen[harness.TokenTariff], seen[dearer])
	})
}

// A server that dies between the change of its file and the publication
// publishes it when it is back.
func TestKilledBeforePublishing(t *testing.T) {
	site := harness.NewSite(t, harness.NewSQLite(t), harness.Options{})
	replica := site.Start(t)
	site.WritePrices(t, dearer)
	replica.Kill()
	require.Len(t, site.PriceBooks(t), 1)
	site.Start(t)
	harness.Eventually(t, notice, "the change is published", func() error {
		books := site.PriceBooks(t)
		if len(books) != 2 {
			return fmt.Errorf("%d books are", len(books))
		}
		require.Equal(t, "to_come", books[0].State)
		require.Equal(t, "in_force", books[1].State)
		return nil
	})
}
