package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
)

// form is a name as one secret gives it; prints tell requests apart.
func form(name, secret, sent byte) ledger.Name {
	return ledger.Name{ID: [32]byte{name, secret}, Print: [32]byte{sent, secret}}
}

// once gives an op a name.
func once(op ledger.Op, names ...ledger.Name) ledger.Op {
	op.Once = &ledger.Once{Names: names}
	return op
}

// kept is once for a settle that says what was kept.
func kept(op ledger.Op, k ledger.Kept, names ...ledger.Name) ledger.Op {
	op = once(op, names...)
	op.Once.Kept = k
	return op
}

var (
	name  = form(1, 1, 1)
	other = form(1, 1, 2) // the same name of another request
)

func TestApply_Once(t *testing.T) { // HOTPATH 18, W7
	t.Parallel()
	b := newBook(t, grant("lot_a", 1000), once(hold("req_1", 100), name))
	o := b.do(once(hold("req_2", 100), name))
	require.ErrorIs(t, o.Err, ledger.ErrNameInUse)
	require.Equal(t, time.Second, fault.From(o.Err).RetryAfter)
	require.Equal(t, int64(900), o.Available, "nothing was held")
	require.ErrorIs(t, b.do(once(hold("req_2", 100), other)).Err, ledger.ErrNameReused)
	require.True(t, b.must(once(hold("req_1", 100), name)).Replayed, "the writer's own retry")
	b.must(once(hold("req_3", 100), form(2, 1, 1)))
	b.must(hold("req_4", 100))

	b.now = start.Add(time.Minute)
	require.Equal(t, 10*time.Second, fault.From(b.do(once(hold("req_2", 100), name)).Err).RetryAfter)
	b.must(kept(settle("req_1", 70), ledger.KeptWhole, name))
	r, ok := b.Reservation(name.ID)
	require.True(t, ok)
	require.Equal(t, ledger.Reservation{
		Name: name, Request: "req_1", At: start, Kept: ledger.KeptWhole, Debited: 70, Remaining: 730, Hold: ledger.HoldSettled,
	}, r)
	require.ErrorIs(t, b.do(once(hold("req_2", 1_000_000), name)).Err, ledger.ErrNameDone, "an answer needs no credits")
	require.ErrorIs(t, b.do(once(hold("req_2", 100), other)).Err, ledger.ErrNameReused)

	b.now = start.Add(ledger.OnceFor - 1)
	require.ErrorIs(t, b.do(once(hold("req_2", 100), name)).Err, ledger.ErrNameDone)
	b.now = start.Add(ledger.OnceFor)
	b.must(once(hold("req_2", 100), other))
	r, _ = b.Reservation(name.ID)
	require.Equal(t, ledger.Reservation{Name: other, Request: "req_2", At: b.now, Hold: ledger.HoldOpen}, r)
}

func TestApply_Once_ends(t *testing.T) { // HOTPATH 18
	t.Parallel()
	for what, c := range map[string]struct {
		end  ledger.Op
		want error
	}{
		"kept":                {kept(settle("req_1", 70), ledger.KeptWhole, name), ledger.ErrNameDone},
		"for nothing":         {kept(settle("req_1", 0), ledger.KeptWhole, name), ledger.ErrNameDone},
		"too big":             {kept(settle("req_1", 70), ledger.KeptTooBig, name), ledger.ErrNameTooBig},
		"not kept":            {kept(settle("req_1", 70), ledger.KeptNothing, name), ledger.ErrNameUnknown},
		"settled by recovery": {settle("req_1", 70), ledger.ErrNameUnknown},
		"released":            {release("req_1"), nil},
		"released, named":     {once(release("req_1"), name), nil},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			for _, reload := range []bool{false, true} {
				b := newBook(t, grant("lot_a", 1000), once(hold("req_1", 100), name), c.end)
				if reload { // as a store reads it: the hold is not at hand, only its state
					r, _ := b.Reservation(name.ID)
					b.State = ledger.NewState(acct, b.Seq, b.LastAt, b.Lots(), nil)
					b.Reserve(r)
				}
				o := b.do(once(hold("req_2", 100), name))
				if c.want == nil {
					require.NoError(t, o.Err)
					continue
				}
				require.ErrorIs(t, o.Err, c.want)
				require.ErrorIs(t, b.do(once(hold("req_2", 100), other)).Err, ledger.ErrNameReused)
			}
		})
	}
}

func TestApply_Once_refusedHoldTakesNoName(t *testing.T) { // L6
	t.Parallel()
	b := newBook(t, grant("lot_a", 50))
	require.ErrorIs(t, b.do(once(hold("req_1", 100), name)).Err, ledger.ErrExhausted)
	_, ok := b.Reservation(name.ID)
	require.False(t, ok)
	b.must(once(hold("req_2", 50), other))
}

func TestApply_Once_inOneBatch(t *testing.T) {
	t.Parallel()
	b := newBook(t, grant("lot_a", 1000))
	outs := ledger.Apply(b.State, []ledger.Op{
		once(hold("req_1", 1), name), once(hold("req_2", 1), name), once(hold("req_3", 1), other), release("req_1"), once(hold("req_4", 1), other),
	}, b.now)
	require.NoError(t, outs[0].Err, "the first wins")
	require.ErrorIs(t, outs[1].Err, ledger.ErrNameInUse)
	require.ErrorIs(t, outs[2].Err, ledger.ErrNameReused)
	require.NoError(t, outs[4].Err)
	c, _ := b.Changes()
	require.Equal(t, []ledger.Reservation{{Name: other, Request: "req_4", At: start}}, c.Reservations)
}

