package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/accounts"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/hosts/api"
	"github.com/archibot/archibotchat/ports/store"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	h := build(t)
	r := h.call(t, h.member, "POST", "/api/keys", `{"name":"build server","expires_in_seconds":3600,"scopes":["responses","models"],"models":["gpt-*"]}`)
	require.Equal(t, http.StatusCreated, r.StatusCode, r.text)
	made := into[api.NewKey](t, r)
	token, err := keys.Parse(made.Token)
	require.NoError(t, err)
	require.Equal(t, "user_member", made.Key.User)
	require.Equal(t, token.Start(), made.Key.Start)
	require.Equal(t, token.Last4(), made.Key.Last4)
	require.Equal(t, h.now.Add(time.Hour), made.Key.ExpiresAt)
	require.Equal(t, []string{"models", "responses"}, made.Key.Scopes)

	t.Run("is shown once", func(t *testing.T) { // K3
		for _, path := range []string{"/api/keys", "/api/keys/" + made.Key.ID, "/api/activity", "/api/activity.csv"} {
			r := h.call(t, h.admin, "GET", path, "")
			require.Equal(t, http.StatusOK, r.StatusCode)
			require.NotContains(t, r.text, made.Token)
			require.NotContains(t, r.text, "igest")
			require.NotContains(t, r.text, "epper")
		}
		require.NotContains(t, h.log.String(), made.Token)
	})
	t.Run("pages", func(t *testing.T) {
		var ids []string
		cursor := ""
		for {
			l := into[api.KeyList](t, h.call(t, h.admin, "GET", "/api/keys?limit=1&cursor="+cursor, ""))
			for _, k := range l.Data {
				ids = append(ids, k.ID)
			}
			if cursor = l.NextCursor; cursor == "" {
				break
			}
		}
		require.Equal(t, []string{made.Key.ID, h.memberKey.ID, h.adminKey.ID}, ids)
	})
	t.Run("rotate", func(t *testing.T) { // K6
		r := h.call(t, h.member, "POST", "/api/keys/"+made.Key.ID+"/rotate", `{"overlap_seconds":0}`)
		require.Equal(t, http.StatusCreated, r.StatusCode, r.text)
		next := into[api.NewKey](t, r)
		require.Equal(t, made.Key.Models, next.Key.Models)
		old := into[api.Key](t, h.call(t, h.member, "GET", "/api/keys/"+made.Key.ID, ""))
		require.Equal(t, "expired", old.State)
		require.Equal(t, next.Key.ID, old.Successor)
		problem(t, h.call(t, h.member, "POST", "/api/keys/"+made.Key.ID+"/rotate", `{}`), http.StatusConflict, "already_rotated")

		r = h.call(t, h.member, "POST", "/api/keys/"+next.Key.ID+"/rotate", `{}`)
		require.Equal(t, http.StatusCreated, r.StatusCode, r.text)
		old = into[api.Key](t, h.call(t, h.member, "GET", "/api/keys/"+next.Key.ID, ""))
		require.Equal(t, h.now.Add(keys.DefaultOverlap), old.ExpiresAt, "24 hours unless told")
	})
	t.Run("revoke", func(t *testing.T) {
		for range 2 {
			r := h.call(t, h.member, "DELETE", "/api/keys/"+h.memberKey.ID, "")
			require.Equal(t, http.StatusOK, r.StatusCode)
			require.Equal(t, "revoked", into[api.Key](t, r).State)
		}
		l := into[api.EventList](t, h.call(t, h.member, "GET", "/api/activity?kind=key.revoked&key="+h.memberKey.ID, ""))
		require.Len(t, l.Data, 1)
		require.Equal(t, api.Actor{Kind: "user", ID: "user_member"}, l.Data[0].Actor)
	})
}

// G5, G6: a closed gate refuses a new key with reason and next step, and says
// so to the recorder.
func TestKeys_gate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change accounts.Change
		drain  bool
		status int
		code   string
	}{
		"review":    {change: accounts.Change{Billing: ptr(billing.Review)}, status: 403, code: "payment_review"},
		"no group":  {change: accounts.Change{Groups: ptr(access.NewGroups(access.GroupChat))}, status: 403, code: "no_product_group"},
		"suspended": {change: accounts.Change{Status: ptr(access.StatusSuspended)}, status: 403, code: "account_suspended"},
		"pending":   {change: accounts.Change{Status: ptr(access.StatusPending)}, status: 403, code: "account_pending"},
		"closed":    {change: accounts.Change{Status: ptr(access.StatusClosed)}, status: 401, code: "not_signed_in"},
		"credits":   {drain: true, status: 402, code: "credits_exhausted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := build(t)
			_, err := h.accounts.Set(h.operator(t), h.account.ID, c.change)
			require.NoError(t, err)
			if c.drain {
				_, err := h.store.Commit(t.Context(), store.Replica{}, []ledger.Op{{Kind: ledger.OpClose, Account: h.account.ID}})
				require.NoError(t, err)
			}
			for path, body := range map[string]string{"/api/keys": `{"name":"x"}`, "/api/keys/" + h.adminKey.ID + "/rotate": `{}`} {
				p := problem(t, h.call(t, h.admin, "POST", path, body), c.status, c.code)
				require.NotEmpty(t, p.NextStep)
				if c.status == http.StatusUnauthorized {
					continue
				}
				e := h.refusals.list[len(h.refusals.list)-1]
				require.Equal(t, audit.Event{
					Account: h.account.ID, Kind: audit.GateDenied, Area: "api", Request: p.RequestID, Reason: c.code,
					Actor: audit.Actor{Kind: audit.ActorUser, ID: "user_admin"},
				}, e)
			}
			if c.status == http.StatusUnauthorized {
				return
			}
			me := into[api.Me](t, h.call(t, h.admin, "GET", "/api/me", ""))
			require.False(t, me.Areas[1].Allowed)
			require.Equal(t, c.code, me.Areas[1].Reasons[0].Code)
			require.NotEmpty(t, me.Areas[1].Reasons[0].NextStep)
			require.NotEmpty(t, me.Areas[1].Reasons[0].Sentence)
			require.Equal(t, http.StatusOK, h.call(t, h.admin, "DELETE", "/api/keys/"+h.adminKey.ID, "").StatusCode, "a key can always be revoked")
		})
	}
}

func ptr[T any](v T) *T { return &v }
