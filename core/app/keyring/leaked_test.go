package keyring_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/keyring"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/keys"
)

func TestService_Leaked(t *testing.T) { // K9, U1
	t.Parallel()
	h := build(t)
	create := func(d keyring.Draft) (keys.Key, string) {
		d.Account, d.Name = "acct_1", "x"
		k, token, err := h.Create(operator(t), d)
		require.NoError(t, err)
		return k, token.Reveal()
	}
	live, liveToken := create(keyring.Draft{User: "user_1"})
	expired, expiredToken := create(keyring.Draft{ExpiresIn: time.Hour})
	revoked, revokedToken := create(keyring.Draft{})
	other, _ := create(keyring.Draft{})
	_, err := h.Revoke(operator(t), "acct_1", revoked.ID)
	require.NoError(t, err)
	before, err := h.Show(t.Context(), "acct_1", revoked.ID)
	require.NoError(t, err)
	h.now = h.now.Add(2 * time.Hour)

	unknown := keys.Mint([32]byte{1}).Reveal()
	ctx := by(t, access.Principal{Kind: access.PrincipalService, ID: "leak-report"})
	texts := []string{unknown, liveToken, "abk_nonsense", liveToken, expiredToken, "", revokedToken, liveToken[:len(liveToken)-1] + "~"}
	for round := range 2 {
		found, err := h.Leaked(ctx, texts)
		require.NoError(t, err)
		var known []string
		for _, f := range found {
			require.Equal(t, f.Known, f.Key.ID != "")
			known = append(known, f.Key.ID)
		}
		require.Equal(t, []string{"", live.ID, "", live.ID, expired.ID, "", revoked.ID, ""}, known, round)
	}
	for id, n := range map[string]int{live.ID: 1, expired.ID: 1, revoked.ID: 1, other.ID: 0} {
		k, err := h.Show(t.Context(), "acct_1", id)
		require.NoError(t, err)
		require.Equal(t, n == 1, k.State(h.now) == keys.StateRevoked)
		revocations := 0
		for _, kind := range h.kinds(t, id) {
			if kind == audit.KeyRevoked {
				revocations++
			}
		}
		require.Equal(t, n, revocations, "once, however often it is reported")
	}
	after, err := h.Show(t.Context(), "acct_1", revoked.ID)
	require.NoError(t, err)
	require.Equal(t, before, after)
	e := h.last(t)
	require.Equal(t, keyring.ReasonLeaked, e.Reason)
	require.Equal(t, audit.Actor{Kind: audit.ActorService, ID: "leak-report"}, e.Actor)
}

func TestService_Leaked_many(t *testing.T) { // more than one query takes, under two peppers
	t.Parallel()
	h := build(t)
	var texts []string
	for n := range 100 {
		if n%2 == 0 {
			texts = append(texts, keys.Mint([32]byte{1, byte(n)}).Reveal())
			continue
		}
		_, token, err := h.Create(operator(t), keyring.Draft{Account: "acct_1", Name: "x"})
		require.NoError(t, err)
		texts = append(texts, token.Reveal())
	}
	found, err := h.Leaked(operator(t), texts)
	require.NoError(t, err)
	for n, f := range found {
		require.Equal(t, n%2 == 1, f.Known)
	}
}

func TestService_Leaked_refused(t *testing.T) {
	t.Parallel()
	h := build(t)
	_, err := h.Leaked(admin(t), []string{"x"})
	require.ErrorIs(t, err, keyring.ErrAdminRequired)
	_, err = keyring.New(keyring.Deps{Store: h.store}).Leaked(operator(t), nil)
	require.ErrorIs(t, err, keyring.ErrNoPepper)
}
