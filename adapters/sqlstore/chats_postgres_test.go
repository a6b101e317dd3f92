//go:build engines

package sqlstore_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/e2e/engine/localpg"
	"github.com/archibot/archibotchat/ports/store"
)

// What the chat reads depends on what it shows, or on the member's own threads
// for a search, and not on what its neighbours have. Rows and buffers are
// counted, not time.
func TestPostgres_ChatReadsStayShort(t *testing.T) {
	t.Parallel()
	url := localpg.Copy(t, blank.Migrate)
	s := open(t, url, nil)
	reads := chatReads(t, s, 500, 4)
	l := newLooker(t, s, url)
	for name, want := range reads {
		l.look(name, want)
	}
}

// An answer at work costs one round trip a piece, and its turn stands in no
// index with what changes.
func TestPostgres_AppendsAreHeapOnly(t *testing.T) {
	t.Parallel()
	s := open(t, localpg.Copy(t, blank.Migrate), nil)
	w := store.Whose{Account: "acct_1", User: "user_1"}
	create(t, s, "acct_1")
	require.NoError(t, s.Threads().Create(t.Context(), chat.Thread{ID: "thr_1", Account: w.Account, User: w.User}))
	one := chat.Turn{ID: "turn_1", Account: w.Account, User: w.User, Thread: "thr_1", Owner: "own", StartedAt: now()}
	require.NoError(t, s.Turns().Start(t.Context(), one))
	for n := range 300 {
		one.Until = now().Add(time.Duration(n) * time.Second)
		one.Steps = append(one.Steps[:0], chat.Step{Name: "gate", Note: strconv.Itoa(n)})
		_, err := s.Turns().Append(t.Context(), one, 4*n, "text")
		require.NoError(t, err)
	}
	require.NoError(t, s.Exec(t.Context(), "SELECT pg_stat_force_next_flush()"))
	of := func(column string) int64 {
		n, err := s.Count(t.Context(), "SELECT sum("+column+")::bigint FROM pg_stat_user_tables WHERE relname = 'turns'")
		require.NoError(t, err)
		return n
	}
	require.Eventually(t, func() bool { return of("n_tup_upd") >= 300 }, 20*time.Second, 50*time.Millisecond)
	require.GreaterOrEqual(t, of("n_tup_hot_upd")*100, of("n_tup_upd")*95)
}

func TestPostgres_FullThreads(t *testing.T) {
	t.Parallel()
	fullThreads(t, open(t, localpg.Copy(t, blank.Migrate), nil))
}

func TestPostgres_WipedChats(t *testing.T) {
	t.Parallel()
	wiped(t, open(t, localpg.Copy(t, blank.Migrate), nil), "messages")
}

func TestPostgres_Searches(t *testing.T) {
	t.Parallel()
	searches(t, open(t, localpg.Copy(t, blank.Migrate), nil))
}
