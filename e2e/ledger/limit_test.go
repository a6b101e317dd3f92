//go:build e2e

package ledger_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

// fleet is a site with four servers on one database.
type fleet struct {
	*harness.Site
	account string
	key     harness.Key
	at      []*harness.Client
}

const servers = 4

func newFleet(t *testing.T, credits int64) *fleet {
	t.Helper()
	f := &fleet{Site: harness.NewSite(t, harness.NewPostgres(t), harness.Options{})}
	f.account = f.Account(t, harness.NewAccount{Credits: credits * harness.Credit}).ID
	f.key = f.Key(t, f.account)
	for range servers {
		f.at = append(f.at, harness.NewClient(f.Start(t).BaseURL(), f.key.Key))
	}
	return f
}

// code returns how the SDK says that a call was refused, "" if it was answered.
func code(t *testing.T, a harness.Answer, err error) string {
	t.Helper()
	if err == nil {
		assert.True(t, a.Complete)
		return ""
	}
	var failure *openai.Error
	if !errors.As(err, &failure) || failure.StatusCode != http.StatusTooManyRequests {
		assert.NoError(t, err, "status %d: %s", a.Status, a.Body)
		return "not a refusal"
	}
	return failure.Code
}

// denials returns how many refusals of a reason Activity knows, and in how many events.
func (f *fleet) denials(t *testing.T, reason string) (count, events int64) {
	t.Helper()
	for _, e := range f.Activity(t, f.account, "") {
		if e.Kind == "gate.denied" && e.Reason == reason {
			assert.Equal(t, f.key.ID, e.Key)
			count += e.Count
			events++
		}
	}
	return count, events
}

// Four servers let through what one rate says, and not four times as much, also
// at the edge of a minute: a minute's worth at once, then what flows back.
func TestLimits_Rate(t *testing.T) { // HOTPATH 12
	const rate, crowd = 30, 4 * 30
	f := newFleet(t, 1_000)
	f.Limit(t, f.account, "--key", f.key.ID, "--requests", strconv.Itoa(rate))

	// The edge of a minute comes in the middle of it.
	now := time.Now()
	edge := now.Truncate(time.Minute).Add(time.Minute)
	<-time.After(time.Until(edge.Add(-3 * time.Second)))

	var answered, refused atomic.Int64
	began := time.Now()
	for time.Now().Before(edge.Add(3 * time.Second)) {
		harness.Parallel(crowd, crowd, func(i int) {
			a, err := f.at[i%servers].Ask(t.Context(), harness.Shape{}, "req")
			switch got := code(t, a, err); got {
			case "":
				answered.Add(1)
			case "rate_limit_exceeded":
				refused.Add(1)
			default:
				assert.Empty(t, got)
			}
		})
	}
	took := time.Since(began)
	most := rate + int64(took.Seconds()*rate/60) + 1
	t.Logf("in %s %d answered, at most %d, and %d refused", took, answered.Load(), most, refused.Load())
	require.GreaterOrEqual(t, answered.Load(), int64(rate))
	require.LessOrEqual(t, answered.Load(), most)
	require.Equal(t, answered.Load(), f.Upstream.Stats(t).Requests, "what was refused was not started")
	require.Equal(t, answered.Load(), f.settled(t))
	harness.Eventually(t, 30*time.Second, "Activity counts the refusals", func() error {
		if count, _ := f.denials(t, "rate_limited"); count != refused.Load() {
			return fmt.Errorf("%d of %d", count, refused.Load())
		}
		return nil
	})
	_, events := f.denials(t, "rate_limited")
	require.LessOrEqual(t, events, 2*servers*(int64(took/(10*time.Second))+2), "folded")
	f.Verify(t)
}

func (f *fleet) settled(t *testing.T) int64 {
	t.Helper()
	return harness.Count(t, f.Database.Open(t), "holds", "state = 'settled'")
}

// Four servers spend one budget to the last credit and no further; what is
// changed about it is in force with the next request on each of them.
func TestLimits_Budget(t *testing.T) { // L12, G7
	const budget, clients = 400, 32
	f := newFleet(t, 10_000)
	f.Limit(t, f.account, "--monthly", strconv.Itoa(budget))
	var answered, refused atomic.Int64
	spend := func() {
		refused.Store(0)
		harness.Parallel(clients, clients, func(i int) {
			for n := i; refused.Load() < clients; n++ {
				a, err := f.at[n%servers].Ask(t.Context(), harness.Shapes[n%len(harness.Shapes)], "req-delay5-chunks2")
				switch got := code(t, a, err); got {
				case "":
					answered.Add(1)
				case "insufficient_quota":
					refused.Add(1)
				default:
					return
				}
			}
		})
	}
	spend()
	require.EqualValues(t, budget, answered.Load())
	require.EqualValues(t, budget, f.settled(t))

	everywhere := func(want string) {
		t.Helper()
		var all sync.WaitGroup
		for i, c := range f.at {
			all.Go(func() {
				a, err := c.Ask(t.Context(), harness.Shape{}, "req")
				assert.Equal(t, want, code(t, a, err), "server %d", i)
			})
		}
		all.Wait()
	}
	everywhere("insufficient_quota")
	f.Limit(t, f.account, "--monthly", strconv.Itoa(budget+2*servers))
	everywhere("")
	f.Limit(t, f.account, "--monthly", strconv.Itoa(budget))
	everywhere("insufficient_quota")
	f.Limit(t, f.account, "--monthly", "0")
	everywhere("")
	f.Limit(t, f.account, "--key", f.key.ID, "--monthly", "0.999999")
	everywhere("insufficient_quota")
	answered.Add(2 * servers)

	f.Limit(t, f.account, "--key", f.key.ID, "--monthly", "0")
	f.Limit(t, f.account, "--monthly", strconv.FormatInt(answered.Load()+100, 10)) // it counts what was spent meanwhile, too
	spend()
	require.EqualValues(t, budget+2*servers+100, answered.Load())
	harness.Eventually(t, 30*time.Second, "Activity tells of the budget", func() error {
		if count, events := f.denials(t, "budget_reached"); count < 2*clients+3*servers || events > 16*servers {
			return fmt.Errorf("%d refusals in %d events", count, events)
		}
		return nil
	})
	left := f.Show(t, f.account)
	require.Equal(t, 10_000-answered.Load(), left.Credits.Available/harness.Credit)
	require.Zero(t, left.Credits.Held)
	f.Verify(t)
}