// A settle carries its whole intent, its name too (HOTPATH 6).
func TestApply_Once_settleWithoutHold(t *testing.T) {
	t.Parallel()
	b := newBook(t, grant("lot_a", 1000), kept(settle("req_1", 70), ledger.KeptWhole, name))
	require.ErrorIs(t, b.do(once(hold("req_2", 1), name)).Err, ledger.ErrNameDone)
	b.must(kept(settle("req_3", 5), ledger.KeptWhole, name))
	r, _ := b.Reservation(name.ID)
	require.Equal(t, "req_1", r.Request, "a name that is taken stays")

	spend := kept(step(ledger.OpSpend, "req_5", 10), ledger.KeptTooBig, form(5, 1, 1))
	spend.Cost = 4
	b.must(spend)
	require.ErrorIs(t, b.do(once(hold("req_6", 1), form(5, 1, 1))).Err, ledger.ErrNameTooBig)
}

// TestApply_OnceMachine drives random histories of a few names through Apply,
// while secrets rotate, and compares them with what a client would expect.
func TestApply_OnceMachine(t *testing.T) { // HOTPATH 18
	t.Parallel()
	seen := happened{}
	rapid.Check(t, func(rt *rapid.T) { onceHistory(rt, seen) })
	for _, what := range []string{"granted", "again after a release", "again after a day", "in use", "reused", "done", "too big", "unknown", "reload", "other form"} {
		require.Positive(t, seen[what], "no history had: %s", what)
	}
}

// named is what a client knows of the last request that got a name.
type named struct {
	request string
	sent    byte
	at      time.Time
	state   ledger.HoldState
	kept    ledger.Kept
	first   byte // the secret that it was reserved under
}

func onceHistory(rt *rapid.T, seen happened) {
	b := &book{State: ledger.NewState(acct, 0, time.Time{}, nil, nil), now: start}
	require.NoError(rt, b.do(grant("lot_a", 1_000_000)).Err)
	model, open := map[byte]*named{}, map[string]ledger.Hold{}
	for i := range rapid.IntRange(10, 60).Draw(rt, "steps") {
		b.now = b.now.Add(rapid.SampledFrom([]time.Duration{0, time.Second, time.Hour, 13 * time.Hour, ledger.OnceFor - time.Hour, ledger.OnceFor}).Draw(rt, "wait"))
		who, sent := byte(rapid.IntRange(1, 2).Draw(rt, "name")), byte(rapid.IntRange(1, 2).Draw(rt, "sent"))
		// Two servers in the middle of a rotation: each knows both secrets.
		first := byte(rapid.IntRange(1, 2).Draw(rt, "secret"))
		forms := []ledger.Name{form(who, first, sent), form(who, 3-first, sent)}
		if rapid.IntRange(0, 4).Draw(rt, "reload") == 0 {
			seen["reload"]++
			reload(b, open)
		}
		m := model[who]
		if m != nil && m.state == ledger.HoldOpen && rapid.Bool().Draw(rt, "end it") {
			end(rt, b, who, m)
			continue
		}
		request := fmt.Sprintf("req_%d", i)
		o := b.do(once(hold(request, 1), forms...))
		what, want := expect(m, sent, b.now)
		seen[what]++
		if want != nil {
			require.ErrorIs(rt, o.Err, want, "%s: %+v", what, m)
			if m.first != first {
				seen["other form"]++
			}
			continue
		}
		require.NoError(rt, o.Err, "%s: %+v", what, m)
		model[who] = &named{request: request, sent: sent, at: b.now, state: ledger.HoldOpen, first: first}
	}
}

// expect says what a hold under a name must come to.
func expect(m *named, sent byte, now time.Time) (string, error) {
	switch {
	case m == nil:
		return "granted", nil
	case m.state == ledger.HoldReleased:
		return "again after a release", nil
	case m.state == ledger.HoldSettled && now.Sub(m.at) >= 24*time.Hour:
		return "again after a day", nil
	case m.sent != sent:
		return "reused", ledger.ErrNameReused
	case m.state == ledger.HoldOpen:
		return "in use", ledger.ErrNameInUse
	case m.kept == ledger.KeptWhole:
		return "done", ledger.ErrNameDone
	case m.kept == ledger.KeptTooBig:
		return "too big", ledger.ErrNameTooBig
	default:
		return "unknown", ledger.ErrNameUnknown
	}
}

// end ends the request that has a name, by itself or by recovery.
func end(rt *rapid.T, b *book, who byte, m *named) {
	op := release(m.request)
	m.state = ledger.HoldReleased
	if rapid.IntRange(0, 2).Draw(rt, "settle") > 0 {
		op, m.state = settle(m.request, 1), ledger.HoldSettled
		if rapid.IntRange(0, 3).Draw(rt, "by itself") > 0 {
			m.kept = rapid.SampledFrom([]ledger.Kept{ledger.KeptWhole, ledger.KeptTooBig, ledger.KeptNothing}).Draw(rt, "kept")
			op = kept(op, m.kept, form(who, m.first, m.sent), form(who, 3-m.first, m.sent))
		}
	}
	require.NoError(rt, b.do(op).Err)
}

// reload brings the state back as a store reads it for another batch: of holds
// that have ended there is only what the reservations say.
func reload(b *book, open map[string]ledger.Hold) {
	for _, h := range b.holds() {
		open[h.Request] = h
		if h.State != ledger.HoldOpen {
			delete(open, h.Request)
		}
	}
	var rs []ledger.Reservation
	for who := range byte(3) {
		for secret := range byte(3) {
			if r, ok := b.Reservation([32]byte{who, secret}); ok {
				rs = append(rs, r)
			}
		}
	}
	b.State = ledger.NewState(acct, b.Seq, b.LastAt, b.Lots(), values(open))
	b.Reserve(rs...)
}
