//go:build engines && unix

package spend_test

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/app/spend"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/e2e/engine/localpg"
	"github.com/archibot/archibotchat/ports/store"
)

// stand is a database with accounts and two ways to spend on it.
type stand struct {
	url      string
	store    *sqlstore.Store
	spend    *spend.Spend
	accounts []string
	ids      *system.IDs
}

func newStand(b *testing.B, accounts int) *stand {
	b.Helper()
	return standAt(b, localpg.Copy(b, blank.Migrate), accounts)
}

func standAt(b *testing.B, url string, accounts int) *stand {
	b.Helper()
	gc := debug.SetGCPercent(400) // as the server does
	b.Cleanup(func() { debug.SetGCPercent(gc) })
	s := &stand{url: url, ids: system.NewIDs(system.Now)}
	var err error
	s.store, err = sqlstore.Open(b.Context(), sqlstore.Config{URL: s.url, NewID: s.ids.New, MaxConns: 64})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.store.Close()) })
	require.NoError(b, s.store.Migrate(b.Context()))
	for i := range accounts {
		s.accounts = append(s.accounts, fmt.Sprintf("acct_%04d", i))
	}
	fund(b, s.store, s.accounts...)
	s.spend = running(b, s.store)
	return s
}

func (s *stand) op(account string) ledger.Op {
	return ledger.Op{
		Kind: ledger.OpHold, Account: account, Request: s.ids.New("req"), Nonce: "n", Amount: 1000, Deadline: time.Hour,
		Work: ledger.Work{Key: "key_1", Area: "api", Route: "/v1/responses", Model: "vendor/model", PriceVersion: "p1"},
	}
}

// writer is one request through the writer: both steps are durable.
func (s *stand) writer(account string) (held time.Duration, err error) {
	began := time.Now()
	o, err := s.spend.Hold(s.op(account))
	held = time.Since(began)
	if err == nil {
		_, err = s.spend.Settle(o.Hold, 700, ledger.Usage{Input: 500, Output: 200}, "")
	}
	return held, err
}

// oneStep is a request whose work is done before its hold had to be there.
func (s *stand) oneStep(account string) (held time.Duration, err error) {
	began := time.Now()
	h, ok := s.spend.Begin(s.op(account), false)
	if !ok {
		return s.writer(account)
	}
	_, err = s.spend.SettleOrRelease(h, 700, ledger.Usage{Input: 500, Output: 200}, "")
	return time.Since(began), err
}

// direct is the baseline: a transaction for the hold and one for the settle.
func (s *stand) direct(account string) (held time.Duration, err error) {
	began := time.Now()
	op := s.op(account)
	if err := s.commit(op); err != nil {
		return 0, err
	}
	held = time.Since(began)
	op.Kind, op.Amount, op.Usage = ledger.OpSettle, 700, ledger.Usage{Input: 500, Output: 200}
	return held, s.commit(op)
}

func (s *stand) commit(op ledger.Op) error {
	for {
		outs, err := s.store.Commit(context.Background(), store.Replica{}, []ledger.Op{op})
		if errors.Is(err, store.ErrUnavailable) {
			continue // the crowd is larger than a lock's patience
		}
		if err != nil {
			return err
		}
		return outs[0].Err
	}
}

