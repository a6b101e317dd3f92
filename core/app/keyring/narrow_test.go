package keyring_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/keyring"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

func ptr[T any](v T) *T { return &v }

// capped returns the limit of a key, zero if it has none.
func (h *house) capped(t *testing.T, k keys.Key) ledger.Limit {
	t.Helper()
	found, err := h.Limits(t.Context(), k.Account, k)
	require.NoError(t, err)
	return found[k.ID].Limit
}

// last returns the newest event of the account.
func (h *house) last(t *testing.T) audit.Event {
	t.Helper()
	es, err := h.store.Events().List(t.Context(), store.EventQuery{Account: "acct_1", Limit: 1})
	require.NoError(t, err)
	require.Len(t, es, 1)
	return es[0]
}

func TestService_Create_capped(t *testing.T) { // K7, U1
	t.Parallel()
	h := build(t)
	k, _, err := h.Create(member(t, "user_1"), keyring.Draft{
		Account: "acct_1", User: "user_1", Name: "x", Networks: []string{"192.0.2.9/24"},
		Limits: ledger.LimitChange{Monthly: ptr[int64](5), Requests: ptr[int64](6), Tokens: ptr[int64](7)},
	})
	require.NoError(t, err)
	require.Equal(t, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, k.Networks)
	require.Equal(t, ledger.Limit{Scope: k.ID, Monthly: 5, Requests: 6, Tokens: 7}, h.capped(t, k))
	require.Equal(t, []audit.Kind{audit.LimitSet, audit.KeyCreated}, h.kinds(t, k.ID))
	e := h.last(t)
	require.Equal(t, "monthly=5,requests=6,tokens=7", e.Reason)
	require.Equal(t, k.ID, e.Subject)
	require.Equal(t, audit.Actor{Kind: audit.ActorUser, ID: "user_1"}, e.Actor)

	for code, d := range map[string]keyring.Draft{
		"invalid_network": {Networks: []string{"x"}},
		"invalid_limit":   {Limits: ledger.LimitChange{Tokens: ptr[int64](-1)}},
	} {
		d.Account, d.User, d.Name = "acct_1", "user_1", "y"
		_, _, err := h.Create(member(t, "user_1"), d)
		require.Equal(t, code, fault.CodeOf(err))
	}
}

func TestService_Change(t *testing.T) { // K7, U1
	t.Parallel()
	h := build(t)
	made, _, err := h.Create(member(t, "user_1"), keyring.Draft{Account: "acct_1", User: "user_1", Name: "x", Models: []string{"gpt-*"}})
	require.NoError(t, err)
	change := func(ctx context.Context, c keyring.Change) keys.Key {
		k, err := h.Change(ctx, "acct_1", made.ID, c)
		require.NoError(t, err)
		stored, err := h.Show(t.Context(), "acct_1", made.ID)
		require.NoError(t, err)
		require.Equal(t, k, stored)
		return k
	}
	k := change(member(t, "user_1"), keyring.Change{Networks: ptr([]string{"10.0.0.0/8"})})
	require.Equal(t, []string{"gpt-*"}, k.Models, "what is not named stays")
	require.Len(t, k.Networks, 1)
	require.Equal(t, audit.KeyChanged, h.last(t).Kind)
	require.Equal(t, "networks", h.last(t).Reason)

	k = change(admin(t), keyring.Change{Models: ptr([]string{}), Networks: ptr([]string{}), Limits: ledger.LimitChange{Monthly: ptr[int64](9)}})
	require.Empty(t, k.Models)
	require.Empty(t, k.Networks)
	require.Equal(t, ledger.Limit{Scope: k.ID, Monthly: 9}, h.capped(t, k))
	require.Equal(t, []audit.Kind{audit.LimitSet, audit.KeyChanged, audit.KeyChanged, audit.KeyCreated}, h.kinds(t, k.ID))

	change(operator(t), keyring.Change{Limits: ledger.LimitChange{Requests: ptr[int64](3)}})
	require.Equal(t, ledger.Limit{Scope: k.ID, Monthly: 9, Requests: 3}, h.capped(t, k))
	before := h.last(t)
	change(operator(t), keyring.Change{Models: ptr([]string{}), Limits: ledger.LimitChange{Requests: ptr[int64](3)}})
	require.Equal(t, before, h.last(t), "a change that changes nothing writes nothing")

	change(operator(t), keyring.Change{Limits: ledger.LimitChange{Monthly: ptr[int64](0), Requests: ptr[int64](0)}})
	require.Zero(t, h.capped(t, k))
	require.Equal(t, audit.LimitCleared, h.last(t).Kind)
	before = h.last(t)
	change(operator(t), keyring.Change{Limits: ledger.LimitChange{Monthly: ptr[int64](0)}})
	require.Equal(t, before, h.last(t))
	_, err = h.Change(operator(t), "", made.ID, keyring.Change{Models: ptr([]string{"m"})})
	require.NoError(t, err, "an operator need not name the account")
}

