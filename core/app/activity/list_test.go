package activity_test

import (
	"context"
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
	"github.com/archibot/archibotchat/ports/store"
)

// looking counts how many sequence numbers each list of events spans.
type looking struct {
	store.Store
	spans []int64
}

func (l *looking) Events() store.Events { return lookingEvents{l.Store.Events(), l} }

type lookingEvents struct {
	store.Events
	l *looking
}

func (e lookingEvents) List(ctx context.Context, q store.EventQuery) ([]audit.Event, error) {
	e.l.spans = append(e.l.spans, q.Before-1-q.After)
	return e.Events.List(ctx, q)
}

// U4: whatever is asked for, a page looks at a bounded number of events, and
// the pages together show every event that fits, once, newest first.
func TestService_List_bounded(t *testing.T) {
	t.Parallel()
	const events = 21_000
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(seq int) time.Time { return start.Add(time.Duration(seq) * 10 * time.Second) } // 58 hours in all
	ids := system.NewIDs(system.Now)
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: blank.SQLite(t, filepath.Join(t.TempDir(), "test.db")), NewID: ids.New, Now: func() time.Time { return start }})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(t.Context()))
	require.NoError(t, s.Accounts().Create(t.Context(), store.Account{Account: access.Account{ID: "acct_1", Name: "Example", Status: access.StatusActive}}))
	var list []audit.Event
	for seq := 1; seq <= events; seq++ {
		e := audit.Event{ID: ids.New("evt"), Account: "acct_1", At: at(seq), Kind: audit.UsageDebited, Key: "key_busy", Count: 1}
		switch {
		case seq%7000 == 5:
			e.Key = "key_quiet"
		case seq%3000 == 0:
			e.Kind = audit.KeyCreated
		case seq%1000 == 7:
			e.Kind = audit.GateDenied
		}
		if list = append(list, e); len(list) == 500 {
			require.NoError(t, s.Events().Append(t.Context(), list...))
			list = nil
		}
	}
	for name, c := range map[string]struct {
		q     store.EventQuery
		fits  func(seq int) bool
		pages int // at most
	}{
		"all":             {store.EventQuery{Limit: 1000}, func(int) bool { return true }, 22},
		"common kind":     {store.EventQuery{Limit: 1000, Kinds: []audit.Kind{audit.UsageDebited}}, func(n int) bool { return n%7000 == 5 || n%3000 != 0 && n%1000 != 7 }, 22},
		"rare kind":       {store.EventQuery{Kinds: []audit.Kind{audit.KeyCreated}}, func(n int) bool { return n%3000 == 0 }, 1},
		"rare kinds":      {store.EventQuery{Limit: 5, Kinds: []audit.Kind{audit.GateDenied, audit.KeyCreated}}, func(n int) bool { return n%3000 == 0 || n%1000 == 7 }, 6},
		"kind not there":  {store.EventQuery{Kinds: []audit.Kind{audit.KeyRevoked}}, func(int) bool { return false }, 1},
		"quiet key":       {store.EventQuery{Key: "key_quiet"}, func(n int) bool { return n%7000 == 5 }, 2},
		"key not there":   {store.EventQuery{Key: "key_none"}, func(int) bool { return false }, 2},
		"key and kind":    {store.EventQuery{Key: "key_busy", Kinds: []audit.Kind{audit.KeyCreated}}, func(n int) bool { return n%3000 == 0 }, 2},
		"time":            {store.EventQuery{Since: at(9000), Until: at(9010)}, func(n int) bool { return n >= 9000 && n < 9010 }, 1},
		"until":           {store.EventQuery{Limit: 7, Until: at(30)}, func(n int) bool { return n < 30 }, 5},
		"since":           {store.EventQuery{Since: at(20_990)}, func(n int) bool { return n >= 20_990 }, 1},
		"time and key":    {store.EventQuery{Key: "key_quiet", Since: at(6000), Until: at(8000)}, func(n int) bool { return n == 7005 }, 1},
		"before anything": {store.EventQuery{Until: at(0)}, func(int) bool { return false }, 1},
		"after all":       {store.EventQuery{Since: at(events + 1)}, func(int) bool { return false }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want, got []int64
			for n := events; n > 0; n-- {
				if c.fits(n) {
					want = append(want, int64(n))
				}
			}
			l := &looking{Store: s}
			svc := activity.New(activity.Deps{Store: l, Now: func() time.Time { return start }, NewID: ids.New})
			q, pages := c.q, 0
			q.Account = "acct_1"
			for {
				pages++
				l.spans = nil
				es, next, err := svc.List(t.Context(), q)
				require.NoError(t, err)
				for _, e := range es {
					got = append(got, e.Seq)
				}
				require.LessOrEqual(t, len(l.spans), 4)
				if q.Key != "" || !q.Until.IsZero() {
					for _, span := range l.spans {
						require.LessOrEqual(t, span, int64(5000), "of an account's %d events", events)
					}
				}
				if q.Before = next; next == 0 {
					break
				}
			}
			require.Equal(t, want, got)
			require.LessOrEqual(t, pages, c.pages)
		})
	}
}
