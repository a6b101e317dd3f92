package ledger_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
)

func TestLimit_requests(t *testing.T) { // HOTPATH 12: GCRA
	t.Parallel()
	for _, rate := range []int64{1, 2, 3, 7, 59, 60, 61, 1000} { // 7 and 59 do not divide a minute
		limit := ledger.Limit{Scope: "key_1", Requests: rate}
		b := newBook(t, grant("lot_1", 1))
		n := 0
		send := func() ledger.Outcome {
			n++
			return b.do(under(hold(string(rune('a'+n%26))+time.Duration(n).String(), 0), 0, limit))
		}
		for i := range rate { // a burst
			o := send()
			require.NoError(t, o.Err, "%d of %d", i+1, rate)
			require.Equal(t, ledger.Rate{Limit: rate, Remaining: rate - i - 1, Reset: o.Rates.Requests.Reset}, o.Rates.Requests)
			require.Zero(t, o.Rates.Tokens)
		}
		o := send()
		require.ErrorIs(t, o.Err, ledger.ErrRate)
		each := time.Minute / time.Duration(rate)
		require.InDelta(t, each, fault.From(o.Err).RetryAfter, float64(time.Microsecond), "what one takes to flow back")
		require.InDelta(t, time.Minute, o.Rates.Requests.Reset, float64(time.Microsecond))
		require.Equal(t, int64(0), o.Rates.Requests.Remaining)

		for range 3 * rate { // a steady stream at the rate is never refused
			b.now = b.now.Add(each + time.Nanosecond)
			require.NoError(t, send().Err)
			require.ErrorIs(t, send().Err, ledger.ErrRate, "and nothing more fits in between")
		}
		b.now = b.now.Add(time.Hour)
		for range rate { // what was saved is a minute's worth at the most
			require.NoError(t, send().Err)
		}
		require.ErrorIs(t, send().Err, ledger.ErrRate)
	}
}

func TestLimit_tightest(t *testing.T) { // W3: of several rates the one that ends first is told
	t.Parallel()
	wide, narrow := ledger.Limit{Scope: acct, Requests: 60, Tokens: 100}, ledger.Limit{Scope: "key_1", Requests: 6, Tokens: 1000}
	for _, limits := range [][]ledger.Limit{{wide, narrow}, {narrow, wide}, {narrow, {Scope: "user_1", Monthly: 9}, wide}} {
		b := newBook(t, grant("lot_1", 1))
		require.Equal(t, ledger.Rates{
			Requests: ledger.Rate{Limit: 6, Remaining: 5, Reset: 10 * time.Second},
			Tokens:   ledger.Rate{Limit: 100, Remaining: 75, Reset: 15 * time.Second},
		}, b.must(under(hold("req_1", 0), 25, limits...)).Rates)
	}
}

func TestLimit_retryAfter(t *testing.T) { // W3: who waits as long as it is told gets in
	t.Parallel()
	limits := []ledger.Limit{{Scope: acct, Requests: 7, Tokens: 1001}, {Scope: "key_1", Requests: 13, Tokens: 333}}
	b := newBook(t, grant("lot_1", 1))
	for i := range 200 {
		op := under(hold(time.Duration(i).String(), 0), int64(1+i*37%400), limits...)
		o := b.do(op)
		if o.Err != nil {
			wait := fault.From(o.Err).RetryAfter
			require.Positive(t, wait)
			require.LessOrEqual(t, wait, time.Minute)
			b.now = b.now.Add(wait - time.Nanosecond)
			require.ErrorIs(t, b.do(op).Err, ledger.ErrRate, "not a moment sooner")
			b.now = b.now.Add(time.Nanosecond)
			require.NoError(t, b.do(op).Err)
		}
	}
}

func TestLimit_tokens(t *testing.T) { // HOTPATH 12: the estimate is reserved, and corrected at the end
	t.Parallel()
	limit := ledger.Limit{Scope: "key_1", Tokens: 6000} // 10 ms each
	at := func(b *book) time.Duration { return b.Counter("key_1").TokensAt.Sub(start) }
	for name, c := range map[string]struct {
		end  ledger.Op
		want time.Duration
	}{
		"used less":    {used(settle("req_1", 0), 100), 31 * time.Second},
		"used more":    {used(settle("req_1", 0), 4000), 70 * time.Second},
		"as thought":   {used(settle("req_1", 0), 1000), 40 * time.Second},
		"nothing":      {used(settle("req_1", 0), 0), 30 * time.Second},
		"released":     {release("req_1"), 30 * time.Second},
		"far too many": {used(settle("req_1", 0), 1_000_000), 90 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBook(t, grant("lot_1", 1))
			b.must(under(hold("req_0", 0), 3000, limit))
			o := b.must(under(hold("req_1", 0), 1000, limit))
			require.Equal(t, 40*time.Second, at(b))
			require.Equal(t, ledger.Rate{Limit: 6000, Remaining: 2000, Reset: 40 * time.Second}, o.Rates.Tokens)
			b.must(under(c.end, 1000, limit))
			require.Equal(t, c.want, at(b))
			b.must(under(c.end, 1000, limit))
			require.Equal(t, c.want, at(b), "a repeated end corrects once")
		})
	}
	t.Run("a request larger than a minute takes the whole minute", func(t *testing.T) {
		t.Parallel()
		b := newBook(t, grant("lot_1", 1))
		b.must(under(hold("req_1", 0), 1<<60, limit))
		require.Equal(t, time.Minute, at(b))
		require.ErrorIs(t, b.do(under(hold("req_2", 0), 1, limit)).Err, ledger.ErrRate)
		b.now = b.now.Add(20 * time.Second)
		refused := b.do(under(hold("req_2", 0), 1<<61, limit))
		require.ErrorIs(t, refused.Err, ledger.ErrRate)
		require.Equal(t, 40*time.Second, fault.From(refused.Err).RetryAfter)
		b.must(used(under(settle("req_1", 0), 1<<60, limit), 1500))
		require.Equal(t, 15*time.Second, at(b))
		b.must(under(hold("req_2", 0), 1<<61, limit))
	})
	t.Run("a hold that took nothing", func(t *testing.T) {
		t.Parallel()
		b := newBook(t, grant("lot_1", 1))
		b.must(hold("req_1", 0))
		b.must(under(release("req_1"), 1000, limit))
		require.True(t, b.Counter("key_1").TokensAt.IsZero())
	})
	t.Run("the counter was lost", func(t *testing.T) {
		t.Parallel()
		b := newBook(t, grant("lot_1", 1))
		b.must(under(hold("req_1", 0), 1000, limit))
		b.State = ledger.NewState(acct, b.Seq, b.LastAt, b.Lots(), b.holds())
		b.must(under(release("req_1"), 1000, limit))
		require.True(t, b.Counter("key_1").TokensAt.IsZero())
	})
}
