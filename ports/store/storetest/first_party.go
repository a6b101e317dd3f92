package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// hidden returns the n-th hidden credential, not yet stored.
func hidden(account, user string, n int) store.FirstParty {
	at := start.Add(time.Duration(n) * time.Second)
	return store.FirstParty{
		ID: id("fpc", n), Account: account, User: user, Digest: keys.Digest{0: byte(n), 31: 0xfe}, Pepper: "v1", Seen: "chat required chat",
		CreatedAt: at, ExpiresAt: at.Add(time.Hour),
	}
}

func firstPartyCases() []testCase {
	const account, user = "acct_1", "user_1"
	member := func(t *testing.T, s store.Store) {
		t.Helper()
		addAccounts(t, s, account, "acct_2")
		_, _, err := s.Users().SignedIn(t.Context(), store.User{ID: user, Issuer: "i", Subject: "1", Rule: "required", Groups: access.NewGroups(access.GroupChat), CreatedAt: start})
		require.NoError(t, err)
		require.NoError(t, s.Members().Add(t.Context(), store.Member{Account: account, User: user, Role: access.RoleMember, CreatedAt: start}))
	}
	return []testCase{
		{"first_party/put_and_read", []string{"FirstParties.Of", "FirstParties.Put", "FirstParties.ByDigest", "FirstParties.Holders"}, func(t *testing.T, h harness) { // K8
			s := h.store(t)
			member(t, s)
			_, err := s.FirstParties().Of(t.Context(), account, user)
			require.ErrorIs(t, err, store.ErrNotFound)
			first, second, other := hidden(account, user, 1), hidden(account, user, 2), hidden("acct_2", user, 3)
			require.NoError(t, s.FirstParties().Put(t.Context(), first, keys.Digest{}))
			require.NoError(t, s.FirstParties().Put(t.Context(), other, keys.Digest{}))
			require.ErrorIs(t, s.FirstParties().Put(t.Context(), second, keys.Digest{}), store.ErrTaken, "there is one")
			require.ErrorIs(t, s.FirstParties().Put(t.Context(), second, second.Digest), store.ErrTaken, "it is another one")
			got, err := s.FirstParties().Of(t.Context(), account, user)
			require.NoError(t, err)
			require.Equal(t, first, got)

			limit := ledger.Limit{Scope: user, Monthly: 7}
			require.NoError(t, s.Limits().Set(t.Context(), account, limit, start))
			require.NoError(t, s.Limits().Set(t.Context(), account, ledger.Limit{Scope: "user_2", Monthly: 8}, start))
			holder, err := s.FirstParties().ByDigest(t.Context(), first.Digest)
			require.NoError(t, err)
			require.True(t, holder.Key.Hidden)
			require.Equal(t, first.Digest, holder.Key.Digest)
			require.Equal(t, user, holder.Key.User)
			require.Equal(t, first.ExpiresAt, holder.Key.ExpiresAt)
			require.Equal(t, keys.AllScopes, holder.Key.Scopes)
			require.Equal(t, "required", holder.UserRule)
			require.True(t, holder.UserGroups.Has(access.GroupChat))
			require.Equal(t, []ledger.Limit{limit}, holder.Limits)
			require.Equal(t, epoch(t, s), holder.Account.Epoch)

			at := head(t, s)
			require.NoError(t, s.FirstParties().Put(t.Context(), second, first.Digest))
			require.Equal(t, []string{account}, since(t, s, at))
			got, err = s.FirstParties().Of(t.Context(), account, user)
			require.NoError(t, err)
			second.ID = first.ID
			require.Equal(t, second, got)
			_, err = s.FirstParties().ByDigest(t.Context(), first.Digest)
			require.ErrorIs(t, err, store.ErrNotFound)
			holders, err := s.FirstParties().Holders(t.Context(), account, []string{first.ID, other.ID, "key_1"})
			require.NoError(t, err)
			require.Len(t, holders, 1)
			require.Equal(t, second.Digest, holders[0].Key.Digest)
			holders, err = s.FirstParties().Holders(t.Context(), account, nil)
			require.NoError(t, err)
			require.Empty(t, holders)
		}},
		{"first_party/is_no_key", nil, func(t *testing.T, h harness) { // K8
			s := h.store(t)
			member(t, s)
			c := hidden(account, user, 1)
			require.NoError(t, s.FirstParties().Put(t.Context(), c, keys.Digest{}))
			for _, list := range []func() ([]keys.Key, error){
				func() ([]keys.Key, error) { return s.Keys().List(t.Context(), account, store.Page{}) },
				func() ([]keys.Key, error) { return s.Keys().OfUser(t.Context(), account, user, store.Page{}) },
				func() ([]keys.Key, error) { return s.Keys().Notices(t.Context(), 10) },
			} {
				ks, err := list()
				require.NoError(t, err)
				require.Empty(t, ks)
			}
			_, err := s.Keys().Find(t.Context(), c.ID)
			require.ErrorIs(t, err, store.ErrNotFound)
			require.Empty(t, holders(t, s, c.Digest))
			counts, err := s.Keys().Peppers(t.Context())
			require.NoError(t, err)
			require.Empty(t, counts)
			_, err = s.Keys().Revoke(t.Context(), account, c.ID, start, "pat")
			require.ErrorIs(t, err, store.ErrNotFound)
		}},
		{"first_party/ends", []string{"FirstParties.End"}, func(t *testing.T, h harness) { // K8, A7, D2: however it comes
			for name, end := range map[string]func(t *testing.T, s store.Store) error{
				"by itself":  func(t *testing.T, s store.Store) error { return s.FirstParties().End(t.Context(), account, user) },
				"its member": func(t *testing.T, s store.Store) error { return s.Members().Remove(t.Context(), account, user) },
				"its account": func(t *testing.T, s store.Store) error {
					a, err := s.Accounts().Get(t.Context(), account)
					require.NoError(t, err)
					a.Status = access.StatusClosed
					return s.Accounts().Set(t.Context(), a)
				},
			} {
				s := h.store(t)
				member(t, s)
				stays := hidden("acct_2", user, 2)
				require.NoError(t, s.FirstParties().Put(t.Context(), hidden(account, user, 1), keys.Digest{}))
				require.NoError(t, s.FirstParties().Put(t.Context(), stays, keys.Digest{}))
				at := head(t, s)
				require.NoError(t, end(t, s), name)
				require.Contains(t, since(t, s, at), account, name)
				_, err := s.FirstParties().Of(t.Context(), account, user)
				require.ErrorIs(t, err, store.ErrNotFound, name)
				_, err = s.FirstParties().Of(t.Context(), "acct_2", user)
				require.NoError(t, err, name)
				require.NoError(t, s.FirstParties().End(t.Context(), account, user), "there is none")
			}
		}},
		{"first_party/expire", []string{"FirstParties.Expire"}, func(t *testing.T, h harness) {
			s, clock := h.clocked(t)
			addAccounts(t, s, account)
			for n := range 3 {
				c := hidden(account, id("user", n), n)
				c.ExpiresAt = start.Add(time.Duration(n) * time.Hour)
				require.NoError(t, s.FirstParties().Put(t.Context(), c, keys.Digest{}))
			}
			expire := func(want int) {
				n, err := s.FirstParties().Expire(t.Context(), 10)
				require.NoError(t, err)
				require.Equal(t, want, n)
			}
			clock.Set(start.Add(time.Hour))
			expire(0)
			clock.Set(start.Add(2*time.Hour + time.Second))
			expire(2)
			expire(0)
			_, err := s.FirstParties().Of(t.Context(), account, id("user", 2))
			require.NoError(t, err)
		}},
	}
}
