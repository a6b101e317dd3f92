package credits_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/credits"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

func TestService_Correct(t *testing.T) { // L11
	t.Parallel()
	h := build(t)
	lot := h.grant(t, 100)
	h.spend(t, "req_1", 40)
	from := h.now
	h.now = h.now.AddDate(0, 0, 1)
	for _, c := range []struct {
		amount, available int64
		into              string // empty: a lot of its own
	}{{-50, 10, lot.ID}, {30, 40, lot.ID}, {70, 110, ""}} {
		ctx := access.WithRequest(operator(t), "req_of_"+credits.Format(c.amount))
		asked := credits.Correction{Account: "acct_1", Amount: c.amount, Reason: "charged twice"}
		before := h.rows(t)
		would, err := h.Preview(ctx, asked)
		require.NoError(t, err)
		require.Equal(t, before, h.rows(t), "a preview changes nothing")
		got, err := h.Correct(ctx, asked)
		require.NoError(t, err)
		require.Equal(t, c.available, got.Available)
		require.Len(t, got.Parts, 1)
		require.Equal(t, c.into == "", got.Parts[0].Made)
		if c.into != "" {
			require.Equal(t, c.into, got.Parts[0].Lot)
		}
		if got.Parts[0].Made {
			require.Empty(t, would.Parts[0].Lot, "nobody knows its ID yet")
			would.Parts[0].Lot = got.Parts[0].Lot
		}
		require.Equal(t, got, would)

		again, err := h.Correct(ctx, asked) // the same request, whatever lost its reply
		require.NoError(t, err)
		require.Equal(t, got.Available, again.Available)
		require.Equal(t, got.Parts[0].Lot, again.Parts[0].Lot)
	}
	es, err := h.store.Events().List(t.Context(), store.EventQuery{Account: "acct_1", Kinds: []audit.Kind{audit.CreditsCorrected}})
	require.NoError(t, err)
	require.Len(t, es, 3)
	require.Equal(t, [2]string{"charged twice", lot.ID}, [2]string{es[1].Reason, es[1].Subject})
	require.Equal(t, audit.Actor{Kind: audit.ActorOperator, ID: "cli"}, es[0].Actor)
	require.Equal(t, int64(30), es[1].Amount)

	st, err := h.Statement(t.Context(), "acct_1", h.now, h.now.AddDate(0, 0, 1)) // L16
	require.NoError(t, err)
	require.Equal(t, [5]int64{60, 0, 0, 50, 110}, [5]int64{st.Opening, st.Grants, st.Debits, st.Other, st.Closing})
	require.EqualValues(t, 3, st.Lines)
	st, err = h.Statement(t.Context(), "acct_1", from, h.now)
	require.NoError(t, err)
	require.Zero(t, st.Other)
	require.Empty(t, h.differences(t)) // L5
}

func TestService_Correct_refusals(t *testing.T) {
	t.Parallel()
	h := build(t)
	lot := h.grant(t, 100)
	before := h.rows(t)
	for name, c := range map[string]struct {
		ctx  context.Context
		c    credits.Correction
		code string
	}{
		"by nobody":       {t.Context(), credits.Correction{Account: "acct_1", Amount: 1, Reason: "r"}, "operators_only"},
		"unknown account": {operator(t), credits.Correction{Account: "acct_9", Amount: 1, Reason: "r"}, "not_found"},
		"nothing":         {operator(t), credits.Correction{Account: "acct_1", Reason: "r"}, "invalid_amount"},
		"far too little":  {operator(t), credits.Correction{Account: "acct_1", Amount: -ledger.MaxAmount - 1, Reason: "r"}, "invalid_amount"},
		"no reason":       {operator(t), credits.Correction{Account: "acct_1", Amount: 1}, "invalid_name"},
		"below nothing":   {operator(t), credits.Correction{Account: "acct_1", Amount: -101, Reason: "r"}, "correction_not_covered"},
		"unknown lot":     {operator(t), credits.Correction{Account: "acct_1", Amount: -1, Lot: "lot_9", Reason: "r"}, "unknown_lot"},
		"a full lot":      {operator(t), credits.Correction{Account: "acct_1", Amount: 1, Lot: lot.ID, Reason: "r"}, "lot_full"},
		"a foreign lot":   {operator(t), credits.Correction{Account: "acct_2", Amount: -1, Lot: lot.ID, Reason: "r"}, "unknown_lot"},
	} {
		_, err := h.Correct(c.ctx, c.c)
		require.Equal(t, c.code, fault.CodeOf(err), name)
		_, err = h.Preview(c.ctx, c.c)
		require.Equal(t, c.code, fault.CodeOf(err), name)
	}
	require.Equal(t, before, h.rows(t))
}

// rows is what there is of acct_1.
func (h *house) rows(t *testing.T) (all []any) {
	t.Helper()
	lots, err := h.Lots(t.Context(), "acct_1")
	require.NoError(t, err)
	lines, err := h.Lines(t.Context(), "acct_1", 0, 100)
	require.NoError(t, err)
	events, err := h.store.Events().List(t.Context(), store.EventQuery{Account: "acct_1"})
	require.NoError(t, err)
	return []any{lots, lines, events}
}

func (h *house) differences(t *testing.T) (all []ledger.Difference) {
	t.Helper()
	_, _, err := h.Verify(t.Context(), func(d ledger.Difference) error {
		all = append(all, d)
		return nil
	})
	require.NoError(t, err)
	return all
}

func TestParseSigned(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"-12.5": -12_500_000, "12.5": 12_500_000, "+0.000001": 1, "-0": 0} {
		n, err := credits.ParseSigned(text)
		require.NoError(t, err, text)
		require.Equal(t, want, n, text)
	}
	for _, text := range []string{"", "-", "--1", "+-1", "-+1", "- 1", "-1000000000.000001", "1e3"} {
		_, err := credits.ParseSigned(text)
		require.Equal(t, "invalid_credits", fault.CodeOf(err), text)
	}
}
