//go:build linux

package main

import (
	"context"
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

// commits commits batches to the stand's database for o.duration, after o.warm,
// and returns what they cost and how many requests there were in all.
func (s *stand) commits(ctx context.Context, o options, accounts []string) (result, int64, error) {
	ids := system.NewIDs(system.Now)
	db, err := sqlstore.Open(ctx, sqlstore.Config{URL: s.database, NewID: ids.New})
	if err != nil {
		return result{}, 0, err
	}
	defer func() { _ = db.Close() }()
	by, err := db.Replicas().Join(ctx, ids.New("rep"), time.Hour)
	if err != nil {
		return result{}, 0, err
	}
	defer func() { _, _ = db.Replicas().Leave(context.WithoutCancel(ctx), by.ID) }()
	var r result
	var all int64
	begun := time.Now()
	cpu, tree := cpuSelf(os.Getpid()), cpuTree(s.cluster.PID())
	for measured := false; ; {
		since := time.Since(begun)
		if !measured && since >= o.warm {
			measured, begun = true, time.Now()
			cpu, tree = cpuSelf(os.Getpid()), cpuTree(s.cluster.PID())
			continue
		}
		if measured && since >= o.duration {
			break
		}
		took, err := s.commitPair(ctx, db, by, ids, accounts)
		if err != nil {
			return r, all, err
		}
		if all += batchSize; measured {
			r.good += batchSize
			r.latency = append(r.latency, took)
		}
	}
	r.seconds = time.Since(begun).Seconds()
	r.cpu, r.dbCPU = cpuSelf(os.Getpid())-cpu, cpuTree(s.cluster.PID())-tree
	slices.Sort(r.latency)
	return r, all, nil
}

const batchSize = 32

func (s *stand) commitPair(ctx context.Context, db *sqlstore.Store, by store.Replica, ids *system.IDs, accounts []string) (time.Duration, error) {
	ops := make([]ledger.Op, batchSize)
	for i := range ops {
		ops[i] = ledger.Op{
			Kind: ledger.OpHold, Account: accounts[rand.IntN(len(accounts))], Request: ids.New("req"), Replica: by.ID, Nonce: ids.New("try"), Amount: 900, Deadline: time.Minute,
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
		outs, err := db.Commit(ctx, by, ops)
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
