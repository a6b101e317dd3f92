package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/ports/store"
)

func setupCases() []testCase {
	return []testCase{
		{"setups/save_and_get", []string{"Setups.Get", "Setups.Save"}, func(t *testing.T, h harness) { // A8
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2")
			_, err := s.Setups().Get(t.Context(), "acct_1")
			require.ErrorIs(t, err, store.ErrNotFound)
			want := store.Setup{Account: "acct_1", IntendedUse: "Ünïcode 名\nand more", Notifications: "all", Files: "none", UpdatedAt: start, UpdatedBy: "user_1"}
			at := head(t, s)
			for _, use := range []string{want.IntendedUse, "", "other"} {
				want.IntendedUse = use
				want.UpdatedAt = want.UpdatedAt.Add(time.Hour)
				require.NoError(t, s.Setups().Save(t.Context(), want))
				got, err := s.Setups().Get(t.Context(), "acct_1")
				require.NoError(t, err)
				require.Equal(t, want, got)
			}
			_, err = s.Setups().Get(t.Context(), "acct_2")
			require.ErrorIs(t, err, store.ErrNotFound)
			require.Empty(t, since(t, s, at), "no gate looks at it")
			want.Account = "acct_9"
			require.ErrorIs(t, s.Setups().Save(t.Context(), want), store.ErrNotFound)
		}},
		{"setups/acknowledge", []string{"Setups.Acknowledge", "Setups.Acknowledgements"}, func(t *testing.T, h harness) { // A8, G7
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2")
			boundary := func(account string) string {
				t.Helper()
				a, err := s.Accounts().Get(t.Context(), account)
				require.NoError(t, err)
				return a.Boundary
			}
			first := store.Acknowledgement{Account: "acct_1", Environment: "hosted", Version: "v1", User: "user_1", At: start}
			second := store.Acknowledgement{Account: "acct_1", Environment: "hosted", Version: "v2", User: "user_2", At: start.Add(time.Hour)}
			again := store.Acknowledgement{Account: "acct_1", Environment: "hosted", Version: "v1", User: "user_3", At: start.Add(2 * time.Hour)}
			for _, c := range []struct {
				store.Acknowledgement
				first bool
			}{{first, true}, {second, true}, {again, false}} {
				at := head(t, s)
				got, err := s.Setups().Acknowledge(t.Context(), c.Acknowledgement)
				require.NoError(t, err)
				require.Equal(t, c.first, got)
				require.Equal(t, []string{"acct_1"}, since(t, s, at))
				require.Equal(t, c.Version, boundary("acct_1"))
			}
			require.Empty(t, boundary("acct_2"))
			list, err := s.Setups().Acknowledgements(t.Context(), "acct_1")
			require.NoError(t, err)
			require.Equal(t, []store.Acknowledgement{second, first}, list)
			list, err = s.Setups().Acknowledgements(t.Context(), "acct_2")
			require.NoError(t, err)
			require.Empty(t, list)

			require.NoError(t, s.Accounts().Set(t.Context(), account("acct_1")))
			require.Equal(t, "v1", boundary("acct_1"), "not Set's to change")
			k := key("acct_1", 1)
			require.NoError(t, s.Keys().Create(t.Context(), k))
			require.Equal(t, "v1", holders(t, s, k.Digest)[k.ID].Account.Boundary)

			first.Account = "acct_9"
			_, err = s.Setups().Acknowledge(t.Context(), first)
			require.ErrorIs(t, err, store.ErrNotFound)
		}},
	}
}
