package seal_test

import (
	"fmt"
	"strconv"

	"github.com/stretchr/testify/require"
)

// deed is a way to change what was sealed. It returns what a finding must name:
// an event, or "" where only the leaf is known.
type deed struct {
	name string
	do   func(v *vandal) (event string)
	node bool // needs a kept node
}

var deeds = []deed{
	{"edit a text of an event", func(v *vandal) string {
		_, id := v.pick()
		columns := []string{"kind", "actor_kind", "actor_id", "area", "request_id", "key_id", "reason", "subject", "model"}
		v.run("UPDATE events SET "+columns[v.rand.IntN(len(columns))]+" = 'forged' WHERE id = $1", id)
		return id
	}, false},
	{"edit a number of an event", func(v *vandal) string {
		_, id := v.pick()
		columns := []string{"at", "amount", "count"}
		column := columns[v.rand.IntN(len(columns))]
		v.run(fmt.Sprintf("UPDATE events SET %s = %s + %d WHERE id = $1", column, column, 1+v.rand.IntN(1000)), id)
		return id
	}, false},
	{"edit an event's number", func(v *vandal) string {
		_, id := v.pick()
		v.run("UPDATE events SET seq = seq + 1000 WHERE id = $1", id)
		return id
	}, false},
	{"give an event to another account", func(v *vandal) string {
		_, id := v.pick()
		v.run("UPDATE events SET account_id = 'acct_9' WHERE id = $1", id)
		return id
	}, false},
	{"rename an event", func(v *vandal) string {
		_, id := v.pick()
		v.run("UPDATE events SET id = 'evt_0' WHERE id = $1", id)
		return id
	}, false},
	{"rename an event and its leaf", func(v *vandal) string {
		_, id := v.pick()
		v.run("UPDATE events SET id = 'evt_0' WHERE id = $1", id)
		v.run("UPDATE audit_leaves SET event_id = 'evt_0' WHERE event_id = $1", id)
		return "evt_0"
	}, false},
	{"edit an event and its leaf", func(v *vandal) string {
		leaf, id := v.pick()
		v.run("UPDATE events SET amount = amount + 1 WHERE id = $1", id)
		list, err := v.store.SealLog().Leaves(v.t.Context(), int64(leaf), 1)
		require.NoError(v.t, err)
		h := list[0].Of.Leaf()
		v.run("UPDATE audit_leaves SET hash = $1 WHERE event_id = $2", h[:], id)
		return ""
	}, false},
	{"edit the hash of a leaf", func(v *vandal) string {
		_, id := v.pick()
		v.run("UPDATE audit_leaves SET hash = "+v.hash()+" WHERE event_id = $1", id)
		return id
	}, false},
	{"edit a node", func(v *vandal) string {
		v.run("UPDATE audit_nodes SET hash = " + v.hash())
		return ""
	}, true},
	{"edit a checkpoint", func(v *vandal) string {
		notes := []string{"'x' || note", "replace(note, 'archibotchat/test', 'archibotchat/other')", "substr(note, 1, 40)", "''"}
		v.run("UPDATE audit_checkpoints SET note = " + notes[v.rand.IntN(len(notes))] + " WHERE size = (SELECT min(size) FROM audit_checkpoints)")
		return ""
	}, false},
	{"move a checkpoint", func(v *vandal) string {
		to := v.free()
		v.run("UPDATE audit_checkpoints SET size = $1 WHERE size = (SELECT min(size) FROM audit_checkpoints)", to)
		return ""
	}, false},
	{"delete an event", func(v *vandal) string {
		_, id := v.pick()
		v.run("DELETE FROM events WHERE id = $1", id)
		return id
	}, false},
	{"delete a leaf", func(v *vandal) string {
		_, id := v.pick()
		v.run("DELETE FROM audit_leaves WHERE event_id = $1", id)
		return id
	}, false},
	{"delete an event and its leaf", func(v *vandal) string {
		_, id := v.pick()
		v.run("DELETE FROM events WHERE id = $1", id)
		v.run("DELETE FROM audit_leaves WHERE event_id = $1", id)
		return ""
	}, false},
	{"delete an event and its leaf, and close the gap", func(v *vandal) string {
		leaf, id := v.pick()
		v.run("DELETE FROM events WHERE id = $1", id)
		v.run("DELETE FROM audit_leaves WHERE event_id = $1", id)
		v.shift(leaf+1, -1)
		v.run("UPDATE audit_head SET size = size - 1")
		return ""
	}, false},
	{"delete a node", func(v *vandal) string {
		v.run("DELETE FROM audit_nodes")
		return ""
	}, true},
	{"delete an event that is not sealed", func(v *vandal) string {
		v.run("DELETE FROM events WHERE account_id = 'acct_1' AND seq = (SELECT max(seq) FROM events WHERE account_id = 'acct_1')")
		return ""
	}, false},
	{"insert an event among the sealed", func(v *vandal) string {
		v.insert("''", "0")
		return "evt_0"
	}, false},
	{"insert an event of an account", func(v *vandal) string {
		v.insert("'acct_1'", "10000")
		return "evt_0"
	}, false},
	{"insert an event and a leaf", func(v *vandal) string {
		leaf, _ := v.pick()
		v.insert("''", "0")
		v.shift(leaf, 1)
		v.run(fmt.Sprintf("INSERT INTO audit_leaves (number, event_id, hash) VALUES (%d, 'evt_0', %s)", leaf, v.hash()))
		v.run("UPDATE audit_head SET size = size + 1")
		return "evt_0"
	}, false},
	{"insert a leaf behind the end", func(v *vandal) string {
		v.insert("''", "0")
		v.run(fmt.Sprintf("INSERT INTO audit_leaves (number, event_id, hash) VALUES (%d, 'evt_0', %s)", len(v.ids)+v.rand.IntN(5), v.hash()))
		return "evt_0"
	}, false},
	{"append an event that its account has not had", func(v *vandal) string {
		v.run(`INSERT INTO events (id, account_id, seq, at, kind, actor_kind, actor_id, area, request_id, key_id, amount, reason, subject, model, count)
			VALUES ('evt_z', 'acct_1', (SELECT max(seq) + 1 FROM events WHERE account_id = 'acct_1'), 1, 'k', '', '', '', '', '', 0, '', '', '', 1)`)
		return ""
	}, false},
	{"swap what two events say", func(v *vandal) string {
		a, b := v.pair()
		v.swap("events", "id", v.ids[a], v.ids[b])
		return v.ids[a]
	}, false},
	{"swap two leaves", func(v *vandal) string {
		a, b := v.pair()
		v.swap("audit_leaves", "event_id", v.ids[a], v.ids[b])
		return v.ids[b]
	}, false},
	{"swap two leaves and their hashes", func(v *vandal) string {
		a, b := v.pair()
		v.swap("audit_leaves", "number", strconv.Itoa(a), strconv.Itoa(b))
		return ""
	}, false},
	{"swap the numbers of two events", func(v *vandal) string {
		a := 1 + v.rand.IntN(len(v.ids)/3-1)
		b := a + 1 + v.rand.IntN(len(v.ids)/3-a)
		const renumber = "UPDATE events SET seq = $1 WHERE account_id = 'acct_1' AND seq = $2"
		v.run(renumber, 5000, a)
		v.run(renumber, a, b)
		v.run(renumber, b, 5000)
		return ""
	}, false},
	{"cut the last events", func(v *vandal) string {
		from := v.cut()
		v.run(fmt.Sprintf("DELETE FROM events WHERE id IN (SELECT event_id FROM audit_leaves WHERE number >= %d)", from))
		return v.ids[from]
	}, false},
	{"cut the log", func(v *vandal) string {
		v.cutLog(v.cut())
		return ""
	}, false},
	{"cut the log and its head", func(v *vandal) string {
		from := v.cut()
		v.cutLog(from)
		v.run(fmt.Sprintf("UPDATE audit_head SET size = %d", from))
		return ""
	}, false},
	{"cut all of it", func(v *vandal) string { // back to an earlier, whole log
		from := v.cut()
		v.cutLog(from)
		v.run(fmt.Sprintf("DELETE FROM audit_checkpoints WHERE size > %d", from))
		v.run(fmt.Sprintf("UPDATE audit_head SET size = %d", from))
		return ""
	}, false},
}
