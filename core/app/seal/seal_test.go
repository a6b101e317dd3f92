package seal_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/seal"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

func TestSQLite(t *testing.T) {
	t.Parallel()
	run(t, sqliteURL)
}

// run runs what holds on each database.
func run(t *testing.T, at func(testing.TB) string) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, *house){
		"seals and proves":          sealsAndProves,
		"batches":                   batches,
		"a round that is cut short": cutShort,
		"a lost reply":              lostReply,
		"several sealers":           severalSealers,
		"a clock that jumps":        jumpingClock,
		"a tampered log":            refusesTampered,
		"a log that was rewritten":  rewritten,
		"keys that change":          changedKey,
		"run":                       runs,
		"spends among events":       spendsAmongEvents,
		"vandals of spends":         spendVandals,
		"vandals":                   vandals,
		"vandals of a long log":     manyVandals,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newHouse(t, at(t)))
		})
	}
}

func sealsAndProves(t *testing.T, h *house) { // U5
	_, err := h.Newest(t.Context())
	require.ErrorIs(t, err, seal.ErrUnsealed)
	r, err := h.Seal(t.Context())
	require.NoError(t, err)
	require.Zero(t, r, "nothing to seal, nothing to sign")
	require.Zero(t, h.clean(t))

	h.account(t, "acct_1")
	h.account(t, "acct_2")
	h.write(t, 5, "acct_1", "acct_2", "")
	sum := h.clean(t)
	require.EqualValues(t, 5, sum.Pending)
	require.WithinDuration(t, h.now, sum.Oldest, time.Millisecond)
	first := h.sealTo(t, 5)
	h.write(t, 2, "acct_1")
	h.sealTo(t, 7)
	h.write(t, 1, "acct_2")
	require.Equal(t, seal.Summary{Leaves: 7, Signed: 7, Checkpoints: 2, Accounts: 2, Pending: 1, Oldest: h.clean(t).Oldest}, h.clean(t))

	newest, err := h.Newest(t.Context())
	require.NoError(t, err)
	text, err := h.notary.Open([]byte(newest.Note))
	require.NoError(t, err)
	c, err := audit.ParseCheckpoint(text)
	require.NoError(t, err)
	require.Equal(t, "archibotchat/test", c.Origin)
	require.EqualValues(t, 7, c.Size)
	require.WithinDuration(t, h.now, c.At, time.Millisecond)

	for _, since := range []string{first.Checkpoint.Note, newest.Note} {
		_, found := h.verify(t, since)
		require.Empty(t, found)
	}
	for _, bad := range []string{"x", strings.Replace(newest.Note, "\n7\n", "\n6\n", 1), text} {
		_, err := h.Verify(t.Context(), seal.Proof{Open: h.notary.Open, Since: bad}, func(seal.Finding) error { return nil })
		require.ErrorIs(t, err, seal.ErrSince)
	}
	stop := errors.New("stop")
	h.disarm(t)
	h.exec(t, "DELETE FROM audit_leaves WHERE number = 3")
	_, err = h.Verify(t.Context(), seal.Proof{Open: h.notary.Open}, func(seal.Finding) error { return stop })
	require.ErrorIs(t, err, stop)
}

// A log of several batches, pages and kept nodes.
func batches(t *testing.T, h *house) {
	h.SetBatch(500)
	h.account(t, "acct_1")
	h.write(t, 1300, "acct_1", "")
	h.settled(t)
	r := h.sealTo(t, 1300)
	require.Equal(t, 1300, r.Sealed)
	sum := h.clean(t)
	require.EqualValues(t, 1300, sum.Signed)
	require.EqualValues(t, 1, sum.Checkpoints, "one for the round")
	nodes, err := h.store.SealLog().Hashes(t.Context(), audit.NodeLevels, 0, 100)
	require.NoError(t, err)
	require.Len(t, nodes, 5)
}

