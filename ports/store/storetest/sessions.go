package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/ports/store"
)

func session(n int, account string) store.Session {
	return store.Session{
		ID: id("ses", n), Hash: store.SessionHash{0: byte(n), 31: 9}, Account: account, User: "user_1", Role: access.RoleAdmin,
		UserRule: "required", Groups: access.NewGroups(access.GroupAPI, access.GroupOperator), CreatedAt: start, SeenAt: start, ExpiresAt: start.Add(12 * time.Hour),
	}
}

func sameSession(t *testing.T, want, got store.Session) {
	t.Helper()
	require.Equal(t, want.Groups.String(), got.Groups.String())
	got.Groups = want.Groups
	require.Equal(t, want, got)
}

func sessionCases() []testCase {
	return []testCase{
		{"sessions/create_and_find", []string{"Sessions.Create", "Sessions.ByHash"}, func(t *testing.T, h harness) { // A5
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			want := session(1, "acct_1")
			require.NoError(t, s.Sessions().Create(t.Context(), want))
			minted := session(2, "acct_1")
			minted.User, minted.UserRule, minted.Groups, minted.Operator = "", "none", access.Groups{}, true
			require.NoError(t, s.Sessions().Create(t.Context(), minted))

			for _, want := range []store.Session{want, minted} {
				got, a, err := s.Sessions().ByHash(t.Context(), want.Hash)
				require.NoError(t, err)
				sameSession(t, want, got)
				wantAccount, err := s.Accounts().Get(t.Context(), "acct_1")
				require.NoError(t, err)
				sameAccount(t, wantAccount, a)
			}
			_, _, err := s.Sessions().ByHash(t.Context(), store.SessionHash{5})
			require.ErrorIs(t, err, store.ErrNotFound)

			sameHash := session(3, "acct_1")
			sameHash.Hash = want.Hash
			require.ErrorIs(t, s.Sessions().Create(t.Context(), sameHash), store.ErrTaken)
			require.ErrorIs(t, s.Sessions().Create(t.Context(), want), store.ErrTaken)
		}},
		{"sessions/seen_and_end", []string{"Sessions.Seen", "Sessions.End"}, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			want := session(1, "acct_1")
			require.NoError(t, s.Sessions().Create(t.Context(), want))
			for _, d := range []time.Duration{time.Hour, time.Minute} { // the second would run back
				require.NoError(t, s.Sessions().Seen(t.Context(), want.ID, start.Add(d)))
			}
			want.SeenAt = start.Add(time.Hour)
			got, _, err := s.Sessions().ByHash(t.Context(), want.Hash)
			require.NoError(t, err)
			sameSession(t, want, got)

			require.NoError(t, s.Sessions().End(t.Context(), want.ID, start.Add(2*time.Hour), "signed_out"))
			require.NoError(t, s.Sessions().End(t.Context(), want.ID, start.Add(3*time.Hour), "other"), "ended already is no error")
			want.EndedAt, want.EndReason = start.Add(2*time.Hour), "signed_out"
			got, _, err = s.Sessions().ByHash(t.Context(), want.Hash)
			require.NoError(t, err, "an ended session is found; the caller judges")
			sameSession(t, want, got)
			require.ErrorIs(t, s.Sessions().Seen(t.Context(), "ses_none", start), store.ErrNotFound)
			require.ErrorIs(t, s.Sessions().End(t.Context(), "ses_none", start, "signed_out"), store.ErrNotFound)
		}},
	}
}
