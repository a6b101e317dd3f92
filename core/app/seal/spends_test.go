package seal_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/ports/store"
)

// spendsAmongEvents seals events from wherever they are told, each once, however
// they come.
func spendsAmongEvents(t *testing.T, h *house) {
	h.rich(t, "acct_1")
	h.rich(t, "acct_2")
	size := int64(2)
	for round := range 4 {
		h.spend(t, 3+round, "acct_1", "acct_2")
		h.write(t, 2*round, "acct_1", "")
		if round%2 == 0 {
			h.spend(t, 2, "acct_2")
			size += 2
		}
		size += int64(3 + 3*round)
		h.sealTo(t, size)
	}
	require.Equal(t, size, h.clean(t).Leaves)
	h.spend(t, 1, "acct_1")
	loose, _, err := h.store.SealLog().Loose(t.Context(), "", store.MaxPage)
	require.NoError(t, err)
	require.Len(t, loose, 1)
	require.Equal(t, h.last, loose[0].ID)
	require.Equal(t, store.Pending, loose[0].Why)
	h.settled(t)
	h.sealTo(t, size+1)
}

// spendVandals change what requests of one row say.
func spendVandals(t *testing.T, h *house) {
	v := newVandal(t, h)
	h.rich(t, "acct_1")
	h.rich(t, "acct_2")
	for n := range 5 {
		h.spend(t, 8, "acct_1", "acct_2")
		h.write(t, 4, "acct_1", "")
		h.sealTo(t, int64(2+12*(n+1)))
	}
	v.look()
	v.ids = v.among("spend_events")
	h.spend(t, 2, "acct_1") // are not sealed yet
	v.rage(spendDeeds, 200)
}

// among returns those of the events that a view has.
func (v *vandal) among(view string) (ids []string) {
	v.t.Helper()
	for _, id := range v.ids {
		n := 0
		require.NoError(v.t, v.raw.QueryRowContext(v.t.Context(), "SELECT count(*) FROM "+view+" WHERE id = $1", id).Scan(&n))
		if n > 0 {
			ids = append(ids, id)
		}
	}
	require.NotEmpty(v.t, ids)
	return ids
}

// on changes the hold that tells of an event.
func (v *vandal) on(id, change string) {
	v.t.Helper()
	result, err := v.raw.ExecContext(v.t.Context(), change+" WHERE request_id = 'req_' || substr($1, 5)", id)
	require.NoError(v.t, err, change)
	n, err := result.RowsAffected()
	require.NoError(v.t, err)
	require.EqualValues(v.t, 1, n)
}

// insertable lists the columns of holds but for what tells one from another.
const insertable = "account_id, replica_id, nonce, state, amount, parts, key_id, user_id, area, route, model, price_version, opened_at, deadline, mark_at," +
	" mark_accepted, mark_delivered, mark_cost, mark_input, mark_cached, mark_output, mark_estimated, closed_at, reason, usage_input, usage_cached," +
	" usage_output, usage_estimated, debited, uncollected"

var spendDeeds = []deed{
	{"edit a text", func(v *vandal) string {
		_, id := v.pick()
		columns := []string{"area", "key_id", "model"}
		v.on(id, "UPDATE holds SET "+columns[v.rand.IntN(len(columns))]+" = 'forged'")
		return id
	}, false},
	{"edit a number", func(v *vandal) string {
		_, id := v.pick()
		columns := []string{"debited", "closed_at", "event_seq"}
		column := columns[v.rand.IntN(len(columns))]
		v.on(id, fmt.Sprintf("UPDATE holds SET %s = %s + %d", column, column, 1000+v.rand.IntN(1000)))
		return id
	}, false},
	{"give it to another account", func(v *vandal) string {
		_, id := v.pick()
		v.on(id, "UPDATE holds SET account_id = 'acct_9'")
		return id
	}, false},
	{"rename it", func(v *vandal) string {
		_, id := v.pick()
		v.on(id, "UPDATE holds SET request_id = 'req_0'")
		return id
	}, false},
	{"rename it and its leaf", func(v *vandal) string {
		_, id := v.pick()
		v.on(id, "UPDATE holds SET request_id = 'req_0'")
		v.run("UPDATE audit_leaves SET event_id = 'evt_0' WHERE event_id = $1", id)
		return "evt_0"
	}, false},
	{"let it tell of nothing", func(v *vandal) string {
		_, id := v.pick()
		v.on(id, "UPDATE holds SET event_seq = NULL, entry_seq = NULL")
		return id
	}, false},
	{"delete it", func(v *vandal) string {
		_, id := v.pick()
		v.on(id, "DELETE FROM holds")
		return id
	}, false},
	{"delete it and its leaf", func(v *vandal) string {
		_, id := v.pick()
		v.on(id, "DELETE FROM holds")
		v.run("DELETE FROM audit_leaves WHERE event_id = $1", id)
		return ""
	}, false},
	{"delete one that is not sealed", func(v *vandal) string {
		v.run("DELETE FROM holds WHERE account_id = 'acct_1' AND event_seq = (SELECT max(event_seq) FROM holds WHERE account_id = 'acct_1')")
		return ""
	}, false},
	{"swap two", func(v *vandal) string {
		a, b := v.pair()
		for _, step := range [][2]string{{v.ids[a], "req_spare"}, {v.ids[b], "req_" + v.ids[a][4:]}, {"evt_spare", "req_" + v.ids[b][4:]}} {
			v.on(step[0], "UPDATE holds SET request_id = '"+step[1]+"'")
		}
		return v.ids[a]
	}, false},
	{"an event of no account under its ID", func(v *vandal) string {
		_, id := v.pick()
		v.run(`INSERT INTO events (id, account_id, seq, at, kind, actor_kind, actor_id, area, request_id, key_id, amount, reason, subject, model, count)
			VALUES ($1, '', 0, 1, 'k', '', '', '', '', '', 0, '', '', '', 1)`, id)
		return id
	}, false},
	{"let a hold tell of what an event does", func(v *vandal) string {
		v.run("INSERT INTO holds (request_id, entry_seq, event_seq, " + insertable + ") SELECT 'aaa_0', 9000, (SELECT min(seq) FROM events WHERE account_id = 'acct_1'), " + insertable +
			" FROM holds WHERE account_id = 'acct_1' LIMIT 1")
		return ""
	}, false},
	{"let a hold tell among the sealed", func(v *vandal) string {
		position := "rowid"
		value := "-7"
		if v.postgres() {
			position, value = "era, xact", "1, '1'"
		}
		v.run("INSERT INTO holds ("+position+", request_id, entry_seq, event_seq, "+insertable+") SELECT "+value+", 'req_0', 9000, 9000, "+insertable+
			" FROM holds WHERE request_id = 'req_' || substr($1, 5)", v.ids[0])
		return "evt_0"
	}, false},
}