// A sealer that dies between the leaves and their checkpoint leaves nothing
// that another one would not go on from.
func cutShort(t *testing.T, h *house) {
	h.account(t, "acct_1")
	h.write(t, 600, "acct_1")
	h.sealTo(t, 600)
	h.write(t, 1100, "acct_1")
	h.settled(t)
	died := errors.New("died")
	commits := 0
	dying := h.service(&failing{Store: h.store, after: func() error { // after one batch, before the checkpoint
		if commits++; commits < 2 {
			return nil
		}
		return died
	}})
	dying.SetBatch(500)
	require.Eventually(t, func() bool { _, err := dying.Seal(t.Context()); return errors.Is(err, died) }, 30*time.Second, 5*time.Millisecond)
	head, err := h.store.SealLog().Head(t.Context())
	require.NoError(t, err)
	require.Greater(t, head.Size, head.Last.Size, "leaves without a checkpoint")
	sum := h.clean(t)
	require.Equal(t, head.Last.Size, sum.Signed)
	h.sealTo(t, 1700)
	require.EqualValues(t, 1700, h.clean(t).Signed)

	h.write(t, 10, "acct_1")
	undone := h.service(&failing{Store: h.store, before: func() error { return died }})
	_, err = undone.Seal(t.Context())
	require.ErrorIs(t, err, died)
	h.sealTo(t, 1710)
	h.clean(t)
}

// A commit whose reply was lost is not repeated: the next round begins where
// the database is.
func lostReply(t *testing.T, h *house) {
	h.account(t, "acct_1")
	h.write(t, 20, "acct_1")
	lost := h.service(&failing{Store: h.store, after: func() error { return store.ErrUnavailable }})
	require.Eventually(t, func() bool {
		_, err := lost.Seal(t.Context())
		require.ErrorIs(t, err, store.ErrUnavailable)
		head, err := h.store.SealLog().Head(t.Context())
		require.NoError(t, err)
		return head.Size == 20
	}, 30*time.Second, 5*time.Millisecond)
	h.write(t, 1, "acct_1")
	h.sealTo(t, 21)
	h.clean(t)
}

