//go:build e2e

// Package turns_test ends servers in the middle of answers in the chat, the hard
// way and the soft one, and has members follow and stop theirs on other servers
// than the one that works: nothing that was seen may be lost, and what it cost is
// what the ledger says (C3, L9).
package turns_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	grant    = 1_000 * harness.Credit
	recovery = 60 * time.Second // the lease, a round of recovery, a busy machine
	progress = 60 * time.Second
	model    = "tok-in40-out200"
	words    = 60
)

// lesson is an answer whose words wait at the turnstile.
func lesson(t *testing.T, site *harness.Site, question string) (answer string) {
	t.Helper()
	var text strings.Builder
	for i := range words {
		fmt.Fprintf(&text, "wört%d ", i)
	}
	site.Upstream.Teach(t, question, text.String(), "gate1")
	return text.String()
}

// until waits until a follower has so many words.
func until(t *testing.T, f *follower, n int) {
	t.Helper()
	harness.Eventually(t, progress, fmt.Sprint(n, " words are seen"), func() error {
		if text := f.seen(); strings.Count(text, " ") < n {
			return fmt.Errorf("so far: %q, %s", text, f.trouble())
		}
		return nil
	})
}

func TestTurns_Kill(t *testing.T) { // C3, L9
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{})
		account := site.Account(t, harness.NewAccount{Credits: grant})
		rows := db.Open(t)
		answer := lesson(t, site, "Tell me.")
		p := site.Desk(t).Person(t, harness.NewPerson{Account: account.ID})
		server := site.Start(t)
		at := visitor{server.Root, p.Cookie}

		st := at.start(t, at.thread(t), "Tell me.")
		f := at.follow(t, st.Turn.ID, 0)
		site.Upstream.Admit(t, 1, 20)
		until(t, f, 20)
		var noted int64
		harness.Eventually(t, progress, "the ledger has a mark of it", func() error {
			var delivered bool
			err := rows.QueryRowContext(t.Context(), "SELECT mark_delivered, mark_cost FROM holds WHERE request_id = $1", st.Turn.RequestID).Scan(&delivered, &noted)
			if err == nil && !delivered {
				err = errors.New("not yet")
			}
			return err
		})
		site.Upstream.Admit(t, 1, 5)
		until(t, f, 25)
		seen := f.seen()
		harness.Eventually(t, progress, "what was seen is stored", func() error {
			var stored int
			err := rows.QueryRowContext(t.Context(), "SELECT coalesce(sum(octet_length(text)), 0) FROM turn_pieces WHERE turn_id = $1", st.Turn.ID).Scan(&stored)
			if err == nil && stored < len(seen) {
				err = fmt.Errorf("%d of %d bytes", stored, len(seen))
			}
			return err
		})
		server.Kill()

		again := visitor{site.Start(t).Root, p.Cookie}
		var turn turn
		harness.Eventually(t, recovery, "the turn is ended and reckoned", func() error {
			if turn = again.turn(t, st.Turn.ID); turn.State == "running" || !turn.Settled {
				return fmt.Errorf("%+v", turn)
			}
			return nil
		})
		require.Equal(t, "failed", turn.State)
		require.Equal(t, "server_lost", turn.Failure.Code)
		require.NotEmpty(t, turn.Failure.Message)
		require.True(t, turn.Failure.Retryable)
		kept := again.answered(t, st.Thread.ID)
		require.Equal(t, seen, kept, "all that was seen is kept")
		require.True(t, strings.HasPrefix(answer, kept))

		var state string
		var debited int64
		require.NoError(t, rows.QueryRowContext(t.Context(), "SELECT state, debited FROM holds WHERE request_id = $1", st.Turn.RequestID).Scan(&state, &debited))
		require.Equal(t, "settled", state)
		require.Equal(t, debited, turn.Debited)
		require.GreaterOrEqual(t, debited, noted)
		require.Positive(t, debited)
		require.Equal(t, harness.Debit{Request: st.Turn.RequestID, Entries: 1, Amount: debited}, harness.Debits(t, rows)[st.Turn.RequestID])

		// The tab comes back where it was, is told of the end, and asks again.
		back := again.follow(t, st.Turn.ID, len(seen))
		require.Equal(t, "failed", back.ends(t).State)
		require.Empty(t, back.seen(), "nothing that it had seen is told again")
		site.Upstream.Admit(t, 1, -1)
		retry := again.retry(t, st.Thread.ID, st.Question.ID)
		whole := again.follow(t, retry.Turn.ID, 0)
		require.Equal(t, "done", whole.ends(t).State)
		require.Equal(t, strings.TrimRight(answer, " "), strings.TrimRight(whole.seen(), " "))
		site.Verify(t)
		site.VerifyAudit(t)
	})
}

