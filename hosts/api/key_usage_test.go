package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/hosts/api"
	"github.com/archibot/archibotchat/ports/store"
)

func TestKeyUsage(t *testing.T) {
	t.Parallel()
	h := build(t)
	request := system.NewIDs(func() time.Time { return h.now }).New("req")
	_, err := h.store.Commit(t.Context(), store.Replica{}, []ledger.Op{{
		Kind: ledger.OpSettle, Account: h.account.ID, Request: request, Amount: 7, Nonce: "n", Replica: "rep_1",
		Work: ledger.Work{Key: h.memberKey.ID, Area: "api", Route: "/v1/responses", Model: "m", PriceVersion: "p"}, Usage: ledger.Usage{Input: 30, Cached: 10, Output: 20},
	}})
	require.NoError(t, err)
	path := "/api/keys/" + h.memberKey.ID + "/usage"
	for _, query := range []string{"", "?by=day", "?from=2026-01-31", "?to=2026-03-01", "?from=2026-01-31&to=2026-03-01"} {
		r := h.call(t, h.member, "GET", path+query, "")
		require.Equal(t, http.StatusOK, r.StatusCode, r.text)
		u := into[api.KeyUsage](t, r)
		use := api.KeyUse{Requests: 1, Input: 30, Cached: 10, Output: 20, Debited: 7}
		require.Equal(t, api.KeyUsage{Key: h.memberKey.ID, From: "2026-01-31", To: "2026-03-01", Total: use, Data: []api.KeyDay{{Day: "2026-03-01", KeyUse: use}}}, u)
		require.Equal(t, u, into[api.KeyUsage](t, h.call(t, h.admin, "GET", path+query, "")))
	}
	for _, query := range []string{"?from=2026-01-01&to=2026-04-03", "?from=2026-03-02&to=2026-03-01", "?from=x", "?from=2026-02-30", "?from=0001-01-01&to=0001-01-02", "?by=hour", "?to=2026-03-01T00:00:00Z", "?since=2026-01-01"} {
		require.Equal(t, http.StatusUnprocessableEntity, h.call(t, h.admin, "GET", path+query, "").StatusCode, query)
	}
}
