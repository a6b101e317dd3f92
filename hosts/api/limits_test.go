package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/limits"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/hosts/api"
	"github.com/archibot/archibotchat/ports/store"
)

func TestLimits(t *testing.T) { // L12
	t.Parallel()
	h := build(t)
	_, err := limits.New(limits.Deps{Store: h.store, Now: func() time.Time { return h.now }, NewID: func(p string) string { return p + "_operator" }}).
		Set(h.operator(t), h.account.ID, limits.Whose{Kind: limits.Operator}, ledger.LimitChange{Monthly: ptr[int64](900)})
	require.NoError(t, err)
	_, err = h.store.Commit(t.Context(), store.Replica{}, []ledger.Op{
		{Kind: ledger.OpSpend, Account: h.account.ID, Request: "req_1", Nonce: "n", Amount: 30, Cost: 30},
		{Kind: ledger.OpHold, Account: h.account.ID, Request: "req_2", Nonce: "n", Amount: 5, Limits: []ledger.Limit{{Scope: h.account.ID, Monthly: 500}}},
	})
	require.NoError(t, err)

	r := h.call(t, h.admin, "PUT", "/api/limits/account", `{"monthly":500,"requests_per_minute":60}`)
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	april := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	want := api.Limit{Of: "account", Bounds: api.Bounds{Monthly: 500, Requests: 60}, Counted: api.Counted{Spent: 30, Held: 5, ResetsAt: april}, UpdatedAt: &h.now}
	require.Equal(t, want, into[api.Limit](t, r))
	require.Equal(t, http.StatusOK, h.call(t, h.admin, "PUT", "/api/limits/user_member", `{"tokens_per_minute":1000}`).StatusCode)

	var seen []api.Limit
	for cursor := ""; ; {
		l := into[api.LimitList](t, h.call(t, h.admin, "GET", "/api/limits?limit=1&cursor="+cursor, ""))
		seen = append(seen, l.Data...)
		if cursor = l.NextCursor; cursor == "" {
			break
		}
	}
	require.Len(t, seen, 3)
	require.Equal(t, want, seen[0])
	require.Equal(t, "operator", seen[1].Of)
	require.EqualValues(t, 900, seen[1].Monthly)
	require.Equal(t, []string{"member", "user_member"}, []string{seen[2].Of, seen[2].ID})

	r = h.call(t, h.admin, "PUT", "/api/limits/account", `{"tokens_per_minute":5}`)
	require.Equal(t, api.Bounds{Tokens: 5}, into[api.Limit](t, r).Bounds, "as a whole")
	require.Equal(t, http.StatusNoContent, h.call(t, h.admin, "DELETE", "/api/limits/account", "").StatusCode)
	problem(t, h.call(t, h.admin, "DELETE", "/api/limits/account", ""), http.StatusNotFound, "not_found")
	require.Equal(t, http.StatusOK, h.call(t, h.admin, "PUT", "/api/limits/user_member", `{}`).StatusCode, "bounds nothing: cleared")
	problem(t, h.call(t, h.admin, "DELETE", "/api/limits/user_member", ""), http.StatusNotFound, "not_found")
	for _, whose := range []string{"operator", h.account.ID, h.adminKey.ID, "user_", "x"} { // neither the operator's, nor what is a key's
		problem(t, h.call(t, h.admin, "PUT", "/api/limits/"+whose, `{"monthly":1}`), http.StatusNotFound, "not_found")
		problem(t, h.call(t, h.admin, "DELETE", "/api/limits/"+whose, ""), http.StatusNotFound, "not_found")
	}
	for _, body := range []string{`{"monthly":-1}`, `{"monthly":1.5}`, `{"monthly":1000000000000001}`, `{"requests_per_minute":1000000001}`, `{"tokens":1}`} {
		require.Equal(t, http.StatusUnprocessableEntity, h.call(t, h.admin, "PUT", "/api/limits/account", body).StatusCode, body)
	}
	l := into[api.LimitList](t, h.call(t, h.admin, "GET", "/api/limits", ""))
	require.Len(t, l.Data, 1, "the operator's stands")
	events := into[api.EventList](t, h.call(t, h.admin, "GET", "/api/activity?kind=limit.set", ""))
	require.Len(t, events.Data, 4)
	require.Equal(t, "monthly=0,requests=0,tokens=5", events.Data[0].Reason)
	require.Equal(t, api.Actor{Kind: "user", ID: "user_admin"}, events.Data[0].Actor)
}

func TestKeys_narrowed(t *testing.T) { // K7
	t.Parallel()
	h := build(t)
	r := h.call(t, h.member, "POST", "/api/keys", `{"name":"x","networks":["192.0.2.7/24","::1"],"limits":{"monthly":500,"requests_per_minute":6}}`)
	require.Equal(t, http.StatusCreated, r.StatusCode, r.text)
	made := into[api.NewKey](t, r).Key
	require.Equal(t, []string{"192.0.2.0/24", "::1/128"}, made.Networks)
	april := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	require.Equal(t, &api.KeyLimits{Bounds: api.Bounds{Monthly: 500, Requests: 6}, Counted: api.Counted{ResetsAt: april}}, made.Limits)

	_, err := h.store.Commit(t.Context(), store.Replica{}, []ledger.Op{
		{Kind: ledger.OpSpend, Account: h.account.ID, Request: "req_1", Nonce: "n", Amount: 30, Cost: 30, Limits: []ledger.Limit{{Scope: made.ID, Monthly: 500}}},
	})
	require.NoError(t, err)
	r = h.call(t, h.member, "PATCH", "/api/keys/"+made.ID, `{"limits":{"requests_per_minute":0,"tokens_per_minute":7}}`)
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	changed := into[api.Key](t, r)
	require.Equal(t, made.Networks, changed.Networks, "what is absent stays")
	require.Equal(t, api.Bounds{Monthly: 500, Tokens: 7}, changed.Limits.Bounds)
	require.EqualValues(t, 30, changed.Limits.Spent)
	next := into[api.NewKey](t, h.call(t, h.member, "POST", "/api/keys/"+made.ID+"/rotate", `{}`)).Key
	require.Equal(t, changed.Limits, next.Limits, "a rotated key counts on")
	require.Equal(t, changed.Networks, next.Networks)

	r = h.call(t, h.admin, "PATCH", "/api/keys/"+next.ID, `{"models":["m"],"networks":[],"limits":{"monthly":0,"tokens_per_minute":0}}`)
	changed = into[api.Key](t, r)
	require.Equal(t, []string{"m"}, changed.Models)
	require.Empty(t, changed.Networks)
	require.Nil(t, changed.Limits)
	list := into[api.KeyList](t, h.call(t, h.admin, "GET", "/api/keys", ""))
	for _, k := range list.Data {
		require.Nil(t, k.Limits)
		require.NotNil(t, k.Networks)
	}

	for body, code := range map[string]string{`{"networks":["x"]}`: "invalid_network", `{"models":["*"]}`: "invalid_model", `{"limits":{"monthly":-1}}`: "invalid_request"} {
		problem(t, h.call(t, h.admin, "PATCH", "/api/keys/"+next.ID, body), http.StatusUnprocessableEntity, code)
	}
	require.Equal(t, http.StatusOK, h.call(t, h.admin, "DELETE", "/api/keys/"+next.ID, "").StatusCode)
	problem(t, h.call(t, h.admin, "PATCH", "/api/keys/"+next.ID, `{"models":[]}`), http.StatusConflict, "key_not_active")
}
