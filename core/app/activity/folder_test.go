package activity_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/activity"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/ports/store"
)

// shelf is a store that keeps events in memory; fail, if set, decides what
// becomes of an append.
type shelf struct {
	store.Store
	mu     sync.Mutex
	events []audit.Event
	tries  int
	fail   func([]audit.Event) error
}

func (s *shelf) Do(ctx context.Context, fn func(context.Context, store.Stores) error) error {
	return fn(ctx, drawer{s: s})
}

type drawer struct {
	store.Stores
	s *shelf
}

func (d drawer) Events() store.Events { return pen{s: d.s} }

type pen struct {
	store.Events
	s *shelf
}

func (p pen) Append(_ context.Context, es ...audit.Event) error {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.s.tries++
	if p.s.fail != nil {
		if err := p.s.fail(es); err != nil {
			return err
		}
	}
	p.s.events = append(p.s.events, es...)
	return nil
}

func (s *shelf) set(fail func([]audit.Event) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fail
}

func (s *shelf) take() []audit.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	es := s.events
	s.events = nil
	return es
}

// run starts a folder in the bubble; stop ends it and waits.
func run(t *testing.T, s *shelf) (*activity.Folder, func()) {
	t.Helper()
	n := 0
	var mu sync.Mutex
	newID := func(prefix string) string { mu.Lock(); defer mu.Unlock(); n++; return fmt.Sprintf("%s_%d", prefix, n) }
	f := activity.NewFolder(activity.Deps{Store: s, Now: time.Now, NewID: newID}, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	return f, func() { cancel(); require.NoError(t, <-done) }
}

// pass lets time go by in the bubble.
func pass(d time.Duration) {
	time.Sleep(d)
}

func refusal(account, key, reason string) audit.Event {
	return audit.Event{
		Account: account, Key: key, Kind: audit.GateDenied, Reason: reason, Request: "req_" + account,
		Actor: audit.Actor{Kind: audit.ActorKey, ID: key},
	}
}

// G6: a loop of refusals becomes two events, and all of them are counted.
func TestFolder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		f, stop := run(t, s)
		start := time.Now()
		for range 1000 {
			f.Refused(refusal("acct_1", "key_1", "credits_exhausted"))
		}
		f.Refused(refusal("acct_1", "key_2", "credits_exhausted"))
		f.Refused(refusal("acct_1", "key_1", "payment_review"))
		f.Refused(refusal("", "", "key_unknown"))
		synctest.Wait()
		require.Equal(t, start, time.Now())
		es := s.take()
		require.Len(t, es, 4)
		for _, e := range es {
			require.EqualValues(t, 1, e.Count)
			require.NotEmpty(t, e.Request)
			require.NotEmpty(t, e.ID)
			require.True(t, e.At.Equal(start))
		}
		require.Empty(t, es[3].Account)

		pass(activity.Window - time.Millisecond)
		f.Refused(refusal("acct_1", "key_1", "credits_exhausted"))
		synctest.Wait()
		require.Empty(t, s.take())
		pass(2 * time.Second)
		es = s.take()
		require.Len(t, es, 1)
		require.EqualValues(t, 1000, es[0].Count)
		require.Equal(t, "key_1", es[0].Key)
		require.Empty(t, es[0].Request, "many requests, no single one")

		f.Refused(refusal("acct_1", "key_1", "credits_exhausted")) // a new window
		synctest.Wait()
		require.Len(t, s.take(), 1)
		f.Refused(refusal("acct_1", "key_1", "credits_exhausted"))
		stop() // writes what is left
		es = s.take()
		require.Len(t, es, 1)
		require.EqualValues(t, 1, es[0].Count)
	})
}

func TestFolder_unreachableStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		s.set(func([]audit.Event) error { return store.ErrUnavailable })
		f, stop := run(t, s)
		for i := range 100 {
			f.Refused(refusal("acct_1", fmt.Sprint("key_", i), "credits_exhausted"))
			f.Refused(refusal("acct_1", fmt.Sprint("key_", i), "credits_exhausted"))
			synctest.Wait()
		}
		pass(30 * time.Second)
		synctest.Wait()
		require.LessOrEqual(t, s.tries, 40, "asked at most once a second")
		s.set(nil)
		pass(2 * time.Second)
		stop()
		var sum int64
		for _, e := range s.take() {
			sum += e.Count
		}
		require.EqualValues(t, 200, sum)
	})
}

func TestFolder_poison(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		s.set(func(es []audit.Event) error {
			for _, e := range es {
				if e.Account == "acct_gone" {
					return store.ErrNotFound
				}
			}
			return nil
		})
		f, stop := run(t, s)
		f.Refused(refusal("acct_1", "key_1", "x"))
		f.Refused(refusal("acct_gone", "key_2", "x"))
		f.Refused(refusal("acct_3", "key_3", "x"))
		stop()
		require.Len(t, s.take(), 2)
	})
}

// However many kinds of refusals there are, memory and rows are bounded and
// every refusal is counted.
func TestFolder_overflow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		s.set(func([]audit.Event) error { return errors.Join(store.ErrUnavailable) }) // the queue fills up too
		f, stop := run(t, s)
		const refusals = 3 * activity.MaxFolds
		for i := range refusals {
			f.Refused(refusal("acct_1", fmt.Sprint("key_", i), "payment_review"))
		}
		s.set(nil)
		pass(3 * activity.Window)
		stop()
		es := s.take()
		require.Less(t, len(es), 2*activity.MaxFolds)
		var sum, spilled int64
		for _, e := range es {
			sum += e.Count
			if e.Subject == "overflow" {
				spilled += e.Count
				require.Empty(t, e.Account)
				require.Empty(t, e.Key)
				require.Equal(t, "payment_review", e.Reason)
			}
		}
		require.EqualValues(t, refusals, sum)
		require.Positive(t, spilled)
	})
}

func TestFolder_parallel(t *testing.T) {
	t.Parallel()
	s := &shelf{}
	f, stop := run(t, s)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 1000 {
				f.Refused(refusal("acct_1", fmt.Sprint("key_", (g+i)%50), "x"))
			}
		})
	}
	wg.Wait()
	stop()
	var sum int64
	for _, e := range s.take() {
		sum += e.Count
	}
	require.EqualValues(t, 8000, sum)
}