func TestService_Change_refused(t *testing.T) {
	t.Parallel()
	h := build(t)
	k, _, err := h.Create(member(t, "user_1"), keyring.Draft{Account: "acct_1", User: "user_1", Name: "x"})
	require.NoError(t, err)
	gone, _, err := h.Create(admin(t), keyring.Draft{Account: "acct_1", User: "user_1", Name: "x"})
	require.NoError(t, err)
	_, err = h.Revoke(admin(t), "acct_1", gone.ID)
	require.NoError(t, err)
	before := h.last(t)
	wide := keyring.Change{Models: ptr([]string{"m"}), Limits: ledger.LimitChange{Monthly: ptr[int64](1)}}
	for name, c := range map[string]struct {
		ctx     context.Context
		account string
		id      string
		change  keyring.Change
		code    string
	}{
		"another member":  {member(t, "user_2"), "acct_1", k.ID, wide, "admin_required"},
		"another account": {admin(t), "acct_2", k.ID, wide, "not_found"},
		"unknown":         {admin(t), "acct_1", "key_none", wide, "not_found"},
		"revoked":         {admin(t), "acct_1", gone.ID, wide, "key_not_active"},
		"model":           {admin(t), "acct_1", k.ID, keyring.Change{Models: ptr([]string{"*"})}, "invalid_model"},
		"network":         {admin(t), "acct_1", k.ID, keyring.Change{Networks: ptr([]string{"*"})}, "invalid_network"},
		"limit":           {admin(t), "acct_1", k.ID, keyring.Change{Limits: ledger.LimitChange{Tokens: ptr[int64](-1)}}, "invalid_limit"},
	} {
		_, err := h.Change(c.ctx, c.account, c.id, c.change)
		require.Equal(t, c.code, fault.CodeOf(err), name)
	}
	require.Equal(t, before, h.last(t))
	require.Zero(t, h.capped(t, k))
}

func TestService_Rotate_capped(t *testing.T) { // K6, K7: a rotation is no way around a cap
	t.Parallel()
	h := build(t)
	first, _, err := h.Create(operator(t), keyring.Draft{
		Account: "acct_1", Name: "x", Networks: []string{"10.0.0.0/8"}, Limits: ledger.LimitChange{Monthly: ptr[int64](50)},
	})
	require.NoError(t, err)
	second, _, err := h.Rotate(operator(t), "acct_1", first.ID, time.Hour)
	require.NoError(t, err)
	third, _, err := h.Rotate(operator(t), "acct_1", second.ID, time.Hour)
	require.NoError(t, err)
	require.Equal(t, first.Networks, third.Networks)
	require.Equal(t, first.ID, second.Family)
	require.Equal(t, first.ID, third.Family)
	holders, err := h.store.Keys().ByDigests(t.Context(), []keys.Digest{first.Digest, second.Digest, third.Digest})
	require.NoError(t, err)
	require.Len(t, holders, 3)
	for _, holder := range holders {
		require.Equal(t, []ledger.Limit{{Scope: first.ID, Monthly: 50}}, holder.Limits, "one cap for all")
	}
	_, err = h.Change(operator(t), "acct_1", third.ID, keyring.Change{Limits: ledger.LimitChange{Monthly: ptr[int64](40)}})
	require.NoError(t, err)
	require.EqualValues(t, 40, h.capped(t, first).Monthly)
	require.EqualValues(t, 40, h.capped(t, third).Monthly)
	require.Equal(t, first.ID, h.last(t).Subject)
	require.Equal(t, third.ID, h.last(t).Key)
}
