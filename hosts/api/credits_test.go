package api_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/hosts/api"
	"github.com/archibot/archibotchat/ports/store"
)

// spend debits amount for a request of the account.
func (h *house) spend(t *testing.T, request string, amount int64) {
	t.Helper()
	out, err := h.store.Commit(t.Context(), store.Replica{}, []ledger.Op{
		{Kind: ledger.OpHold, Account: h.account.ID, Request: request, Nonce: "n", Amount: amount, Deadline: time.Hour},
		{Kind: ledger.OpSettle, Account: h.account.ID, Request: request, Nonce: "n", Amount: amount, Work: ledger.Work{Key: h.adminKey.ID, Area: "api", Model: "m"}},
	})
	require.NoError(t, err)
	require.NoError(t, out[1].Err)
}

func TestCredits(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.spend(t, "req_1", 1500)
	h.spend(t, "req_2", 500)

	b := into[api.Balance](t, h.call(t, h.member, "GET", "/api/credits", ""))
	require.Equal(t, api.Balance{Balance: 9_998_000, Available: 9_998_000}, b)

	lots := into[api.LotList](t, h.call(t, h.member, "GET", "/api/credits/lots", ""))
	require.Len(t, lots.Data, 1)
	require.EqualValues(t, 9_998_000, lots.Data[0].Remaining)
	require.Equal(t, ledger.Expiry(h.now), lots.Data[0].ExpiresAt)

	var seqs []int64
	cursor := ""
	for {
		l := into[api.LineList](t, h.call(t, h.member, "GET", "/api/credits/lines?limit=2&cursor="+cursor, ""))
		for _, x := range l.Data {
			seqs = append(seqs, x.Seq)
		}
		if cursor = l.NextCursor; cursor == "" {
			break
		}
	}
	require.Equal(t, []int64{3, 2, 1}, seqs)
	problem(t, h.call(t, h.member, "GET", "/api/credits/lines?cursor=abc", ""), 422, "invalid_cursor")
}

func TestStatement(t *testing.T) { // L16
	t.Parallel()
	h := build(t)
	h.now = h.now.Add(20 * time.Minute)
	from := h.now
	h.spend(t, "req_1", 1500)
	h.spend(t, "req_2", 500)
	period := fmt.Sprintf("/api/credits/statement?from=%s&to=%s", from.Format(time.RFC3339), from.Add(time.Hour).Format(time.RFC3339))

	want := api.Statement{From: from, To: from.Add(time.Hour), Opening: 10_000_000, Debits: -2000, Closing: 9_998_000, Lines: 2}
	plain := h.call(t, h.member, "GET", period, "")
	require.Equal(t, "application/json", plain.Header.Get("Content-Type"), plain.text)
	require.Equal(t, want, into[api.Statement](t, plain))

	accept := func(v string) func(*http.Request) { return func(r *http.Request) { r.Header.Set("Accept", v) } }
	require.Equal(t, want, into[api.Statement](t, h.call(t, h.member, "GET", period+"&format=json", "", accept("text/csv"))))
	require.Equal(t, want, into[api.Statement](t, h.call(t, h.member, "GET", period, "", accept("*/*"))))
	for _, r := range []reply{h.call(t, h.member, "GET", period+"&format=csv", ""), h.call(t, h.member, "GET", period, "", accept("text/csv"))} {
		require.Contains(t, r.Header.Get("Content-Type"), "text/csv")
		require.Contains(t, r.Header.Get("Content-Disposition"), "attachment")
		rows, err := csv.NewReader(strings.NewReader(r.text)).ReadAll()
		require.NoError(t, err)
		require.Len(t, rows, 5)
		require.Equal(t, []string{"opening", "debit", "debit", "closing"}, []string{rows[1][1], rows[2][1], rows[3][1], rows[4][1]})
		require.Equal(t, []string{"10000000", "-1500", "-500", "9998000"}, []string{rows[1][3], rows[2][3], rows[3][3], rows[4][3]})
		require.Equal(t, "9.998", rows[4][4])
		require.Equal(t, "req_2", rows[3][6])
	}
	for _, query := range []string{
		"", "?from=2026-01-01T00:00:00Z", "?from=yesterday&to=now", "?from=2026-01-01&to=2026-02-01",
		"?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z&format=xml", "?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z&more=1",
	} {
		problem(t, h.call(t, h.member, "GET", "/api/credits/statement"+query, ""), 422, "invalid_request")
	}
	problem(t, h.call(t, h.member, "GET", "/api/credits/statement?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", ""), 422, "invalid_period")
}

