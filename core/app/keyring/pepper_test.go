package keyring_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/keyring"
)

func TestService_Peppers(t *testing.T) {
	t.Parallel()
	h := build(t)
	_, _, err := h.Create(operator(t), keyring.Draft{Account: "acct_1", Name: "x"})
	require.NoError(t, err)
	got, err := h.Peppers(operator(t))
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"v2": 1}, got)
	_, err = h.Peppers(by(t, access.Principal{Kind: access.PrincipalUser, ID: "user_1", Account: "acct_1", Role: access.RoleAdmin}))
	require.ErrorIs(t, err, keyring.ErrAdminRequired)
}