// crowd shares b.N requests among clients and reports the rate and the waits
// for holds.
func crowd(b *testing.B, clients int, request func(client, n int) (time.Duration, error)) {
	b.Helper()
	waits := make([][]time.Duration, clients)
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for c := range clients {
		wg.Go(func() {
			for n := int(next.Add(1)); n <= b.N; n = int(next.Add(1)) {
				held, err := request(c, n)
				if err != nil {
					b.Error(err)
					return
				}
				waits[c] = append(waits[c], held)
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	all := slices.Concat(waits...)
	slices.Sort(all)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
	if len(all) > 0 {
		b.ReportMetric(milli(all[len(all)/2]), "p50-ms")
		b.ReportMetric(milli(all[len(all)*99/100]), "p99-ms")
	}
}

func milli(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// BenchmarkSpend_Postgres measures hold and settle, each durable, through the
// writer and as two transactions per request, side by side.
func BenchmarkSpend_Postgres(b *testing.B) {
	for _, c := range []struct{ accounts, clients int }{{1, 1}, {1, 64}, {1, 256}, {1000, 64}, {1000, 1024}} {
		b.Run(fmt.Sprintf("accounts=%d/clients=%d", c.accounts, c.clients), func(b *testing.B) {
			s := newStand(b, c.accounts)
			b.Run("writer", func(b *testing.B) {
				crowd(b, c.clients, func(_, n int) (time.Duration, error) { return s.writer(s.accounts[n%len(s.accounts)]) })
			})
			b.Run("one_step", func(b *testing.B) {
				crowd(b, c.clients, func(_, n int) (time.Duration, error) { return s.oneStep(s.accounts[n%len(s.accounts)]) })
			})
			b.Run("two_transactions", func(b *testing.B) {
				crowd(b, c.clients, func(_, n int) (time.Duration, error) { return s.direct(s.accounts[n%len(s.accounts)]) })
			})
		})
	}
}

// BenchmarkSpend_Postgres_replicas has four replicas share one account.
func BenchmarkSpend_Postgres_replicas(b *testing.B) {
	const replicas, clients = 4, 256
	s := newStand(b, 1)
	crew := []*stand{s}
	for range replicas - 1 {
		other := *s
		var err error
		other.store, err = sqlstore.Open(b.Context(), sqlstore.Config{URL: s.url, NewID: s.ids.New})
		require.NoError(b, err)
		b.Cleanup(func() { require.NoError(b, other.store.Close()) })
		other.spend = running(b, other.store)
		crew = append(crew, &other)
	}
	b.Run("writers", func(b *testing.B) {
		crowd(b, clients, func(client, _ int) (time.Duration, error) { return crew[client%replicas].writer(s.accounts[0]) })
	})
	b.Run("two_transactions", func(b *testing.B) {
		crowd(b, clients, func(client, _ int) (time.Duration, error) { return crew[client%replicas].direct(s.accounts[0]) })
	})
}

// BenchmarkSpend_Postgres_slowDisk has each commit take 2 ms more.
func BenchmarkSpend_Postgres_slowDisk(b *testing.B) {
	s := standAt(b, localpg.Copy(b, blank.Migrate)+"&commit_delay=2000&commit_siblings=0", 1)
	b.Run("writer", func(b *testing.B) {
		crowd(b, 64, func(int, int) (time.Duration, error) { return s.writer(s.accounts[0]) })
	})
	b.Run("two_transactions", func(b *testing.B) {
		crowd(b, 64, func(int, int) (time.Duration, error) { return s.direct(s.accounts[0]) })
	})
}

// HOTPATH 3: a hot account beside a hundred cold ones; the cold ones' p99 is
// to be at most twice what it is without.
func BenchmarkSpend_Postgres_hotBesideCold(b *testing.B) {
	s := newStand(b, 101)
	cold := func(client, _ int) (time.Duration, error) { return s.writer(s.accounts[1+client]) }
	b.Run("cold_alone", func(b *testing.B) { crowd(b, 100, cold) })
	for _, clients := range []int{64, 256} {
		b.Run(fmt.Sprintf("beside_hot_of=%d", clients), func(b *testing.B) {
			ctx, stop := context.WithCancel(b.Context())
			var wg sync.WaitGroup
			var hot atomic.Int64
			for range clients {
				wg.Go(func() {
					for ctx.Err() == nil {
						if _, err := s.writer(s.accounts[0]); err != nil {
							b.Error(err)
							return
						}
						hot.Add(1)
					}
				})
			}
			crowd(b, 100, cold)
			b.ReportMetric(float64(hot.Load())/b.Elapsed().Seconds(), "hot-requests/s")
			stop()
			wg.Wait()
		})
	}
}

// HOTPATH 3: one op in a hundred is refused; the rest is to keep 80 % of its
// throughput. A refused text never reaches the database; an account that was
// tampered with makes the database refuse the batch.
func BenchmarkSpend_Postgres_poisoned(b *testing.B) {
	s := newStand(b, 100)
	sound := func(_, n int) (time.Duration, error) { return s.writer(s.accounts[n%99]) }
	b.Run("none", func(b *testing.B) { crowd(b, 64, sound) })
	b.Run("text", func(b *testing.B) {
		crowd(b, 64, func(client, n int) (time.Duration, error) {
			if n%100 != 0 {
				return sound(client, n)
			}
			op := s.op(s.accounts[0])
			op.Work.Model = "a\x00b"
			began := time.Now()
			if _, err := s.spend.Hold(op); err == nil {
				return 0, errors.New("it was not refused")
			}
			return time.Since(began), nil
		})
	})
	bad := s.accounts[99]
	_, err := s.writer(bad)
	require.NoError(b, err)
	c, err := pgx.Connect(b.Context(), s.url)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, c.Close(context.Background())) })
	_, err = c.Exec(b.Context(), "UPDATE accounts SET entry_seq = 0 WHERE id = $1", bad)
	require.NoError(b, err)
	b.Run("tampered", func(b *testing.B) {
		var wg sync.WaitGroup
		defer wg.Wait()
		crowd(b, 64, func(client, n int) (time.Duration, error) {
			if n%100 == 0 {
				wg.Go(func() { _, _ = s.writer(bad) }) // its settle fails
			}
			return sound(client, n)
		})
	})
}
