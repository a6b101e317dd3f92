package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

// user returns the n-th user, not yet stored.
func user(n int) store.User {
	return store.User{
		ID: id("user", n), Issuer: "https://id.example", Subject: id("sub", n), Provider: "example", Email: id("Person", n) + "@example.org",
		EmailVerified: true, Name: "Ünïcode 名", Rule: "required", Groups: access.NewGroups(access.GroupAPI, access.GroupChat),
		CreatedAt: start, UpdatedAt: start, SeenAt: start,
	}
}

func sameUser(t *testing.T, want, got store.User) {
	t.Helper()
	require.Equal(t, want.Groups.String(), got.Groups.String())
	got.Groups = want.Groups
	require.Equal(t, want, got)
}

// signIn stores users.
func signIn(t *testing.T, s store.Store, users ...store.User) {
	t.Helper()
	for _, u := range users {
		_, _, err := s.Users().SignedIn(t.Context(), u)
		require.NoError(t, err)
	}
}

func member(account string, n int, role access.Role) store.Member {
	return store.Member{Account: account, User: id("user", n), Role: role, CreatedAt: start}
}

// belong stores members.
func belong(t *testing.T, s store.Store, members ...store.Member) {
	t.Helper()
	for _, m := range members {
		require.NoError(t, s.Members().Add(t.Context(), m))
	}
}

