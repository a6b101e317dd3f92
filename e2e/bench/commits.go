//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// ledgerScene is the scenario of a comparison of sizes that has no server: the
// same batches of holds and settles, whatever way a server would take them.
const ledgerScene = "ledger"

const ledgerTitle = "batches of 32 holds, then of their settles, over random accounts, without a server"

// desk commits batches to a stand's database as its server would, but by itself.
type desk struct {
	stand    *stand
	db       *sqlstore.Store
	by       store.Replica
	ids      *system.IDs
	accounts []string
}

// openDesk opens one that has met every account once. Close it in any case.
func (s *stand) openDesk(ctx context.Context) (*desk, int64, error) {
	d := &desk{stand: s, ids: system.NewIDs(system.Now)}
	var err error
	if d.accounts, err = s.accountIDs(ctx); err != nil {
		return d, 0, err
	}
	if d.db, err = sqlstore.Open(ctx, sqlstore.Config{URL: s.database, NewID: d.ids.New}); err != nil {
		return d, 0, err
	}
	if d.by, err = d.db.Replicas().Join(ctx, d.ids.New("rep"), time.Hour); err != nil {
		return d, 0, err
	}
	for batch := range slices.Chunk(d.accounts, batchSize) {
		if _, err := d.commitPair(ctx, batch); err != nil {
			return d, 0, err
		}
	}
	return d, int64(len(d.accounts)), nil
}

func (d *desk) close(ctx context.Context) error {
	if d == nil || d.db == nil {
		return nil
	}
	_, err := d.db.Replicas().Leave(context.WithoutCancel(ctx), d.by.ID)
	return errors.Join(err, d.db.Close())
}

// commits commits batches for o.duration, after o.warm, and returns what they
// cost and how many requests there were in all.
func (d *desk) commits(ctx context.Context, o options) (result, int64, error) {
	var r result
	var all int64
	begun := time.Now()
	cpu, tree := cpuSelf(os.Getpid()), cpuTree(d.stand.cluster.PID())
	for measured := false; ; {
		since := time.Since(begun)
		if !measured && since >= o.warm {
			measured, begun = true, time.Now()
			cpu, tree = cpuSelf(os.Getpid()), cpuTree(d.stand.cluster.PID())
			continue
		}
		if measured && since >= o.duration {
			break
		}
		batch := make([]string, batchSize)
		for i := range batch {
			batch[i] = d.accounts[rand.IntN(len(d.accounts))]
		}
		took, err := d.commitPair(ctx, batch)
		if err != nil {
			return r, all, err
		}
		if all += batchSize; measured {
			r.good += batchSize
			r.latency = append(r.latency, took)
		}
	}
	r.seconds = time.Since(begun).Seconds()
	r.cpu, r.dbCPU = cpuSelf(os.Getpid())-cpu, cpuTree(d.stand.cluster.PID())-tree
	slices.Sort(r.latency)
	return r, all, nil
}

const batchSize = 32

// commitPair commits a batch of holds, one for each of the accounts, and one of
// their settles.
func (d *desk) commitPair(ctx context.Context, accounts []string) (time.Duration, error) {
	ops := make([]ledger.Op, len(accounts))
	for i, account := range accounts {
		ops[i] = ledger.Op{
			Kind: ledger.OpHold, Account: account, Request: d.ids.New("req"), Replica: d.by.ID, Nonce: d.ids.New("try"), Amount: 900, Deadline: time.Minute,
			Work: ledger.Work{Key: "key_00000000000000000000000000", Area: "api", Route: "/v1/chat/completions", Model: "bench-0-0", PriceVersion: "example"},
		}
	}
	begun := time.Now()
	for _, kind := range []ledger.OpKind{ledger.OpHold, ledger.OpSettle} {
		for i := range ops {
			ops[i].Kind, ops[i].Amount = kind, 900
			if kind == ledger.OpSettle {
				ops[i].Amount, ops[i].Usage = 700, ledger.Usage{Input: 500, Output: 200}
			}
		}
		outs, err := d.db.Commit(ctx, d.by, ops)
		if err != nil {
			return 0, err
		}
		for _, out := range outs {
			if out.Err != nil {
				return 0, fmt.Errorf("%s: %w", kind, out.Err)
			}
		}
	}
	return time.Since(begun), nil
}

// accountIDs lists the accounts of the stand's database.
func (s *stand) accountIDs(ctx context.Context) (ids []string, err error) {
	db, err := s.open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(ctx, "SELECT id FROM accounts")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
