package relay_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/relay"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// gate is a relay.Gate that answers by a function.
type gate struct {
	refused []int64
	again   func() (int64, []ledger.Limit, error)
	cut     func(error) // what the job at work gave
}

func (g *gate) Watch(cut func(error)) { g.cut = cut }

func (g *gate) Again(_ context.Context, refused int64) (int64, []ledger.Limit, error) {
	g.refused = append(g.refused, refused)
	return g.again()
}

// epoch returns the account's present epoch.
func (b *bench) epoch() int64 {
	b.t.Helper()
	a, err := b.db.Accounts().Get(b.t.Context(), account)
	require.NoError(b.t, err)
	return a.Epoch
}

// limit writes a limit of the account, which raises its epoch.
func (b *bench) limit(l ledger.Limit) []ledger.Limit {
	b.t.Helper()
	require.NoError(b.t, b.db.Limits().Set(b.t.Context(), account, l, time.Now()))
	return []ledger.Limit{l}
}

// counter returns what the account has counted.
func (b *bench) counter() ledger.Counter {
	b.t.Helper()
	l, err := b.db.Limits().Get(b.t.Context(), account, account)
	require.NoError(b.t, err)
	return l.Counter
}

// answered lets a JSON request through.
func (b *bench) answered(v *visit) {
	b.t.Helper()
	synctest.Wait()
	a := b.up.calls[len(b.up.calls)-1]
	a.say(jsonAnswer)
	_ = a.PipeWriter.Close()
	require.NoError(b.t, v.wait())
}

func TestRelay_epoch(t *testing.T) { // HOTPATH 20: what changed meanwhile is decided anew
	inBubble(t, func(b *bench) {
		old := b.epoch()
		limits := b.limit(ledger.Limit{Scope: account, Monthly: 1000})
		g := &gate{again: func() (int64, []ledger.Limit, error) { return b.epoch(), limits, nil }}
		b.job = func(j *relay.Job) { j.Epoch, j.Gate = old, g }
		b.answered(b.send(jsonChat, &client{}))
		require.Equal(b.t, []int64{old}, g.refused)
		require.Equal(b.t, b.epoch(), b.settled(50, "").Epoch)
		require.EqualValues(b.t, 50, b.counter().Spent, "under the new limits")
		require.Zero(b.t, b.counter().Reserved)
	})
}

func TestRelay_epoch_refused(t *testing.T) { // HOTPATH 20, G7
	inBubble(t, func(b *bench) {
		old := b.epoch()
		b.limit(ledger.Limit{Scope: account, Monthly: 1000})
		g := &gate{again: func() (int64, []ledger.Limit, error) { return 0, nil, gates.KeyRevoked.Fault() }}
		b.job = func(j *relay.Job) { j.Epoch, j.Gate = old, g }
		require.ErrorIs(b.t, b.send(jsonChat, &client{}).wait(), gates.KeyRevoked.Fault())
		require.Len(b.t, g.refused, 1)
		require.Zero(b.t, b.up.called())
		require.EqualValues(b.t, granted, b.balance().Available)
		require.Empty(b.t, b.refused, "noted where it was decided")
	})
}

// What was changed may cut the work before the gate is asked about it: then that
// is told, and not that the work was given up.
func TestRelay_epoch_cut(t *testing.T) { // HOTPATH 20, K5
	for name, body := range map[string]string{"json": jsonChat, "stream": chat} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				b.rich()
				old := b.epoch()
				b.limit(ledger.Limit{Scope: account, Monthly: 1000})
				g := &gate{}
				g.again = func() (int64, []ledger.Limit, error) {
					g.cut(gates.KeyRevoked.Fault())
					return 0, nil, context.Canceled // as of a store that is asked by the work's context
				}
				b.job = func(j *relay.Job) { j.Current, j.Epoch, j.Gate = true, old, g }
				v := b.send(body, &client{})
				b.up.answer().say(map[string]string{jsonChat: jsonAnswer, chat: hello + usage + done}[body])
				_ = b.up.answer().PipeWriter.Close()
				require.ErrorIs(b.t, v.wait(), gates.KeyRevoked.Fault())
				require.Len(b.t, g.refused, 1)
				require.Empty(b.t, v.got())
				require.EqualValues(b.t, granted-50, b.balance().Available, "what made it rich")
			})
		})
	}
}

