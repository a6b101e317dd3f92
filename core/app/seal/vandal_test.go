package seal_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/seal"
)

// vandal changes what was sealed, with all rights on the database.
type vandal struct {
	*house
	t    *testing.T
	ids  []string // of the events, by their leaf
	node bool     // there is a kept node
	rand *rand.Rand
}

// vandals and manyVandals try 1,000 changes together, one at a time (U5,
// SECURITY: audit).
func vandals(t *testing.T, h *house) { vandalize(t, h, 60, 900) }

// manyVandals has a log with a kept node.
func manyVandals(t *testing.T, h *house) { vandalize(t, h, 300, 100) }

func newVandal(t *testing.T, h *house) *vandal {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return &vandal{house: h, t: t, rand: rand.New(rand.NewPCG(seed, 0))}
}

func vandalize(t *testing.T, h *house, events, rounds int) {
	t.Helper()
	v := newVandal(t, h)
	v.node = events >= 256
	h.account(t, "acct_1")
	h.account(t, "acct_2")
	for n := range 5 { // as many checkpoints
		h.write(t, events/5, "acct_1", "acct_2", "")
		h.sealTo(t, int64(events/5*(n+1)))
	}
	v.look()
	h.write(t, 3, "acct_1", "") // some are not sealed yet
	v.rage(deeds, rounds)
}

// look takes the events that have a leaf.
func (v *vandal) look() {
	v.t.Helper()
	leaves, err := v.store.SealLog().Leaves(v.t.Context(), 0, 1000)
	require.NoError(v.t, err)
	for _, l := range leaves {
		v.ids = append(v.ids, l.Event)
	}
}

// rage does one deed a round, each of which must be found.
func (v *vandal) rage(deeds []deed, rounds int) {
	t, h := v.t, v.house
	t.Helper()
	h.disarm(t)
	v.backup(t)
	h.clean(t)
	for round := 0; round < rounds; round++ {
		d := deeds[v.rand.IntN(len(deeds))]
		if d.node && !v.node {
			round--
			continue
		}
		event := d.do(v)
		_, found := h.verify(t, "")
		require.NotEmpty(t, found, "round %d: %s", round, d.name)
		if event != "" {
			require.Contains(t, named(found), event, "round %d: %s: %v", round, d.name, found)
		}
		v.restore(t)
	}
	h.clean(t)
}

func (v *vandal) run(statement string, args ...any) {
	v.t.Helper()
	v.exec(v.t, statement, args...)
}

func named(found []seal.Finding) (events []string) {
	for _, f := range found {
		events = append(events, f.Event)
	}
	return events
}

var vandalTables = []string{"events", "holds", "audit_leaves", "audit_nodes", "audit_checkpoints", "audit_head"}

// rowid keeps the rows of a table where they are, on SQLite.
func (v *vandal) rowid(table string) bool {
	return !v.postgres() && (table == "events" || table == "holds")
}

func (v *vandal) backup(t *testing.T) {
	t.Helper()
	for _, table := range vandalTables {
		columns := "*"
		if v.rowid(table) {
			columns = "rowid AS row_id, *"
		}
		v.exec(t, "CREATE TABLE backup_"+table+" AS SELECT "+columns+" FROM "+table)
	}
}

func (v *vandal) restore(t *testing.T) {
	t.Helper()
	tx, err := v.raw.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	run := func(statement string) {
		_, err := tx.ExecContext(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	for _, table := range vandalTables {
		run("DELETE FROM " + table)
		if v.rowid(table) {
			var columns string
			require.NoError(t, tx.QueryRowContext(t.Context(), "SELECT group_concat(name, ', ') FROM pragma_table_info('"+table+"')").Scan(&columns))
			run("INSERT INTO " + table + " (rowid, " + columns + ") SELECT row_id, " + columns + " FROM backup_" + table)
		} else {
			run("INSERT INTO " + table + " SELECT * FROM backup_" + table)
		}
	}
	require.NoError(t, tx.Commit())
}

// pick returns the number of some leaf, and its event.
func (v *vandal) pick() (leaf int, event string) {
	leaf = v.rand.IntN(len(v.ids))
	return leaf, v.ids[leaf]
}

// pair returns two different leaves, the lower first.
func (v *vandal) pair() (a, b int) {
	a = v.rand.IntN(len(v.ids) - 1)
	return a, a + 1 + v.rand.IntN(len(v.ids)-a-1)
}

// hash is an expression of some 32 bytes that are no hash of anything.
func (v *vandal) hash() string {
	bytes := fmt.Sprintf("%064x", v.rand.Uint64())
	if v.postgres() {
		return `'\x` + bytes + `'::bytea`
	}
	return "x'" + bytes + "'"
}

// cut returns where to cut: some events of each account lie behind it.
func (v *vandal) cut() int { return v.rand.IntN(len(v.ids) - 6) }

// free returns a size above the first checkpoint's that none has.
func (v *vandal) free() (size int) {
	v.t.Helper()
	for taken := 1; taken > 0; {
		by := 1 + v.rand.IntN(len(v.ids)/5-1)
		require.NoError(v.t, v.raw.QueryRowContext(v.t.Context(), "SELECT min(size) + $1 FROM audit_checkpoints", by).Scan(&size))
		require.NoError(v.t, v.raw.QueryRowContext(v.t.Context(), "SELECT count(*) FROM audit_checkpoints WHERE size = $1", size).Scan(&taken))
	}
	return size
}

func (v *vandal) cutLog(from int) {
	v.t.Helper()
	v.run(fmt.Sprintf("DELETE FROM events WHERE id IN (SELECT event_id FROM audit_leaves WHERE number >= %d)", from))
	v.run(fmt.Sprintf("DELETE FROM audit_leaves WHERE number >= %d", from))
	v.run(fmt.Sprintf("DELETE FROM audit_nodes WHERE (number + 1) * 256 > %d", from))
}

// insert puts an event among those that were sealed.
func (v *vandal) insert(account, seq string) {
	v.t.Helper()
	where, position := "rowid", "-7"
	if v.postgres() {
		where, position = "era, xact", "1, '1'"
	}
	v.run(fmt.Sprintf(`INSERT INTO events (%s, id, account_id, seq, at, kind, actor_kind, actor_id, area, request_id, key_id, amount, reason, subject, model, count)
		VALUES (%s, 'evt_0', %s, %s, 1, 'k', '', '', '', '', '', 0, '', '', '', 1)`, where, position, account, seq))
}

// shift renumbers the leaves from one on.
func (v *vandal) shift(from, by int) {
	v.t.Helper()
	v.run(fmt.Sprintf("UPDATE audit_leaves SET number = number + 100000 WHERE number >= %d", from))
	v.run(fmt.Sprintf("UPDATE audit_leaves SET number = number - 100000 + %d WHERE number >= 100000", by))
}

// swap exchanges the values of a column with a unique index.
func (v *vandal) swap(table, column, a, b string) {
	v.t.Helper()
	spare := "evt_spare"
	if !strings.HasPrefix(a, "evt_") {
		spare = "1000000"
	}
	for _, step := range [][2]string{{a, spare}, {b, a}, {spare, b}} {
		v.run(fmt.Sprintf("UPDATE %s SET %s = '%s' WHERE %s = '%s'", table, column, step[1], column, step[0]))
	}
}
