package tenants_test

import (
	"cmp"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The refusals that are the same for everything behind a door (DECISIONS).
var strangers = map[surface]string{app: "not_signed_in", v1: "invalid_api_key"}

// play is one row under way.
type play struct {
	*world
	row
	op      operation
	objects map[string]string // our administrator's, by placeholder
	gone    map[string]string // deleted ones of the same
}

// newPlay makes the objects that the row names.
func newPlay(t *testing.T, w *world, r row, o operation) *play {
	t.Helper()
	p := &play{w, r, o, map[string]string{}, map[string]string{}}
	for name, k := range r.objects() {
		if k.remove != nil && r.has(deleted) {
			p.gone[name] = k.make(t, w, w.admin)
			k.remove(t, w, w.admin, p.gone[name])
		}
		p.objects[name] = k.make(t, w, w.admin)
	}
	return p
}

// as makes the call with something else in one placeholder, or in none.
func (p *play) as(t *testing.T, with show, name, id string) answer {
	t.Helper()
	in := map[string]string{}
	for n, own := range p.objects {
		in[n] = own
	}
	if name != "" {
		in[name] = id
	}
	path, body := p.call(p.op, in)
	return p.do(t, with.typed(p.form), p.op.method, path, body)
}

// refused makes the calls of every column that must come to nothing.
func (p *play) refused(t *testing.T) {
	t.Helper()
	if p.op.open {
		return
	}
	p.strangers(t)
	if p.row.staff {
		p.outsiders(t)
	}
	if p.op.surface == app && !p.row.staff && p.has(member) && p.member >= 400 {
		p.as(t, p.mate.shows(app), "", "").refusal(t, app, p.member, map[int]string{403: "admin_required", 404: "not_found"}[p.member])
	}
	for name, k := range p.row.objects() {
		p.foreign(t, name, k)
	}
	if p.op.cursor != "" && p.has(cursors) {
		p.turn(t)
	}
}

// strangers call without a credential that works at this door.
func (p *play) strangers(t *testing.T) {
	t.Helper()
	s, shown := p.op.surface, map[column][]show{none: {{}}}
	for _, g := range p.world.gone {
		shown[ended] = append(shown[ended], g.shows(s))
	}
	switch s {
	case app:
		name, _, _ := strings.Cut(p.admin.cookie, "=")
		shown[wrongKind] = []show{{bearer: p.admin.key}, {cookie: name + "=" + p.admin.key}, {bearer: p.admin.token()}}
	case v1:
		shown[wrongKind] = []show{{cookie: p.admin.cookie}, {bearer: p.admin.token()}, {cookie: "key=" + p.admin.key}}
	}
	want := p.do(t, show{}, http.MethodGet, map[surface]string{app: "/api/me", v1: "/v1/models"}[s], "").refusal(t, s, http.StatusUnauthorized, strangers[s])
	for c, list := range shown {
		for _, with := range list {
			if p.has(c) {
				require.Equal(t, want, p.as(t, with, "", "").refusal(t, s, http.StatusUnauthorized, strangers[s]), "%s: one answer for all who may not come in", c)
			}
		}
	}
}

// owner is who the call is good for.
func (p *play) owner() person {
	if p.row.staff {
		return p.world.staff
	}
	return p.admin
}

// outsiders call what is the operators' alone: the operator area is nobody's
// by a role in an account, by the account's groups, or by what a provider says
// whose groups do not count (A4).
func (p *play) outsiders(t *testing.T) {
	t.Helper()
	want := ""
	for _, who := range []person{p.admin, p.mate, p.alien, p.pretender} {
		got := p.as(t, who.shows(app), "", "").refusal(t, app, http.StatusForbidden, "no_product_group")
		want = cmp.Or(want, got)
		require.Equal(t, want, got)
	}
}

// foreign calls with IDs that are not the caller's own.
func (p *play) foreign(t *testing.T, name string, k kind) {
	t.Helper()
	s := p.op.surface
	ours, theirs := p.owner().shows(s), p.alien.shows(s)
	if p.filter {
		for _, id := range []string{p.objects[name], k.unknown} {
			a := p.as(t, theirs, name, id)
			require.Equal(t, p.good, a.status, "%s: %s", a.sent, a.body)
			p.unseen(t, a)
		}
		return
	}
	nothing := func(a answer) string {
		return a.refusal(t, s, http.StatusNotFound, cmp.Or(k.code, "not_found"))
	}
	unknown := ""
	if p.has(other) {
		unknown = nothing(p.as(t, ours, name, k.unknown))
	}
	if p.has(malformed) {
		for _, id := range malformedIDs(k) {
			a := p.as(t, ours, name, id)
			require.Equal(t, http.StatusNotFound, a.status, "%s: %s", a.sent, a.body)
		}
	}
	if id, ok := p.gone[name]; ok {
		require.Equal(t, unknown, nothing(p.as(t, ours, name, id)), "deleted is as unknown")
	}
	if k.common == "" && p.has(other) {
		a := p.as(t, theirs, name, p.objects[name])
		require.Equal(t, unknown, nothing(a), "another's is as unknown")
		p.unseen(t, a)
	}
}

// turn reads lists of others with cursors of ours, and with ones of nobody's.
func (p *play) turn(t *testing.T) {
	t.Helper()
	first := p.page(t, p.owner().shows(p.op.surface), "")
	cursor := first.made(t, "next_cursor")
	for _, c := range append([]string{cursor, p.admin.account, p.admin.keyID, p.admin.user}, "0", "-1", "1", "99999999999999999999", "x", "%00", "%27", strings.Repeat("z", 60)) {
		a := p.page(t, p.alien.shows(p.op.surface), c)
		if p.row.staff {
			a.refusal(t, app, http.StatusForbidden, "no_product_group")
			continue
		}
		require.Contains(t, []int{p.good, http.StatusUnprocessableEntity}, a.status, "%s: %s", a.sent, a.body)
		p.unseen(t, a)
	}
}

// page reads a page of one from a cursor on.
func (p *play) page(t *testing.T, with show, cursor string) answer {
	t.Helper()
	path, _ := p.call(p.op, p.objects)
	mark := "?"
	if strings.Contains(path, "?") {
		mark = "&"
	}
	path += mark + "limit=1"
	if cursor != "" {
		path += "&" + p.op.cursor + "=" + cursor
	}
	return p.do(t, with, p.op.method, path, "")
}

// unseen requires that an answer shows nothing of our account.
func (p *play) unseen(t *testing.T, a answer) {
	t.Helper()
	for _, m := range p.marks {
		require.NotContains(t, a.body, m, "%s shows what is another account's", a.sent)
	}
	for _, id := range p.objects {
		if len(id) > 20 { // IDs, not names
			require.NotContains(t, a.body, id, "%s shows what is another account's", a.sent)
		}
	}
}

// allowed makes the calls that go through: what is read by another account
// shows nothing of ours, and after all that was refused it is still ours.
func (p *play) allowed(t *testing.T) {
	t.Helper()
	s := p.op.surface
	if p.op.open {
		for _, with := range []show{{}, p.admin.shows(s), p.alien.shows(s), {bearer: p.alien.key}} {
			a := p.as(t, with, "", "")
			require.Equal(t, p.good, a.status, "%s: %s", a.sent, a.body)
			p.unseen(t, a)
		}
		return
	}
	if p.row.staff {
		a := p.as(t, p.world.staff.shows(s), "", "")
		require.Equal(t, p.good, a.status, "%s: %s", a.sent, a.body)
		return
	}
	if len(p.row.objects()) == 0 && p.op.method == http.MethodGet {
		a := p.as(t, p.alien.shows(s), "", "")
		require.Equal(t, p.good, a.status, "%s: %s", a.sent, a.body)
		p.unseen(t, a)
	}
	if s == app && p.member < 400 {
		a := p.as(t, p.mate.shows(s), "", "")
		require.Equal(t, p.member, a.status, "%s: %s", a.sent, a.body)
	}
	if p.own != 0 {
		own := *p
		own.objects = map[string]string{}
		for name, k := range p.row.objects() {
			own.objects[name] = k.make(t, p.world, p.mate)
		}
		a := own.as(t, p.mate.shows(s), "", "")
		require.Equal(t, p.own, a.status, "%s: %s", a.sent, a.body)
	}
	a := p.as(t, p.admin.shows(s), "", "")
	require.Equal(t, p.good, a.status, "%s: %s", a.sent, a.body)
}