func TestRelay_epoch_neverSettles(t *testing.T) { // HOTPATH 20: twice, then 503
	inBubble(t, func(b *bench) {
		old := b.epoch()
		g := &gate{again: func() (int64, []ledger.Limit, error) {
			read := b.epoch()
			b.limit(ledger.Limit{Scope: account, Monthly: 1000})
			return read, nil, nil
		}}
		b.limit(ledger.Limit{Scope: account, Monthly: 1000})
		b.job = func(j *relay.Job) { j.Epoch, j.Gate = old, g }
		err := b.send(jsonChat, &client{}).wait()
		require.Equal(b.t, fault.Unavailable, fault.KindOf(err))
		require.Positive(b.t, fault.From(err).RetryAfter)
		require.Equal(b.t, []int64{old, old + 1, old + 2}, append(g.refused, b.epoch()-1))
		require.Zero(b.t, b.up.called())
		require.EqualValues(b.t, granted, b.balance().Available)
	})
}

func TestRelay_epoch_withoutGate(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.job = func(j *relay.Job) { j.Epoch = b.epoch() + 1 }
		require.ErrorIs(b.t, b.send(jsonChat, &client{}).wait(), ledger.ErrEpoch)
		require.Zero(b.t, b.up.called())
	})
}

// Each way a request can end brings its limits to where they belong.
func TestRelay_limits(t *testing.T) { // HOTPATH 12
	estimate := int64(len(jsonChat) + 100)
	for name, c := range map[string]struct {
		play   func(b *bench, v *visit)
		spent  int64
		tokens int64 // that the request took of the minute
	}{
		"settled": {func(b *bench, v *visit) { b.answered(v) }, 50, 30},
		"released": {func(b *bench, v *visit) {
			_ = b.up.answer().CloseWithError(store.ErrUnavailable)
			require.Error(b.t, v.wait())
		}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				limits := b.limit(ledger.Limit{Scope: account, Monthly: 1000, Requests: 6, Tokens: 6000})
				b.job = func(j *relay.Job) { j.Epoch, j.Limits = b.epoch(), limits }
				v := b.send(jsonChat, &client{})
				synctest.Wait()
				at := time.Now()
				held := b.counter()
				require.Equal(b.t, estimate+100, held.Reserved, "the bound, output at twice the price")
				require.Equal(b.t, at.Add(10*time.Second), held.RequestsAt.In(at.Location()))
				require.Equal(b.t, at.Add(time.Duration(estimate)*10*time.Millisecond), held.TokensAt.In(at.Location()))
				require.Len(b.t, v.rates, 1)
				require.Equal(b.t, ledger.Rates{
					Requests: ledger.Rate{Limit: 6, Remaining: 5, Reset: 10 * time.Second},
					Tokens:   ledger.Rate{Limit: 6000, Remaining: 6000 - estimate, Reset: time.Duration(estimate) * 10 * time.Millisecond},
				}, v.rates[0])
				c.play(b, v)
				got := b.counter()
				require.Zero(b.t, got.Reserved)
				require.Equal(b.t, c.spent, got.Spent)
				require.Equal(b.t, at.Add(10*time.Second), got.RequestsAt.In(at.Location()), "the request was made")
				require.Equal(b.t, at.Add(time.Duration(c.tokens)*10*time.Millisecond), got.TokensAt.In(at.Location()))
			})
		})
	}
}

func TestRelay_limits_refused(t *testing.T) { // L12, L6, W3
	for name, c := range map[string]struct {
		limit  ledger.Limit
		want   *fault.Error
		rates  ledger.Rates
		reason string
	}{
		"budget":   {ledger.Limit{Monthly: 260}, ledger.ErrBudget, ledger.Rates{}, "budget_reached"},
		"requests": {ledger.Limit{Requests: 1}, ledger.ErrRate, ledger.Rates{Requests: ledger.Rate{Limit: 1, Reset: time.Minute}}, "rate_limited"},
		"tokens":   {ledger.Limit{Tokens: 100}, ledger.ErrRate, ledger.Rates{Tokens: ledger.Rate{Limit: 100, Remaining: 70, Reset: 18 * time.Second}}, "rate_limited"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				c.limit.Scope = account
				limits := b.limit(c.limit)
				b.job = func(j *relay.Job) { j.Epoch, j.Limits = b.epoch(), limits }
				first := b.send(jsonChat, &client{})
				b.answered(first)
				second := b.send(jsonChat, &client{})
				require.ErrorIs(b.t, second.wait(), c.want)
				require.Equal(b.t, 1, b.up.called())
				b.settled(50, "")
				if c.rates != (ledger.Rates{}) {
					require.Equal(b.t, []ledger.Rates{c.rates}, second.rates)
				}
				require.Len(b.t, b.refused, 1)
				require.Equal(b.t, c.reason, b.refused[0].Reason)
			})
		})
	}
}
