package seal_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/seal"
)

const (
	vandalEvents = 300 // more than one kept node
	vandalRounds = 1000
)

// vandal changes what was sealed, with all rights on the database.
type vandal struct {
	*house
	ids  []string // of the events, by their leaf
	rand *rand.Rand
}

// deed is a way to change what was sealed. It returns what a finding must name:
// an event, or "" where only the leaf is known.
type deed struct {
	name string
	do   func(v *vandal, t *testing.T) (event string)
}

// vandals tries 1,000 changes, one at a time (U5, SECURITY: audit).
func vandals(t *testing.T, h *house) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	v := &vandal{house: h, rand: rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // picks what to break
	h.account(t, "acct_1")
	h.account(t, "acct_2")
	for size := int64(60); size <= vandalEvents; size += 60 { // five checkpoints
		h.write(t, 60, "acct_1", "acct_2", "")
		h.sealTo(t, size)
	}
	leaves, err := h.store.SealLog().Leaves(t.Context(), 0, 1000)
	require.NoError(t, err)
	for _, l := range leaves {
		v.ids = append(v.ids, l.Event)
	}
	h.write(t, 3, "acct_1", "") // some are not sealed yet
	h.disarm(t)
	v.backup(t)
	h.clean(t)
	for round := range vandalRounds {
		d := deeds[v.rand.IntN(len(deeds))]
		event := d.do(v, t)
		_, found := h.verify(t, "")
		require.NotEmpty(t, found, "round %d: %s", round, d.name)
		if event != "" {
			require.Contains(t, named(found), event, "round %d: %s: %v", round, d.name, found)
		}
		v.restore(t)
	}
	h.clean(t)
}

func named(found []seal.Finding) (events []string) {
	for _, f := range found {
		events = append(events, f.Event)
	}
	return events
}

var vandalTables = []string{"events", "audit_leaves", "audit_nodes", "audit_checkpoints", "audit_head"}

