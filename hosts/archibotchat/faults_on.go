//go:build faultpoints && unix

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/inference"
	"github.com/archibot/archibotchat/ports/store"
)

// faultPoint is what ARCHIBOT_FAULT asks for: STEP:N:ACTION, such as
// "settle.after:3:kill". When STEP is reached for the Nth time the program
//
//   - kill: ends at once, as kill -9 does;
//   - stop: stands still until it gets SIGCONT (SIGSTOP);
//   - lose: takes the reply of a commit for lost.
//
// The steps are, before and after a batch with an op of that kind is committed,
// hold.before, hold.after, and so on for mark, extend, settle, release and
// spend; record of an answer that is kept, join, renew and leave of the replica,
// before and after; and upstream.before, upstream.after (its head) and
// upstream.body (its first bytes).
type faultPoint struct {
	step   string
	left   atomic.Int64
	action string
}

// theSkew is by how much ARCHIBOT_CLOCK, such as "-24h", makes the program's
// clock wrong. Timers and deadlines of connections go by another one, as they do
// on a machine whose clock is wrong.
var theSkew = readSkew(os.Getenv("ARCHIBOT_CLOCK"))

func readSkew(text string) time.Duration {
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		panic(err)
	}
	return d
}

func faultyNow(t time.Time) time.Time { return t.Add(theSkew) }

var theFault = readFault(os.Getenv("ARCHIBOT_FAULT"))

func readFault(text string) *faultPoint {
	if text == "" {
		return nil
	}
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		panic("ARCHIBOT_FAULT is not STEP:N:ACTION")
	}
	n, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		panic(err)
	}
	f := &faultPoint{step: parts[0], action: parts[2]}
	f.left.Store(n)
	return f
}

// reach says that a step is reached; true if a reply is to be lost there.
func reach(step string) bool {
	f := theFault
	if f == nil || f.step != step || f.left.Add(-1) != 0 {
		return false
	}
	fmt.Fprintf(os.Stderr, "fault point %s: %s\n", step, f.action)
	switch f.action {
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "stop":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		<-time.After(10 * time.Millisecond) // the signal may take a moment to stop every thread
	}
	return f.action == "lose"
}

func faultyStore(s store.Store) store.Store { return faulty{s} }

type faulty struct{ store.Store }

func (f faulty) Commit(ctx context.Context, by store.Replica, ops []ledger.Op) ([]ledger.Outcome, error) {
	return around(ops, func() ([]ledger.Outcome, error) { return f.Store.Commit(ctx, by, ops) })
}

func (f faulty) TryCommit(ctx context.Context, by store.Replica, ops []ledger.Op, patience time.Duration) ([]ledger.Outcome, error) {
	return around(ops, func() ([]ledger.Outcome, error) { return f.Store.TryCommit(ctx, by, ops, patience) })
}

func around(ops []ledger.Op, commit func() ([]ledger.Outcome, error)) ([]ledger.Outcome, error) {
	kinds := map[string]bool{}
	for _, op := range ops {
		kinds[op.Kind.String()] = true
	}
	for kind := range kinds {
		reach(kind + ".before")
	}
	out, err := commit()
	for kind := range kinds {
		if err == nil && reach(kind+".after") {
			return nil, store.ErrUnavailable
		}
	}
	return out, err
}

func (f faulty) Idempotency() store.Idempotency { return faultyAnswers{f.Store.Idempotency()} }

type faultyAnswers struct{ store.Idempotency }

func (f faultyAnswers) Record(ctx context.Context, o store.SealedOutcome) error {
	reach("record.before")
	err := f.Idempotency.Record(ctx, o)
	reach("record.after")
	return err
}

func (f faulty) Replicas() store.Replicas { return faultyReplicas{f.Store.Replicas()} }

type faultyReplicas struct{ store.Replicas }

func (f faultyReplicas) Join(ctx context.Context, id string, lease time.Duration) (store.Replica, error) {
	reach("join.before")
	defer reach("join.after")
	return f.Replicas.Join(ctx, id, lease)
}

func (f faultyReplicas) Renew(ctx context.Context, r store.Replica, lease time.Duration) error {
	reach("renew.before")
	defer reach("renew.after")
	return f.Replicas.Renew(ctx, r, lease)
}

func (f faultyReplicas) Leave(ctx context.Context, id string) (bool, error) {
	reach("leave.before")
	defer reach("leave.after")
	return f.Replicas.Leave(ctx, id)
}

func faultyUpstream(u inference.Upstream) inference.Upstream { return faultyModel{u} }

type faultyModel struct{ inference.Upstream }

func (f faultyModel) Do(ctx context.Context, r *inference.Request) (*inference.Response, error) {
	reach("upstream.before")
	res, err := f.Upstream.Do(ctx, r)
	if err == nil {
		reach("upstream.after")
		res.Body = &faultyBody{ReadCloser: res.Body}
	}
	return res, err
}

type faultyBody struct {
	io.ReadCloser
	begun bool
}

func (b *faultyBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 && !b.begun {
		b.begun = true
		reach("upstream.body")
	}
	return n, err
}

// Ready passes the question on.
func (b *faultyBody) Ready(wait time.Duration) bool {
	r, ok := b.ReadCloser.(inference.Ready)
	return ok && r.Ready(wait)
}
