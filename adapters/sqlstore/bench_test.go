package sqlstore_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

func BenchmarkSQLite_Commit(b *testing.B) {
	benchmarkCommit(b, open(b, "sqlite:"+filepath.Join(b.TempDir(), "store.db"), nil))
}

// benchmarkCommit measures batches of holds and of their settles, over one
// account and over a hundred, with the events, the fence and the real fsync.
func benchmarkCommit(b *testing.B, s *sqlstore.Store) {
	by, err := s.Replicas().Join(b.Context(), "rep_1", time.Hour)
	require.NoError(b, err)
	for i := range 1000 {
		id := fmt.Sprint("acct_", i)
		create(b, s, id)
		commit(b, s, grant(id, "lot_"+id, 1_000_000*ledger.Credit))
	}
	for _, accounts := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("accounts=%d/one_step=64", accounts), func(b *testing.B) {
			ops, turn := make([]ledger.Op, 64), 0
			for b.Loop() {
				for i := range ops {
					turn++
					ops[i] = ledger.Op{
						Kind: ledger.OpSpend, Account: fmt.Sprint("acct_", turn%accounts), Request: newID("req"), Replica: by.ID, Nonce: "n",
						Amount: 1000, Cost: 700, Usage: ledger.Usage{Input: 500, Output: 200}, Deadline: time.Minute,
						Work: ledger.Work{Key: "key_1", Area: "api", Route: "/v1/responses", Model: "vendor/model", PriceVersion: "p1"},
					}
				}
				run(b, s, by, ops)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(ops)), "µs/ledger-op")
		})
		for _, n := range []int{1, 16, 256} {
			b.Run(fmt.Sprintf("accounts=%d/ops=%d", accounts, n), func(b *testing.B) {
				ops, turn := make([]ledger.Op, n), 0
				for b.Loop() {
					for i := range ops {
						turn++
						ops[i] = ledger.Op{
							Kind: ledger.OpHold, Account: fmt.Sprint("acct_", turn%accounts), Request: newID("req"), Replica: by.ID, Nonce: "n",
							Amount: 1000, Deadline: time.Minute, Work: ledger.Work{Key: "key_1", Area: "api", Route: "/v1/responses", Model: "vendor/model", PriceVersion: "p1"},
						}
					}
					run(b, s, by, ops)
					for i := range ops {
						ops[i].Kind, ops[i].Amount, ops[i].Usage = ledger.OpSettle, 700, ledger.Usage{Input: 500, Output: 200}
					}
					run(b, s, by, ops)
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*2), "µs/commit")
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*2*n), "µs/ledger-op")
			})
		}
	}
}

func run(b *testing.B, s *sqlstore.Store, by store.Replica, ops []ledger.Op) {
	outs, err := s.Commit(b.Context(), by, ops)
	if err != nil {
		b.Fatal(err)
	}
	for _, o := range outs {
		if o.Err != nil {
			b.Fatal(o.Err)
		}
	}
}
