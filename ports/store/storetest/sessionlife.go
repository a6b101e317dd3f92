package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/ports/store"
)

// signed returns a session that a sign-in of a user made.
func signed(n int, account string, who int) store.Session {
	s := session(n, account)
	s.Role, s.UserRule, s.Groups = access.RoleAdmin, "required", user(who).Groups
	s.User, s.Provider, s.Issuer, s.SID = id("user", who), "acme", user(who).Issuer, id("sid", n)
	s.Grant, s.FreshAt, s.CheckedAt, s.CheckAt = []byte{1, 2, byte(n)}, start, start, start.Add(15*time.Minute)
	return s
}

func ids(list []store.Session) []string {
	out := []string{}
	for _, s := range list {
		out = append(out, s.ID)
	}
	return out
}

func sessionLifeCases() []testCase {
	return []testCase{
		{"sessions/follow_their_user", []string{"Sessions.ByHash", "Sessions.Get", "Sessions.List"}, func(t *testing.T, h harness) { // A5, G7
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			want := signed(1, "acct_1", 1)
			require.NoError(t, s.Sessions().Create(t.Context(), want))
			same := func(role access.Role, rule string, groups access.Groups) {
				t.Helper()
				want.Role, want.UserRule, want.Groups = role, rule, groups
				got, _, err := s.Sessions().ByHash(t.Context(), want.Hash)
				require.NoError(t, err)
				sameSession(t, want, got)
				got, err = s.Sessions().Get(t.Context(), want.ID)
				require.NoError(t, err)
				sameSession(t, want, got)
				list, err := s.Sessions().List(t.Context(), want.User, start, store.Page{})
				require.NoError(t, err)
				sameSession(t, want, list[0])
			}
			same("", "", access.Groups{}) // what was written into it counts for nothing
			u := user(1)
			signIn(t, s, u)
			same("", "required", u.Groups)
			belong(t, s, member("acct_1", 1, access.RoleMember))
			same(access.RoleMember, "required", u.Groups)
			require.NoError(t, s.Members().SetRole(t.Context(), "acct_1", u.ID, access.RoleAdmin))
			u.Groups, u.Rule = access.NewGroups(access.GroupChat), "none"
			signIn(t, s, u)
			same(access.RoleAdmin, "none", u.Groups)
			require.NoError(t, s.Members().Remove(t.Context(), "acct_1", u.ID))
			same("", "none", u.Groups)
		}},
		{"sessions/list", []string{"Sessions.List", "Sessions.Get"}, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			for n := 1; n <= 5; n++ {
				require.NoError(t, s.Sessions().Create(t.Context(), signed(n, "acct_1", 1)))
			}
			require.NoError(t, s.Sessions().Create(t.Context(), signed(6, "acct_1", 2)))
			nobody := session(7, "acct_1")
			nobody.User = ""
			require.NoError(t, s.Sessions().Create(t.Context(), nobody))
			require.NoError(t, s.Sessions().End(t.Context(), id("ses", 4), start, "signed_out"))
			page := store.Page{Limit: 2}
			var got []string
			for {
				list, err := s.Sessions().List(t.Context(), id("user", 1), start, page)
				require.NoError(t, err)
				if len(list) == 0 {
					break
				}
				got = append(got, ids(list)...)
				page.After = got[len(got)-1]
			}
			require.Equal(t, []string{id("ses", 5), id("ses", 3), id("ses", 2), id("ses", 1)}, got)
			list, err := s.Sessions().List(t.Context(), id("user", 1), start.Add(12*time.Hour), store.Page{})
			require.NoError(t, err)
			require.Empty(t, list, "expired")
			list, err = s.Sessions().List(t.Context(), "", start, store.Page{})
			require.NoError(t, err)
			require.Empty(t, list, "sessions of nobody are nobody's")

			one, err := s.Sessions().Get(t.Context(), id("ses", 6))
			require.NoError(t, err)
			require.Equal(t, id("user", 2), one.User)
			require.Equal(t, signed(6, "", 1).Grant, one.Grant)
			_, err = s.Sessions().Get(t.Context(), "ses_none")
			require.ErrorIs(t, err, store.ErrNotFound)
		}},
		{"sessions/without_account", []string{"Sessions.Switch", "Sessions.LastAccount"}, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2")
			want := signed(1, "", 1)
			require.NoError(t, s.Sessions().Create(t.Context(), want))
			got, a, err := s.Sessions().ByHash(t.Context(), want.Hash)
			require.NoError(t, err)
			require.Empty(t, got.Account)
			require.Equal(t, store.Account{}, a)
			last, err := s.Sessions().LastAccount(t.Context(), id("user", 1))
			require.NoError(t, err)
			require.Empty(t, last)

			require.NoError(t, s.Sessions().Switch(t.Context(), want.ID, "acct_2"))
			got, a, err = s.Sessions().ByHash(t.Context(), want.Hash)
			require.NoError(t, err)
			require.Equal(t, "acct_2", got.Account)
			require.Equal(t, "acct_2", a.ID)
			later := signed(2, "acct_1", 1)
			later.SeenAt = start.Add(time.Minute)
			require.NoError(t, s.Sessions().Create(t.Context(), later))
			last, err = s.Sessions().LastAccount(t.Context(), id("user", 1))
			require.NoError(t, err)
			require.Equal(t, "acct_1", last)
			last, err = s.Sessions().LastAccount(t.Context(), "")
			require.NoError(t, err)
			require.Empty(t, last)

			require.NoError(t, s.Sessions().End(t.Context(), want.ID, start, "signed_out"))
			require.ErrorIs(t, s.Sessions().Switch(t.Context(), want.ID, "acct_1"), store.ErrNotFound)
			require.ErrorIs(t, s.Sessions().Create(t.Context(), signed(3, "acct_none", 1)), store.ErrNotFound)
		}},
		{"sessions/claim_and_check", []string{"Sessions.Claim", "Sessions.Checked"}, func(t *testing.T, h harness) { // A5
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			signIn(t, s, user(1))
			belong(t, s, member("acct_1", 1, access.RoleAdmin))
			for n := 1; n <= 4; n++ {
				x := signed(n, "acct_1", 1)
				x.CheckAt = start.Add(time.Duration(n) * time.Minute)
				if n == 4 {
					x.CheckAt = time.Time{} // its provider cannot say
				}
				require.NoError(t, s.Sessions().Create(t.Context(), x))
			}
			now, until := start.Add(2*time.Minute), start.Add(3*time.Minute)
			claims := make([][]store.Session, 8)
			for _, err := range each(len(claims), func(i int) error {
				var err error
				claims[i], err = s.Sessions().Claim(t.Context(), now, until, 10)
				return err
			}) {
				require.NoError(t, err)
			}
			var got []string
			for _, c := range claims {
				got = append(got, ids(c)...)
			}
			require.ElementsMatch(t, []string{id("ses", 1), id("ses", 2)}, got, "each is claimed once")
			list, err := s.Sessions().Claim(t.Context(), until, start.Add(time.Hour), 2)
			require.NoError(t, err)
			require.Len(t, list, 2, "a claim runs out, and a limit holds")

			x := list[0]
			x.Grant, x.CheckedAt, x.CheckAt = []byte("new"), until, start.Add(2*time.Hour)
			require.NoError(t, s.Sessions().Checked(t.Context(), x))
			now2, err := s.Sessions().Get(t.Context(), x.ID)
			require.NoError(t, err)
			sameSession(t, x, now2)
			require.NoError(t, s.Sessions().End(t.Context(), x.ID, until, "signed_out"))
			require.NoError(t, s.Sessions().Checked(t.Context(), x), "ended meanwhile is no error")
			now2, err = s.Sessions().Get(t.Context(), x.ID)
			require.NoError(t, err)
			require.Empty(t, now2.Grant, "the grant of an ended session is gone")
			require.Zero(t, now2.CheckAt)
			require.ErrorIs(t, s.Sessions().Checked(t.Context(), store.Session{ID: "ses_none"}), store.ErrNotFound)
		}},
		{"sessions/end_all", []string{"Sessions.EndAll"}, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2")
			for n, account := range []string{"acct_1", "acct_1", "acct_2"} {
				require.NoError(t, s.Sessions().Create(t.Context(), signed(n+1, account, 1)))
			}
			require.NoError(t, s.Sessions().Create(t.Context(), signed(4, "acct_1", 2)))
			nobody := session(5, "acct_1")
			nobody.User = ""
			require.NoError(t, s.Sessions().Create(t.Context(), nobody))
			require.NoError(t, s.Sessions().Create(t.Context(), signed(6, "acct_2", 3)))
			end := func(q store.SessionQuery) []string {
				list, err := s.Sessions().EndAll(t.Context(), q, start, "test")
				require.NoError(t, err)
				for _, x := range list {
					require.Equal(t, "test", x.EndReason)
					require.NotEmpty(t, x.User)
					require.NotEmpty(t, x.Account)
				}
				return ids(list)
			}
			require.Empty(t, end(store.SessionQuery{}), "nothing said is nobody's")
			require.Empty(t, end(store.SessionQuery{Account: "acct_1"}))
			require.Empty(t, end(store.SessionQuery{Issuer: "https://id.example"}))
			require.Empty(t, end(store.SessionQuery{Issuer: "https://other.example", SID: id("sid", 4)}))
			require.Equal(t, []string{id("ses", 4)}, end(store.SessionQuery{Issuer: "https://id.example", SID: id("sid", 4)}))
			require.Equal(t, []string{id("ses", 2)}, end(store.SessionQuery{User: id("user", 1), Account: "acct_1", Except: id("ses", 1)}))
			require.ElementsMatch(t, []string{id("ses", 1), id("ses", 3)}, end(store.SessionQuery{User: id("user", 1)}))
			require.Empty(t, end(store.SessionQuery{User: id("user", 1)}), "ended already")
			require.Empty(t, end(store.SessionQuery{ID: id("ses", 3)}))
			require.Empty(t, end(store.SessionQuery{ID: id("ses", 6), User: id("user", 2)}), "of somebody else")
			require.Equal(t, []string{id("ses", 6)}, end(store.SessionQuery{ID: id("ses", 6), User: id("user", 3)}))
		}},
		{"sessions/end_of_a_provider", []string{"Sessions.EndAll"}, func(t *testing.T, h harness) { // A5: back-channel logout
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			signIn(t, s, user(1), user(2))
			for n, who := range []int{1, 1, 1, 2, 2} {
				x := signed(n+1, "acct_1", who)
				if n == 2 {
					x.SID = "" // the provider did not say
				}
				require.NoError(t, s.Sessions().Create(t.Context(), x))
			}
			end := func(sid, subject string) []string {
				list, err := s.Sessions().EndAll(t.Context(), store.SessionQuery{Issuer: user(1).Issuer, SID: sid, Subject: subject}, start, "test")
				require.NoError(t, err)
				return ids(list)
			}
			require.Empty(t, end("", "sub_none"))
			require.Empty(t, end(id("sid", 1), user(2).Subject), "one's session, another's subject")
			require.Equal(t, []string{id("ses", 4)}, end(id("sid", 4), ""))
			require.ElementsMatch(t, []string{id("ses", 1), id("ses", 3)}, end(id("sid", 1), user(1).Subject))
			require.Equal(t, []string{id("ses", 2)}, end("", user(1).Subject))
			require.Equal(t, []string{id("ses", 5)}, end("", user(2).Subject))
		}},
		{"sessions/forget", []string{"Sessions.Forget"}, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			for n := 1; n <= 3; n++ {
				x := signed(n, "acct_1", 1)
				x.ExpiresAt = start.Add(time.Duration(n) * time.Hour)
				require.NoError(t, s.Sessions().Create(t.Context(), x))
			}
			more, err := s.Sessions().Forget(t.Context(), start.Add(3*time.Hour), 1)
			require.NoError(t, err)
			require.True(t, more)
			more, err = s.Sessions().Forget(t.Context(), start.Add(3*time.Hour), 5)
			require.NoError(t, err)
			require.False(t, more)
			for n, want := range []error{store.ErrNotFound, store.ErrNotFound, nil} {
				_, err := s.Sessions().Get(t.Context(), id("ses", n+1))
				require.ErrorIs(t, err, want)
			}
		}},
	}
}