func peopleCases() []testCase {
	return []testCase{
		{"users/signed_in", []string{"Users.SignedIn", "Users.Get", "Users.Find"}, func(t *testing.T, h harness) { // A1, A2
			s := h.store(t)
			want := user(1)
			kept, created, err := s.Users().SignedIn(t.Context(), want)
			require.NoError(t, err)
			require.True(t, created)
			sameUser(t, want, kept)

			// The same identity again, under another ID, unchanged and then changed.
			again := want
			again.ID, again.CreatedAt, again.UpdatedAt, again.SeenAt = id("user", 9), start.Add(time.Hour), start.Add(time.Hour), start.Add(time.Hour)
			kept, created, err = s.Users().SignedIn(t.Context(), again)
			require.NoError(t, err)
			require.False(t, created)
			want.SeenAt = again.SeenAt
			sameUser(t, want, kept)
			for i, change := range []func(u *store.User){
				func(u *store.User) { u.Email = "other@example.org" },
				func(u *store.User) { u.EmailVerified = false },
				func(u *store.User) { u.Name = "" },
				func(u *store.User) { u.Provider = "second" },
				func(u *store.User) { u.Rule = "none" },
				func(u *store.User) { u.Groups = access.Groups{} },
			} {
				change(&again)
				change(&want)
				again.UpdatedAt = start.Add(time.Duration(2+i) * time.Hour)
				again.SeenAt = again.UpdatedAt
				want.UpdatedAt, want.SeenAt = again.UpdatedAt, again.SeenAt
				kept, created, err = s.Users().SignedIn(t.Context(), again)
				require.NoError(t, err)
				require.False(t, created)
				sameUser(t, want, kept)
			}

			// Another issuer's subject of the same name, and e-mail, is somebody else.
			other := user(2)
			other.Issuer, other.Subject, other.Email = "https://other.example", want.Subject, want.Email
			_, created, err = s.Users().SignedIn(t.Context(), other)
			require.NoError(t, err)
			require.True(t, created)
			for _, want := range []store.User{want, other} {
				got, err := s.Users().Get(t.Context(), want.ID)
				require.NoError(t, err)
				sameUser(t, want, got)
				got, err = s.Users().Find(t.Context(), want.Issuer, want.Subject)
				require.NoError(t, err)
				sameUser(t, want, got)
			}
			_, err = s.Users().Get(t.Context(), again.ID)
			require.ErrorIs(t, err, store.ErrNotFound)
			_, err = s.Users().Find(t.Context(), want.Issuer, "nobody")
			require.ErrorIs(t, err, store.ErrNotFound)
		}},
		{"users/signed_in_at_once", nil, func(t *testing.T, h harness) { // A1: one identity, one user
			s := h.store(t)
			found := make([]string, 20)
			for _, err := range each(len(found), func(i int) error {
				u := user(1)
				u.ID = id("user", 1+i)
				kept, _, err := s.Users().SignedIn(t.Context(), u)
				found[i] = kept.ID
				return err
			}) {
				require.NoError(t, err)
			}
			for _, one := range found {
				require.Equal(t, found[0], one)
			}
		}},
		{"users/changes", nil, func(t *testing.T, h harness) { // G7: groups reach every account, and nothing else does
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2", "acct_3")
			signIn(t, s, user(1), user(2))
			belong(t, s, member("acct_2", 1, access.RoleMember), member("acct_1", 1, access.RoleAdmin), member("acct_3", 2, access.RoleAdmin))
			u := user(1)
			for _, c := range []struct {
				change func()
				want   []string
			}{
				{func() {}, nil},
				{func() { u.Email, u.Name, u.SeenAt = "x@example.org", "x", start.Add(time.Hour) }, nil},
				{func() { u.Groups = access.NewGroups(access.GroupChat) }, []string{"acct_1", "acct_2"}},
				{func() {}, nil},
				{func() { u.Rule = "none" }, []string{"acct_1", "acct_2"}},
				{func() { u.Groups = access.NewGroups(access.GroupAPI, access.GroupChat) }, []string{"acct_1", "acct_2"}},
			} {
				at := head(t, s)
				c.change()
				signIn(t, s, u)
				require.ElementsMatch(t, c.want, since(t, s, at))
			}
		}},
		{"members/add_and_get", []string{"Members.Add", "Members.Get", "Members.Of"}, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2")
			signIn(t, s, user(1), user(2))
			want := member("acct_1", 1, access.RoleAdmin)
			belong(t, s, want, member("acct_2", 1, access.RoleMember))
			got, err := s.Members().Get(t.Context(), "acct_1", want.User)
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.ErrorIs(t, s.Members().Add(t.Context(), member("acct_1", 1, access.RoleMember)), store.ErrTaken)
			require.ErrorIs(t, s.Members().Add(t.Context(), member("acct_9", 1, access.RoleMember)), store.ErrNotFound)
			require.ErrorIs(t, s.Members().Add(t.Context(), member("acct_1", 9, access.RoleMember)), store.ErrNotFound)
			_, err = s.Members().Get(t.Context(), "acct_1", id("user", 2))
			require.ErrorIs(t, err, store.ErrNotFound)

			of, err := s.Members().Of(t.Context(), want.User)
			require.NoError(t, err)
			require.Equal(t, []store.Membership{
				{Member: want, Name: account("acct_1").Name, Status: access.StatusActive},
				{Member: member("acct_2", 1, access.RoleMember), Name: account("acct_2").Name, Status: access.StatusActive},
			}, of)
			of, err = s.Members().Of(t.Context(), id("user", 2))
			require.NoError(t, err)
			require.Empty(t, of)
		}},
		{"members/list_by_keyset", []string{"Members.List"}, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2")
			for n := 5; n >= 1; n-- {
				signIn(t, s, user(n))
				belong(t, s, member("acct_1", n, access.RoleMember))
			}
			belong(t, s, member("acct_2", 1, access.RoleMember))
			var seen []string
			page := store.Page{Limit: 2}
			for range 4 {
				got, err := s.Members().List(t.Context(), "acct_1", page)
				require.NoError(t, err)
				require.LessOrEqual(t, len(got), 2)
				for _, m := range got {
					seen = append(seen, m.User)
					page.After = m.User
				}
			}
			require.Equal(t, []string{id("user", 1), id("user", 2), id("user", 3), id("user", 4), id("user", 5)}, seen)
			got, err := s.Members().List(t.Context(), "acct_2", store.Page{})
			require.NoError(t, err)
			require.Equal(t, []store.MemberUser{{Member: member("acct_2", 1, access.RoleMember), Email: user(1).Email, Name: user(1).Name, SeenAt: start}}, got)
		}},
		{"members/role_and_remove", []string{"Members.SetRole", "Members.Remove", "Members.Admins"}, func(t *testing.T, h harness) { // A7
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2")
			signIn(t, s, user(1), user(2))
			belong(t, s, member("acct_1", 1, access.RoleAdmin), member("acct_1", 2, access.RoleMember), member("acct_2", 1, access.RoleAdmin))
			admins := func(account string, want int64) {
				t.Helper()
				got, err := s.Members().Admins(t.Context(), account)
				require.NoError(t, err)
				require.Equal(t, want, got)
			}
			admins("acct_1", 1)
			require.NoError(t, s.Members().SetRole(t.Context(), "acct_1", id("user", 2), access.RoleAdmin))
			admins("acct_1", 2)
			got, err := s.Members().Get(t.Context(), "acct_1", id("user", 2))
			require.NoError(t, err)
			require.Equal(t, member("acct_1", 2, access.RoleAdmin), got)
			require.NoError(t, s.Members().Remove(t.Context(), "acct_1", id("user", 1)))
			admins("acct_1", 1)
			admins("acct_2", 1)
			_, err = s.Members().Get(t.Context(), "acct_1", id("user", 1))
			require.ErrorIs(t, err, store.ErrNotFound)
			require.ErrorIs(t, s.Members().Remove(t.Context(), "acct_1", id("user", 1)), store.ErrNotFound)
			require.ErrorIs(t, s.Members().SetRole(t.Context(), "acct_1", id("user", 1), access.RoleAdmin), store.ErrNotFound)
			require.ErrorIs(t, s.Members().Remove(t.Context(), "acct_9", id("user", 1)), store.ErrNotFound)
		}},
		{"members/changes", nil, func(t *testing.T, h harness) { // G7, A7
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			signIn(t, s, user(1))
			at, before := head(t, s), epoch(t, s)
			belong(t, s, member("acct_1", 1, access.RoleMember))
			require.Equal(t, []string{"acct_1"}, since(t, s, at))
			require.Equal(t, before+1, epoch(t, s))
			at, before = head(t, s), epoch(t, s)
			require.NoError(t, s.Members().SetRole(t.Context(), "acct_1", id("user", 1), access.RoleAdmin))
			require.NoError(t, s.Members().Remove(t.Context(), "acct_1", id("user", 1)))
			require.Equal(t, []string{"acct_1", "acct_1"}, since(t, s, at))
			require.Equal(t, before+2, epoch(t, s))
			require.ErrorIs(t, s.Members().Remove(t.Context(), "acct_1", id("user", 1)), store.ErrNotFound)
			require.Len(t, since(t, s, at), 2)
		}},
		{"members/join_while_groups_change", nil, func(t *testing.T, h harness) { // G7: whoever is last, it is heard of
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2", "acct_3", "acct_4")
			const rounds = 20
			for n := range rounds {
				u := user(n)
				signIn(t, s, u)
				for i, err := range each(5, func(i int) error {
					if i < 4 {
						return s.Members().Add(t.Context(), member(fmt.Sprint("acct_", i+1), n, access.RoleMember))
					}
					u.Groups = access.NewGroups(access.GroupWorkspace)
					_, _, err := s.Users().SignedIn(t.Context(), u)
					return err
				}) {
					require.NoError(t, err, i)
				}
				at := head(t, s)
				// Every membership is there: one more change reaches all of them.
				signIn(t, s, user(n))
				require.ElementsMatch(t, []string{"acct_1", "acct_2", "acct_3", "acct_4"}, since(t, s, at))
			}
		}},
		{"keys/holders_and_their_users", []string{"Keys.Holders", "Keys.OfUser"}, func(t *testing.T, h harness) { // DECISIONS, Principal
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2")
			signIn(t, s, user(1), user(2))
			belong(t, s, member("acct_1", 1, access.RoleMember), member("acct_2", 2, access.RoleMember))
			own, stranger, nobodys, foreign := key("acct_1", 1), key("acct_1", 2), key("acct_1", 3), key("acct_2", 4)
			own.User, stranger.User, foreign.User = id("user", 1), id("user", 2), id("user", 2)
			next := key("acct_1", 5)
			next.User = own.User
			for _, k := range []keys.Key{own, stranger, nobodys, foreign, next} {
				require.NoError(t, s.Keys().Create(t.Context(), k))
			}
			rule := func(h store.KeyHolder) string { return h.UserRule + ":" + h.UserGroups.String() }

			got := holders(t, s, own.Digest, stranger.Digest, nobodys.Digest, foreign.Digest)
			require.Len(t, got, 4)
			require.Equal(t, "required:api,chat", rule(got[own.ID]))
			require.Equal(t, ":", rule(got[stranger.ID]), "a member of another account only")
			require.Equal(t, ":", rule(got[nobodys.ID]))
			require.Equal(t, "required:api,chat", rule(got[foreign.ID]))

			u := user(1)
			u.Rule, u.Groups = "none", access.Groups{}
			signIn(t, s, u)
			require.Equal(t, "none:", rule(holders(t, s, own.Digest)[own.ID]))
			require.NoError(t, s.Members().Remove(t.Context(), "acct_1", u.ID))
			require.Equal(t, ":", rule(holders(t, s, own.Digest)[own.ID]))

			list, err := s.Keys().Holders(t.Context(), "acct_1", []string{own.ID, foreign.ID, nobodys.ID, "key_none"})
			require.NoError(t, err)
			byID := map[string]store.KeyHolder{}
			for _, one := range list {
				byID[one.Key.ID] = one
			}
			require.Len(t, byID, 2)
			require.Equal(t, holders(t, s, own.Digest)[own.ID], byID[own.ID])
			require.Equal(t, holders(t, s, nobodys.Digest)[nobodys.ID], byID[nobodys.ID])
			list, err = s.Keys().Holders(t.Context(), "acct_1", nil)
			require.NoError(t, err)
			require.Empty(t, list)

			var seen []string
			for page := (store.Page{Limit: 1}); len(seen) < 3; {
				ks, err := s.Keys().OfUser(t.Context(), "acct_1", own.User, page)
				require.NoError(t, err)
				if len(ks) == 0 {
					break
				}
				seen, page.After = append(seen, ks[0].ID), ks[0].ID
			}
			require.Equal(t, []string{next.ID, own.ID}, seen)
		}},
	}
}