func TestActivity(t *testing.T) { // U4
	t.Parallel()
	h := build(t)
	before := h.now
	h.now = h.now.Add(time.Minute)
	h.spend(t, "req_1", 1500)
	h.spend(t, "req_2", 500)
	list := func(query string) (out []string) {
		t.Helper()
		cursor := ""
		for {
			l := into[api.EventList](t, h.call(t, h.member, "GET", "/api/activity?limit=2&cursor="+cursor+"&"+query, ""))
			for _, e := range l.Data {
				out = append(out, e.Kind)
			}
			if cursor = l.NextCursor; cursor == "" {
				return out
			}
		}
	}
	require.Equal(t, []string{"usage.debited", "usage.debited", "key.created", "key.created", "session.created", "session.created", "credits.granted", "account.created"}, list(""))
	require.Equal(t, []string{"usage.debited"}, list("request=req_2"))
	require.Equal(t, []string{"usage.debited", "usage.debited", "key.created"}, list("key="+h.adminKey.ID))
	require.Equal(t, []string{"usage.debited", "usage.debited", "account.created"}, list("kind=usage.debited,account.created"))
	require.Len(t, list("since="+h.now.Format(time.RFC3339)), 2)
	require.Len(t, list("until="+h.now.Format(time.RFC3339)), 6)
	require.Len(t, list("since="+before.Format(time.RFC3339)), 8)
	require.Empty(t, list("kind=no.such"))

	l := into[api.EventList](t, h.call(t, h.member, "GET", "/api/activity?request=req_1", ""))
	require.EqualValues(t, -1500, l.Data[0].Amount)
	require.Equal(t, "m", l.Data[0].Model)
	require.Equal(t, h.adminKey.ID, l.Data[0].Key)

	r := h.call(t, h.member, "GET", "/api/activity.csv?kind=usage.debited", "")
	require.Contains(t, r.Header.Get("Content-Type"), "text/csv")
	rows, err := csv.NewReader(strings.NewReader(r.text)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 3)
	require.Equal(t, []string{"req_2", "req_1"}, []string{rows[1][6], rows[2][6]})
}

func TestSession(t *testing.T) { // A5
	t.Parallel()
	h := build(t)
	me := into[api.Me](t, h.call(t, h.member, "GET", "/api/me", ""))
	require.Equal(t, "user_member", me.Session.User)
	require.Equal(t, "member", me.Session.Role)
	require.Equal(t, h.now.Add(30*time.Minute), me.Session.IdleAt)
	require.Equal(t, h.now.Add(12*time.Hour), me.Session.ExpiresAt)
	require.Equal(t, h.account.ID, me.Account.ID)
	require.Equal(t, "chat", me.Areas[0].Area)
	require.Equal(t, "no_product_group", me.Areas[0].Reasons[0].Code)
	require.Equal(t, api.Area{Area: "api", Allowed: true, Reasons: []api.Reason{}}, me.Areas[1])

	r := h.call(t, h.member, "DELETE", "/api/session", "")
	require.Equal(t, http.StatusOK, r.StatusCode)
	require.Empty(t, into[api.SignedOut](t, r).LogoutURL)
	c := r.Cookies()[0]
	require.Equal(t, api.CookieName(false), c.Name)
	require.Negative(t, c.MaxAge)
	problem(t, h.call(t, h.member, "GET", "/api/me", ""), 401, "not_signed_in")
	require.Equal(t, 200, h.call(t, h.admin, "GET", "/api/me", "").StatusCode)

	h.now = h.now.Add(30 * time.Minute)
	problem(t, h.call(t, h.admin, "GET", "/api/me", ""), 401, "not_signed_in")
}

func TestCookie(t *testing.T) {
	t.Parallel()
	c := api.Cookie("token", true)
	require.Equal(t, "__Host-archibot_session=token; Path=/; HttpOnly; Secure; SameSite=Lax", c.String())
	require.Equal(t, "archibot_session=token; Path=/; HttpOnly; SameSite=Lax", api.Cookie("token", false).String())
}