func severalSealers(t *testing.T, h *house) { // HOTPATH 21: one at a time
	const writers, each = 4, 150
	for i := range writers {
		h.account(t, accountOf(i))
	}
	var writing, sealing sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		s := h.service(open(t, h.url))
		sealing.Go(func() {
			for {
				if _, err := s.Seal(t.Context()); err != nil && !errors.Is(err, store.ErrSealing) && fault.KindOf(err) != fault.Unavailable {
					t.Error(err)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := range writers {
		s := open(t, h.url)
		writing.Go(func() {
			for range each {
				e := audit.Event{ID: newID("evt"), Account: accountOf(i), At: h.now, Kind: audit.KeyCreated, Count: 1}
				for {
					err := s.Events().Append(t.Context(), e)
					if err == nil {
						break
					}
					if fault.KindOf(err) != fault.Unavailable {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	writing.Wait()
	close(done)
	sealing.Wait()
	h.sealTo(t, writers*each)
	require.EqualValues(t, writers*each, h.clean(t).Signed)
}

func accountOf(i int) string { return "acct_" + string(rune('a'+i)) }

func jumpingClock(t *testing.T, h *house) { // HOTPATH 4: clock ± 1 day
	h.account(t, "acct_1")
	size := int64(0)
	for _, jump := range []time.Duration{0, 24 * time.Hour, -48 * time.Hour, time.Hour} {
		h.now = h.now.Add(jump)
		h.write(t, 3, "acct_1")
		size += 3
		h.sealTo(t, size)
	}
	require.EqualValues(t, 4, h.clean(t).Checkpoints)
}

func refusesTampered(t *testing.T, h *house) {
	h.account(t, "acct_1")
	h.write(t, 300, "acct_1")
	h.sealTo(t, 300)
	h.disarm(t)
	for name, c := range map[string]struct{ do, undo string }{
		"a leaf":   {"UPDATE audit_leaves SET number = 1000 WHERE number = 299", "UPDATE audit_leaves SET number = 299 WHERE number = 1000"},
		"a node":   {"UPDATE audit_nodes SET number = 7", "UPDATE audit_nodes SET number = 0"},
		"the head": {"UPDATE audit_head SET size = 299", "UPDATE audit_head SET size = 300"},
	} {
		h.exec(t, c.do)
		h.write(t, 1, "acct_1")
		_, err := h.Seal(t.Context())
		require.ErrorIs(t, err, seal.ErrTampered, name)
		h.exec(t, c.undo)
	}
	h.sealTo(t, 303)
	h.clean(t)
}

// Whoever rewrites all of it, and has the sealer sign it anew, is found by a
// checkpoint that somebody has kept.
func rewritten(t *testing.T, h *house) {
	h.account(t, "acct_1")
	h.write(t, 20, "acct_1")
	kept := h.sealTo(t, 20).Checkpoint.Note
	h.write(t, 20, "acct_1")
	h.sealTo(t, 40)
	h.disarm(t)
	for _, table := range []string{"audit_leaves", "audit_nodes", "audit_checkpoints"} {
		h.exec(t, "DELETE FROM "+table)
	}
	h.exec(t, "UPDATE events SET amount = -1 WHERE seq = 7")
	reset := "UPDATE audit_head SET size = 0, event_row = 0, hold_row = 0"
	if h.postgres() {
		reset = "UPDATE audit_head SET size = 0, xact = '0', last_id = ''"
	}
	h.exec(t, reset)
	h.sealTo(t, 40)
	h.clean(t)
	_, found := h.verify(t, kept)
	require.Len(t, found, 1)
	require.Contains(t, found[0].Text, "does not continue the checkpoint to compare with")

	h.exec(t, "DELETE FROM events WHERE seq > 10")
	h.exec(t, "UPDATE accounts SET event_seq = 10")
	for _, table := range []string{"audit_leaves", "audit_checkpoints"} {
		h.exec(t, "DELETE FROM "+table)
	}
	h.exec(t, reset)
	h.sealTo(t, 10)
	h.clean(t)
	_, found = h.verify(t, kept)
	require.Len(t, found, 1)
	require.Contains(t, found[0].Text, "the log was cut: it has 10 leaves, the checkpoint to compare with is over 20")
}

// Checkpoints of a key that nobody knows prove nothing, and are told of once.
func changedKey(t *testing.T, h *house) {
	h.account(t, "acct_1")
	earlier := h.notary
	for size := int64(1); size <= 3; size++ {
		h.write(t, 1, "acct_1")
		h.sealTo(t, size)
	}
	h.notary = newNotary(t)
	h.Service = h.service(h.store)
	h.write(t, 1, "acct_1")
	h.sealTo(t, 4)
	sum, found := h.verify(t, "")
	require.Len(t, found, 1)
	require.Equal(t, "the checkpoints over 1 to 3 leaves are not signed by a known key", found[0].Text)
	require.EqualValues(t, 4, sum.Signed)
	require.EqualValues(t, 1, sum.Checkpoints)

	newer := h.notary
	sum, err := h.Verify(t.Context(), seal.Proof{Open: func(msg []byte) (string, error) {
		if text, err := newer.Open(msg); err == nil {
			return text, nil
		}
		return earlier.Open(msg)
	}}, func(f seal.Finding) error { return errors.New(f.Text) })
	require.NoError(t, err)
	require.EqualValues(t, 4, sum.Checkpoints)

	elsewhere := seal.New(seal.Deps{Store: h.store, Now: time.Now, Origin: seal.Origin("other"), Sign: newer.Sign})
	_, err = elsewhere.Verify(t.Context(), seal.Proof{Open: newer.Open}, func(f seal.Finding) error { return errors.New(f.Text) })
	require.ErrorContains(t, err, "not signed by a known key", "of another environment")
}

func runs(t *testing.T, h *house) {
	h.account(t, "acct_1")
	h.write(t, 3, "acct_1")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	require.Eventually(t, func() bool { c, err := h.Newest(t.Context()); return err == nil && c.Size == 3 }, 60*time.Second, 10*time.Millisecond)
	cancel()
	require.NoError(t, <-done)
	h.clean(t)
}

func TestRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for worked, want := range map[time.Duration]time.Duration{30 * time.Millisecond: 30 * time.Millisecond, time.Hour: time.Second, -time.Hour: 0} {
			begun := time.Now()
			require.NoError(t, seal.Rest(t.Context(), worked))
			require.Equal(t, want, time.Since(begun), "a clock may jump")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, seal.Rest(ctx, time.Minute), context.Canceled)
	})
}

func TestSeal_WithoutKey(t *testing.T) {
	t.Parallel()
	_, err := seal.New(seal.Deps{}).Seal(t.Context())
	require.Equal(t, "audit_key_missing", fault.CodeOf(err))
}