// rowid keeps the rows of a table where they are, on SQLite.
func (v *vandal) rowid(table string) bool {
	return !v.postgres() && table == "events"
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
			const columns = "id, account_id, seq, at, kind, actor_kind, actor_id, area, request_id, key_id, amount, reason, subject, model, count"
			run("INSERT INTO events (rowid, " + columns + ") SELECT row_id, " + columns + " FROM backup_events")
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

var deeds = []deed{
	{"edit a text of an event", func(v *vandal, t *testing.T) string {
		_, id := v.pick()
		columns := []string{"kind", "actor_kind", "actor_id", "area", "request_id", "key_id", "reason", "subject", "model"}
		v.exec(t, "UPDATE events SET "+columns[v.rand.IntN(len(columns))]+" = 'forged' WHERE id = $1", id)
		return id
	}},
	{"edit a number of an event", func(v *vandal, t *testing.T) string {
		_, id := v.pick()
		columns := []string{"at", "amount", "count"}
		column := columns[v.rand.IntN(len(columns))]
		v.exec(t, fmt.Sprintf("UPDATE events SET %s = %s + %d WHERE id = $1", column, column, 1+v.rand.IntN(1000)), id)
		return id
	}},
	{"edit an event's number", func(v *vandal, t *testing.T) string {
		_, id := v.pick()
		v.exec(t, "UPDATE events SET seq = seq + 1000 WHERE id = $1", id)
		return id
	}},
	{"give an event to another account", func(v *vandal, t *testing.T) string {
		_, id := v.pick()
		v.exec(t, "UPDATE events SET account_id = 'acct_9' WHERE id = $1", id)
		return id
	}},
	{"rename an event", func(v *vandal, t *testing.T) string {
		_, id := v.pick()
		v.exec(t, "UPDATE events SET id = 'evt_0' WHERE id = $1", id)
		return id
	}},
	{"rename an event and its leaf", func(v *vandal, t *testing.T) string {
		_, id := v.pick()
		v.exec(t, "UPDATE events SET id = 'evt_0' WHERE id = $1", id)
		v.exec(t, "UPDATE audit_leaves SET event_id = 'evt_0' WHERE event_id = $1", id)
		return "evt_0"
	}},
	{"edit an event and its leaf", func(v *vandal, t *testing.T) string {
		leaf, id := v.pick()
		v.exec(t, "UPDATE events SET amount = amount + 1 WHERE id = $1", id)
		list, err := v.store.SealLog().Leaves(t.Context(), int64(leaf), 1)
		require.NoError(t, err)
		h := list[0].Of.Leaf()
		v.exec(t, "UPDATE audit_leaves SET hash = $1 WHERE event_id = $2", h[:], id)
		return ""
	}},
	{"edit the hash of a leaf", func(v *vandal, t *testing.T) string {
		_, id := v.pick()
		v.exec(t, "UPDATE audit_leaves SET hash = "+v.hash()+" WHERE event_id = $1", id)
		return id
	}},
	{"edit a node", func(v *vandal, t *testing.T) string {
		v.exec(t, "UPDATE audit_nodes SET hash = "+v.hash())
		return ""
	}},
	{"edit a checkpoint", func(v *vandal, t *testing.T) string {
		notes := []string{"replace(note, '\n60\n', '\n59\n')", "replace(note, 'archibotchat/test', 'archibotchat/other')", "substr(note, 1, 40)", "''"}
		v.exec(t, "UPDATE audit_checkpoints SET note = "+notes[v.rand.IntN(len(notes))]+" WHERE size = 60")
		return ""
	}},
	{"move a checkpoint", func(v *vandal, t *testing.T) string {
		v.exec(t, fmt.Sprintf("UPDATE audit_checkpoints SET size = size + %d WHERE size = 120", 1+v.rand.IntN(59)))
		return ""
	}},
	{"delete an event", func(v *vandal, t *testing.T) string {
		_, id := v.pick()
		v.exec(t, "DELETE FROM events WHERE id = $1", id)
		return id
	}},
	{"delete a leaf", func(v *vandal, t *testing.T) string {
		_, id := v.pick()
		v.exec(t, "DELETE FROM audit_leaves WHERE event_id = $1", id)
		return id
	}},
	{"delete an event and its leaf", func(v *vandal, t *testing.T) string {
		_, id := v.pick()
		v.exec(t, "DELETE FROM events WHERE id = $1", id)
		v.exec(t, "DELETE FROM audit_leaves WHERE event_id = $1", id)
		return ""
	}},
	{"delete an event and its leaf, and close the gap", func(v *vandal, t *testing.T) string {
		leaf, id := v.pick()
		v.exec(t, "DELETE FROM events WHERE id = $1", id)
		v.exec(t, "DELETE FROM audit_leaves WHERE event_id = $1", id)
		v.shift(t, leaf+1, -1)
		v.exec(t, "UPDATE audit_head SET size = size - 1")
		return ""
	}},
	{"delete a node", func(v *vandal, t *testing.T) string {
		v.exec(t, "DELETE FROM audit_nodes")
		return ""
	}},
	{"delete an event that is not sealed", func(v *vandal, t *testing.T) string {
		v.exec(t, "DELETE FROM events WHERE account_id = 'acct_1' AND seq = (SELECT max(seq) FROM events WHERE account_id = 'acct_1')")
		return ""
	}},
	{"insert an event among the sealed", func(v *vandal, t *testing.T) string {
		v.insert(t, "''", "0")
		return "evt_0"
	}},
	{"insert an event of an account", func(v *vandal, t *testing.T) string {
		v.insert(t, "'acct_1'", "10000")
		return "evt_0"
	}},
	{"insert an event and a leaf", func(v *vandal, t *testing.T) string {
		leaf, _ := v.pick()
		v.insert(t, "''", "0")
		v.shift(t, leaf, 1)
		v.exec(t, fmt.Sprintf("INSERT INTO audit_leaves (number, event_id, hash) VALUES (%d, 'evt_0', %s)", leaf, v.hash()))
		v.exec(t, "UPDATE audit_head SET size = size + 1")
		return "evt_0"
	}},
	{"insert a leaf behind the end", func(v *vandal, t *testing.T) string {
		v.insert(t, "''", "0")
		v.exec(t, fmt.Sprintf("INSERT INTO audit_leaves (number, event_id, hash) VALUES (%d, 'evt_0', %s)", vandalEvents+v.rand.IntN(5), v.hash()))
		return "evt_0"
	}},
	{"append an event that its account has not had", func(v *vandal, t *testing.T) string {
		v.exec(t, `INSERT INTO events (id, account_id, seq, at, kind, actor_kind, actor_id, area, request_id, key_id, amount, reason, subject, model, count)
			VALUES ('evt_z', 'acct_1', (SELECT max(seq) + 1 FROM events WHERE account_id = 'acct_1'), 1, 'k', '', '', '', '', '', 0, '', '', '', 1)`)
		return ""
	}},
	{"swap what two events say", func(v *vandal, t *testing.T) string {
		a, b := v.pair()
		v.swap(t, "events", "id", v.ids[a], v.ids[b])
		return v.ids[a]
	}},
	{"swap two leaves", func(v *vandal, t *testing.T) string {
		a, b := v.pair()
		v.swap(t, "audit_leaves", "event_id", v.ids[a], v.ids[b])
		return v.ids[b]
	}},
	{"swap two leaves and their hashes", func(v *vandal, t *testing.T) string {
		a, b := v.pair()
		v.swap(t, "audit_leaves", "number", fmt.Sprint(a), fmt.Sprint(b))
		return ""
	}},
	{"swap the numbers of two events", func(v *vandal, t *testing.T) string {
		a := 1 + v.rand.IntN(vandalEvents/3-1)
		b := a + 1 + v.rand.IntN(vandalEvents/3-a)
		const renumber = "UPDATE events SET seq = $1 WHERE account_id = 'acct_1' AND seq = $2"
		v.exec(t, renumber, 5000, a)
		v.exec(t, renumber, a, b)
		v.exec(t, renumber, b, 5000)
		return ""
	}},
	{"cut the last events", func(v *vandal, t *testing.T) string {
		from := v.cut()
		v.exec(t, fmt.Sprintf("DELETE FROM events WHERE id IN (SELECT event_id FROM audit_leaves WHERE number >= %d)", from))
		return v.ids[from]
	}},
	{"cut the log", func(v *vandal, t *testing.T) string {
		v.cutLog(t, v.cut())
		return ""
	}},
	{"cut the log and its head", func(v *vandal, t *testing.T) string {
		from := v.cut()
		v.cutLog(t, from)
		v.exec(t, fmt.Sprintf("UPDATE audit_head SET size = %d", from))
		return ""
	}},
	{"cut all of it", func(v *vandal, t *testing.T) string { // back to an earlier, whole log
		from := v.cut()
		v.cutLog(t, from)
		v.exec(t, fmt.Sprintf("DELETE FROM audit_checkpoints WHERE size > %d", from))
		v.exec(t, fmt.Sprintf("UPDATE audit_head SET size = %d", from))
		return ""
	}},
}

// cut returns where to cut: some events of each account lie behind it.
func (v *vandal) cut() int { return v.rand.IntN(len(v.ids) - 6) }

func (v *vandal) cutLog(t *testing.T, from int) {
	t.Helper()
	v.exec(t, fmt.Sprintf("DELETE FROM events WHERE id IN (SELECT event_id FROM audit_leaves WHERE number >= %d)", from))
	v.exec(t, fmt.Sprintf("DELETE FROM audit_leaves WHERE number >= %d", from))
	v.exec(t, fmt.Sprintf("DELETE FROM audit_nodes WHERE (number + 1) * 256 > %d", from))
}

// insert puts an event among those that were sealed.
func (v *vandal) insert(t *testing.T, account, seq string) {
	t.Helper()
	where, position := "rowid", "-7"
	if v.postgres() {
		where, position = "era, xact", "1, '1'"
	}
	v.exec(t, fmt.Sprintf(`INSERT INTO events (%s, id, account_id, seq, at, kind, actor_kind, actor_id, area, request_id, key_id, amount, reason, subject, model, count)
		VALUES (%s, 'evt_0', %s, %s, 1, 'k', '', '', '', '', '', 0, '', '', '', 1)`, where, position, account, seq))
}

// shift renumbers the leaves from one on.
func (v *vandal) shift(t *testing.T, from, by int) {
	t.Helper()
	v.exec(t, fmt.Sprintf("UPDATE audit_leaves SET number = number + 100000 WHERE number >= %d", from))
	v.exec(t, fmt.Sprintf("UPDATE audit_leaves SET number = number - 100000 + %d WHERE number >= 100000", by))
}

// swap exchanges the values of a column with a unique index.
func (v *vandal) swap(t *testing.T, table, column, a, b string) {
	t.Helper()
	spare := "evt_spare"
	if !strings.HasPrefix(a, "evt_") {
		spare = "1000000"
	}
	for _, step := range [][2]string{{a, spare}, {b, a}, {spare, b}} {
		v.exec(t, fmt.Sprintf("UPDATE %s SET %s = '%s' WHERE %s = '%s'", table, column, step[1], column, step[0]))
	}
}
