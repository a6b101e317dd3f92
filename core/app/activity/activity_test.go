package activity_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/activity"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

func TestService(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ids := system.NewIDs(system.Now)
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: blank.SQLite(t, filepath.Join(t.TempDir(), "test.db")), NewID: ids.New, Now: func() time.Time { return now }})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(t.Context()))
	for _, id := range []string{"acct_1", "acct_2"} {
		require.NoError(t, s.Accounts().Create(t.Context(), store.Account{Account: access.Account{ID: id, Name: id, Status: access.StatusActive, CreatedAt: now, UpdatedAt: now}}))
	}
	svc := activity.New(activity.Deps{Store: s, Now: func() time.Time { return now }, NewID: ids.New})
	ctx := access.WithRequest(access.WithPrincipal(t.Context(), access.Principal{Kind: access.PrincipalUser, ID: "user_1"}), "req_1")
	for range 7 {
		require.NoError(t, svc.Record(ctx, audit.Event{Account: "acct_1", Kind: audit.GateDenied, Reason: "x"}))
		now = now.Add(time.Second)
	}
	require.NoError(t, svc.Record(ctx, audit.Event{Account: "acct_2", Kind: audit.GateDenied}))
	require.NoError(t, svc.Record(t.Context(), audit.Event{Kind: audit.KeyRefused}))
	require.ErrorIs(t, svc.Record(ctx, audit.Event{Account: "acct_9", Kind: audit.GateDenied}), store.ErrNotFound)

	t.Run("pages", func(t *testing.T) { // U4
		for limit, pages := range map[int]int{1: 7, 2: 4, 3: 3, 7: 1, 50: 1, store.MaxPage: 1} {
			var seqs []int64
			n := 0
			for q := (store.EventQuery{Account: "acct_1", Limit: limit}); ; n++ {
				es, next, err := svc.List(t.Context(), q)
				require.NoError(t, err)
				for _, e := range es {
					seqs = append(seqs, e.Seq)
				}
				if next == 0 {
					break
				}
				q.Before = next
			}
			require.Equal(t, []int64{7, 6, 5, 4, 3, 2, 1}, seqs)
			require.Equal(t, pages, n+1, "limit %d", limit)
		}
	})
	t.Run("filled in", func(t *testing.T) {
		es, _, err := svc.List(t.Context(), store.EventQuery{Account: "acct_1", Limit: 1})
		require.NoError(t, err)
		e := es[0]
		require.Equal(t, audit.Actor{Kind: audit.ActorUser, ID: "user_1"}, e.Actor)
		require.Equal(t, "req_1", e.Request)
		require.EqualValues(t, 1, e.Count)
		require.NotEmpty(t, e.ID)
	})
	t.Run("one account only", func(t *testing.T) {
		es, _, err := svc.List(t.Context(), store.EventQuery{Account: "acct_2"})
		require.NoError(t, err)
		require.Len(t, es, 1)
		_, _, err = svc.List(t.Context(), store.EventQuery{})
		require.Equal(t, "account_required", fault.CodeOf(err))
	})
	t.Run("unowned", func(t *testing.T) {
		es, err := svc.Unowned(t.Context(), store.Page{})
		require.NoError(t, err)
		require.Len(t, es, 1)
		require.Equal(t, audit.ActorUnknown, es[0].Actor.Kind)
	})
}