// A server that is asked to end lets an answer that is about to end come to its
// end, cuts the others in time, and keeps their text.
func TestTurns_Term(t *testing.T) { // HOTPATH 24
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{Variables: map[string]string{"ARCHIBOT_GRACE": "8s"}})
		account := site.Account(t, harness.NewAccount{Credits: grant})
		lesson(t, site, "Tell me.")
		p := site.Desk(t).Person(t, harness.NewPerson{Account: account.ID})
		server := site.Start(t)
		at := visitor{server.Root, p.Cookie}

		long := at.start(t, at.thread(t), "Tell me.")
		site.Upstream.Admit(t, 1, 20)
		until(t, at.follow(t, long.Turn.ID, 0), 20)
		short := at.startOn(t, at.thread(t), "How long?", "tok-in40-out90-chunks20-gap100") // nobody follows it
		server.Stop(t)

		again := visitor{site.Start(t).Root, p.Cookie}
		cut := again.turn(t, long.Turn.ID)
		require.Equal(t, "failed", cut.State)
		require.Equal(t, "server_stopping", cut.Failure.Code)
		require.True(t, cut.Settled)
		require.Positive(t, cut.Debited)
		kept := again.answered(t, long.Thread.ID)
		require.Equal(t, 20, strings.Count(kept, " "))
		whole := again.turn(t, short.Turn.ID)
		require.Equal(t, "done", whole.State)
		require.True(t, whole.Settled)
		site.Verify(t)
	})
}

// Members follow and stop on another server than the one that works.
func TestTurns_Replicas(t *testing.T) { // C3
	site := harness.NewSite(t, harness.NewPostgres(t), harness.Options{})
	account := site.Account(t, harness.NewAccount{Credits: grant})
	answer := lesson(t, site, "Tell me.")
	p := site.Desk(t).Person(t, harness.NewPerson{Account: account.ID})
	near, far := visitor{site.Start(t).Root, p.Cookie}, visitor{site.Start(t).Root, p.Cookie}

	st := near.start(t, near.thread(t), "Tell me.")
	here, there := near.follow(t, st.Turn.ID, 0), far.follow(t, st.Turn.ID, 0)
	for n := 10; n <= 40; n += 10 {
		site.Upstream.Admit(t, 1, 10)
		until(t, here, n)
		until(t, there, n)
		require.Equal(t, here.seen(), there.seen())
	}
	began := time.Now()
	stopped := far.stop(t, st.Turn.ID)
	harness.Eventually(t, progress, "it is over", func() error {
		if stopped = far.turn(t, st.Turn.ID); stopped.State == "running" {
			return errors.New("still at work")
		}
		return nil
	})
	require.Less(t, time.Since(began), 10*time.Second)
	require.Equal(t, "stopped", stopped.State)
	require.Equal(t, "stopped", here.ends(t).State)
	require.Equal(t, "stopped", there.ends(t).State)
	require.Equal(t, here.seen(), there.seen())
	require.True(t, strings.HasPrefix(answer, here.seen()))
	kept := far.answered(t, st.Thread.ID)
	require.Equal(t, here.seen(), kept)
	require.Positive(t, stopped.Debited)

	// Asked on both at once with one key, it is one turn.
	thread := near.thread(t)
	site.Upstream.Admit(t, 1, -1)
	before := site.Upstream.Stats(t)
	got := make(chan started, 16)
	harness.Parallel(16, 16, func(i int) {
		at := near
		if i%2 == 1 {
			at = far
		}
		got <- at.ask(t, thread, map[string]string{"key": "one-key-for-both", "text": "Tell me.", "model": model})
	})
	first := <-got
	for range 15 {
		require.Equal(t, first.Turn.ID, (<-got).Turn.ID)
	}
	require.Equal(t, "done", far.follow(t, first.Turn.ID, 0).ends(t).State)
	after := site.Upstream.Stats(t)
	require.Equal(t, before.Requests+1, after.Requests)
	site.Verify(t)
}
