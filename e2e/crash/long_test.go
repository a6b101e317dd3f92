//go:build e2e

package crash_test

import (
	"database/sql"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

// long is streams on a replica that lives on while another one dies again and
// again. A nil long has none.
type long struct {
	rows    *sql.DB
	client  *harness.Client
	began   time.Time
	holds   map[string]hold // by request
	done    sync.WaitGroup
	mu      sync.Mutex
	answers map[string]harness.Answer
	errs    []error
}

// hold is what must not change while a stream runs.
type hold struct{ replica, state string }

// startLong starts the streams and returns once all of them are held.
func startLong(t *testing.T, rows *sql.DB, client *harness.Client) *long {
	t.Helper()
	l := &long{rows: rows, client: client, began: time.Now(), answers: map[string]harness.Answer{}}
	before := l.read(t)
	for i := range longStreams {
		shape := harness.Shape{Stream: true, Responses: i%2 == 0}
		l.done.Go(func() {
			a, err := client.Ask(t.Context(), shape, longModel)
			l.mu.Lock()
			defer l.mu.Unlock()
			l.answers[a.Request] = a
			if err != nil || !a.Complete {
				l.errs = append(l.errs, fmt.Errorf("%s: complete %t, %w", a.Request, a.Complete, err))
			}
		})
	}
	harness.Eventually(t, progress, "the long streams are held", func() error {
		l.holds = l.read(t)
		maps.DeleteFunc(l.holds, func(request string, _ hold) bool { _, ok := before[request]; return ok })
		if len(l.holds) < longStreams {
			return fmt.Errorf("%d are", len(l.holds))
		}
		return nil
	})
	return l
}

// renewed returns the streams, or others in their place where they could end
// before the next kill: what the old ones must have cost is noted in costs.
func (l *long) renewed(t *testing.T, costs map[string]int64) *long {
	t.Helper()
	if l == nil || time.Since(l.began) < longTime-longRest {
		return l
	}
	maps.Copy(costs, l.await(t))
	return startLong(t, l.rows, l.client)
}

// read returns the holds of the long streams as they are now.
func (l *long) read(t *testing.T) map[string]hold {
	t.Helper()
	rows, err := l.rows.QueryContext(t.Context(), "SELECT request_id, replica_id, state FROM holds WHERE model = $1", longModel)
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	holds := map[string]hold{}
	for rows.Next() {
		var request string
		var h hold
		require.NoError(t, rows.Scan(&request, &h.replica, &h.state))
		holds[request] = h
	}
	require.NoError(t, rows.Err())
	return holds
}

// requests returns the requests of the long streams.
func (l *long) requests() map[string]hold {
	if l == nil {
		return nil
	}
	return l.holds
}

// requireUntouched checks that every stream's hold is open still, and owned by
// the replica it began on.
func (l *long) requireUntouched(t *testing.T) {
	t.Helper()
	if l == nil {
		return
	}
	now := l.read(t)
	for request, h := range l.holds {
		require.Equal(t, "open", h.state, request)
		require.Equal(t, h, now[request], request)
	}
}

// await waits for the streams' own end and returns what each must have cost.
func (l *long) await(t *testing.T) map[string]int64 {
	t.Helper()
	if l == nil {
		return nil
	}
	l.done.Wait()
	require.Empty(t, l.errs)
	costs := map[string]int64{}
	for request := range l.answers {
		require.Contains(t, l.holds, request)
		costs[request] = harness.TokenTariff.Cost(40, 0, 900)
	}
	require.Len(t, costs, longStreams)
	return costs
}
