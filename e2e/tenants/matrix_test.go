//go:build e2e

package tenants_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/accounts"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/e2e/harness"
	"github.com/archibot/archibotchat/ports/store"
)

func TestMain(m *testing.M) { harness.Main(m) }

// settleTime bounds what the server still writes of calls that were answered.
const settleTime = 20 * time.Second

// Every operation × everybody who may not (SECURITY, tenants; W4, A7).
func TestMatrix(t *testing.T) {
	all, rows := operations(t), allRows(t)
	harness.Each(t, func(t *testing.T, db harness.Database) {
		boundary := filepath.Join(t.TempDir(), "boundary.md")
		require.NoError(t, os.WriteFile(boundary, []byte("Where data goes."), 0o600))
		site := harness.NewSite(t, db, harness.Options{Variables: map[string]string{
			"ARCHIBOT_AREAS": "chat,api,operator", "ARCHIBOT_BOUNDARY_VERSION": "v1", "ARCHIBOT_BOUNDARY_TEXT": boundary,
		}})
		server := site.Start(t)
		f := founder{site.Desk(t), server.Root, map[string]harness.Person{}}
		for _, name := range slices.Sorted(maps.Keys(rows)) {
			t.Run(name, func(t *testing.T) {
				p := newPlay(t, f.world(t), rows[name], all[operationOf(name)])
				before := settled(t, db)
				p.refused(t)
				require.Empty(t, changes(before, settled(t, db)), "what is refused changes nothing")
				p.allowed(t)
			})
		}
		site.Verify(t)
		site.VerifyAudit(t)
	})
}

// founder makes worlds on one server.
type founder struct {
	*harness.Desk
	root  string
	known map[string]harness.Person // by user
}

func (f founder) world(t *testing.T) *world {
	t.Helper()
	ours, theirs, closed := f.account(t, "ours-needle"), f.account(t, "theirs"), f.account(t, "closed")
	w := &world{
		root: f.root, admin: f.person(t, ours, access.RoleAdmin), mate: f.person(t, ours, access.RoleMember), alien: f.person(t, theirs, access.RoleAdmin),
		again: f.again, ask: f.ask,
		join: func(t *testing.T, account string) person { return f.person(t, account, access.RoleMember) },
		gone: []person{f.person(t, ours, access.RoleAdmin), f.person(t, closed, access.RoleAdmin)},
	}
	operators := access.NewGroups(access.GroupOperator)
	w.staff = of(f.Person(t, harness.NewPerson{Rule: "required", Groups: operators, Staff: true}))
	w.pretender = of(f.Person(t, harness.NewPerson{Account: ours, Rule: "none", Groups: operators}))
	w.furnish(t)
	f.end(t, w.gone[0])
	status := access.StatusClosed
	_, err := f.Accounts.Set(f.Operator(t), closed, accounts.Change{Status: &status})
	require.NoError(t, err)
	w.marks = []string{"ours-needle", w.admin.account, w.admin.user, w.admin.keyID, w.mate.user, w.mate.keyID}
	return w
}

func (f founder) account(t *testing.T, name string) string {
	t.Helper()
	a, err := f.Accounts.Create(f.Operator(t), accounts.Draft{
		Name: name, Groups: access.NewGroups(access.GroupAPI, access.GroupChat, access.GroupOperator), Billing: billing.Active, Credits: 10 * harness.Credit,
	})
	require.NoError(t, err)
	return a.ID
}

func (f founder) person(t *testing.T, account string, role access.Role) person {
	t.Helper()
	p := f.Person(t, harness.NewPerson{Account: account, Role: role})
	f.known[p.User] = p
	return of(p)
}

func of(p harness.Person) person {
	return person{account: p.Account, user: p.User, session: p.Session, cookie: p.Cookie, key: p.Key, keyID: p.KeyID}
}

// again signs a person in once more.
func (f founder) again(t *testing.T, p person) person {
	t.Helper()
	return of(f.Again(t, f.known[p.user]))
}

// ask asks for access past the form, which takes its time.
func (f founder) ask(t *testing.T) string {
	t.Helper()
	r, created, err := f.Store.AccessRequests().Ask(t.Context(), store.AccessRequest{
		ID: f.NewID("acr"), Email: strings.ToLower(f.NewID("someone")) + "@matrix.example", Company: "Stranger", Use: "Work", Products: access.NewGroups(access.GroupAPI),
		CreatedAt: system.Now(),
	}, 1_000_000)
	require.NoError(t, err)
	require.True(t, created)
	return r.ID
}

// end ends a person's session and revokes their key.
func (f founder) end(t *testing.T, p person) {
	t.Helper()
	by := access.Principal{Kind: access.PrincipalUser, ID: p.user, Account: p.account, Session: p.session}
	require.NoError(t, f.Sessions.End(access.WithPrincipal(f.Operator(t), by), "signed_out"))
	_, err := f.Keyring.Revoke(f.Operator(t), p.account, p.keyID)
	require.NoError(t, err)
}

// What changes by itself, or by a refusal: leases, the sealing of events, and
// when something was last used.
var (
	restless = []string{"replicas", "audit_leaves", "audit_nodes", "audit_checkpoints", "audit_head", "attempts"}
	moving   = []string{"event_seq", "seen_at", "last_used_at"}
	refusals = []string{"gate.denied", "key.refused"}
)

// settled returns what the database holds once two looks at it agree.
func settled(t *testing.T, db harness.Database) map[string][]string {
	t.Helper()
	before := holds(t, db)
	harness.Eventually(t, settleTime, "the database comes to rest", func() error {
		now := holds(t, db)
		defer func() { before = now }()
		if moved := changes(before, now); len(moved) > 0 {
			return fmt.Errorf("%q still changes", moved[0])
		}
		return nil
	})
	return before
}

// holds returns the rows of every table, sorted, without what moves.
func holds(t *testing.T, db harness.Database) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for at, content := range db.Dump(t) {
		table, ok := strings.CutPrefix(at, "table ")
		_, plain, qualified := strings.Cut(table, ".")
		if !qualified {
			plain = table
		}
		if !ok || slices.Contains(restless, plain) {
			continue
		}
		var rows []string
		for line := range strings.Lines(string(content)) {
			if line = still(line); line != "" {
				rows = append(rows, line)
			}
		}
		slices.Sort(rows)
		all[plain] = rows
	}
	return all
}

// still returns a row without its columns that move; "" for the event of a
// refusal.
func still(line string) string {
	var kept []string
	for cell := range strings.SplitSeq(line, "\t") {
		name, value, _ := strings.Cut(cell, "=")
		if name == "kind" && slices.Contains(refusals, value) {
			return ""
		}
		if !slices.Contains(moving, name) {
			kept = append(kept, cell)
		}
	}
	return strings.Join(kept, "\t")
}

// changes returns the rows that are in only one of two looks at the database.
func changes(before, after map[string][]string) []string {
	var found []string
	for table := range after {
		for mark, only := range map[string][]string{"- ": without(before[table], after[table]), "+ ": without(after[table], before[table])} {
			for _, line := range only {
				found = append(found, table+" "+mark+line)
			}
		}
	}
	return found
}

// without returns the lines of a that b has not.
func without(a, b []string) []string {
	there := map[string]bool{}
	for _, line := range b {
		there[line] = true
	}
	return slices.DeleteFunc(slices.Clone(a), func(line string) bool { return there[line] })
}
