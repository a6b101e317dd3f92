package tenants_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// ids says what kind of object a placeholder names.
type ids map[string]string

// row is an operation, or a way to call it, and what it answers to whom.
type row struct {
	names  ids    // what each placeholder names: a kind, or "=text" for a text
	query  string // may hold placeholders, as body
	body   string
	good   int  // to an administrator of the account
	member int  // to a member, on an object of somebody else's; sessions only
	own    int  // to a member, on their own; 0: there is no such thing, or it is as member has it
	staff  bool // it is the operators' alone, and good is what one of them gets
	filter bool // the placeholders narrow a list: what is nobody's is an empty one
	form   bool // the body is a form, not JSON
	except reasons
}

// reasons say why an operation cannot have a column.
type reasons map[column]string

// column is somebody who may not.
type column string

const (
	other     column = "other account"       // another account's administrator; an ID of another account
	deleted   column = "deleted"             // an ID of what was deleted
	malformed column = "malformed ID"        // and IDs of nothing
	member    column = "member"              // where an administrator is needed
	operator  column = "no operator"         // where an operator is needed
	none      column = "no credential"       //
	ended     column = "credential is ended" // ended session, revoked key, closed account
	wrongKind column = "wrong credential"    // a key for a session, a session for a key
	cursors   column = "foreign cursor"      // of lists
)

var columns = []column{other, deleted, malformed, member, operator, none, ended, wrongKind, cursors}

// tables are the rows of each tag.
var tables = []map[string]row{sessionRows, signInRows, accountRows, keyRows, limitRows, creditRows, activityRows, inferenceRows, modelRows, responseRows, memberRows, setupRows, accessRows, operatorRows, chatRows}

// allRows returns the rows of every table.
func allRows(t *testing.T) map[string]row {
	t.Helper()
	all := map[string]row{}
	for _, table := range tables {
		for name, r := range table {
			require.NotContains(t, all, name, "two rows of one name")
			all[name] = r
		}
	}
	return all
}

// check fails the test if the row does not say all that its operation needs.
func (r row) check(t *testing.T, name string, o operation) {
	t.Helper()
	require.NotZero(t, r.good, "%s: good is missing", name)
	if o.surface == app && !o.open && !r.staff {
		require.NotZero(t, r.member, "%s: member is missing", name)
	}
	if o.open || r.staff {
		require.Zero(t, r.member+r.own, "%s: no member is asked who they are", name)
	}
	used := map[string]bool{}
	for _, m := range placeholder.FindAllStringSubmatch(o.path+r.query+r.body, -1) {
		used[m[1]] = true
		require.Contains(t, r.names, m[1], "%s: what does {%s} name?", name, m[1])
	}
	for p, k := range r.names {
		require.True(t, used[p], "%s: there is no {%s}", name, p)
		if !strings.HasPrefix(k, "=") {
			require.Contains(t, slices.Collect(maps.Keys(kinds)), k, "%s: {%s} names a kind that is not there", name, p)
		}
	}
	for c, why := range r.except {
		require.Contains(t, columns, c, name)
		require.NotEmpty(t, why, "%s: why not %q?", name, c)
	}
	require.Contains(t, []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}, o.method)
}

// has reports whether the column is to be looked at.
func (r row) has(c column) bool {
	_, without := r.except[c]
	return !without
}

// objects returns the placeholders that name objects, and their kinds.
func (r row) objects() map[string]kind {
	found := map[string]kind{}
	for p, k := range r.names {
		if !strings.HasPrefix(k, "=") {
			found[p] = kinds[k]
		}
	}
	return found
}

// call is the operation with an ID in each placeholder.
func (r row) call(o operation, in map[string]string) (path, body string) {
	fill := func(text string) string {
		return placeholder.ReplaceAllStringFunc(text, func(p string) string {
			p = p[1 : len(p)-1]
			if fixed, ok := strings.CutPrefix(r.names[p], "="); ok {
				return fixed
			}
			return in[p]
		})
	}
	path = fill(o.path)
	if r.query != "" {
		path += "?" + fill(r.query)
	}
	return path, fill(r.body)
}
