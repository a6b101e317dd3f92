package storetest

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

func keyCases() []testCase {
	return []testCase{
		{"keys/create_get_find", []string{"Keys.Create", "Keys.Get", "Keys.Find"}, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			want := key("acct_1", 1)
			want.User, want.Scopes, want.Models = "user_1", []keys.Scope{keys.ScopeModels, keys.ScopeEmbeddings}, []string{"vendor/model", "gpt-*"}
			want.Networks, want.Family = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}, "key_first"
			require.NoError(t, s.Keys().Create(t.Context(), want))
			bare := key("acct_1", 2)
			require.NoError(t, s.Keys().Create(t.Context(), bare))

			got, err := s.Keys().Get(t.Context(), "acct_1", want.ID)
			require.NoError(t, err)
			sameKey(t, want, got)
			got, err = s.Keys().Find(t.Context(), bare.ID)
			require.NoError(t, err)
			sameKey(t, bare, got)
			_, err = s.Keys().Get(t.Context(), "acct_1", "key_none")
			require.ErrorIs(t, err, store.ErrNotFound)
			_, err = s.Keys().Find(t.Context(), "key_none")
			require.ErrorIs(t, err, store.ErrNotFound)
		}},
		{"keys/taken", nil, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2")
			first := key("acct_1", 1)
			require.NoError(t, s.Keys().Create(t.Context(), first))
			sameID := key("acct_2", 2)
			sameID.ID = first.ID
			require.ErrorIs(t, s.Keys().Create(t.Context(), sameID), store.ErrTaken)
			sameDigest := key("acct_2", 3)
			sameDigest.Digest = first.Digest
			require.ErrorIs(t, s.Keys().Create(t.Context(), sameDigest), store.ErrTaken)

			got, err := s.Keys().Find(t.Context(), first.ID)
			require.NoError(t, err)
			sameKey(t, first, got)
			_, err = s.Keys().Find(t.Context(), sameDigest.ID)
			require.ErrorIs(t, err, store.ErrNotFound)
		}},
		{"keys/list_by_keyset", []string{"Keys.List"}, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2")
			for n := 1; n <= 5; n++ {
				require.NoError(t, s.Keys().Create(t.Context(), key("acct_1", n)))
			}
			require.NoError(t, s.Keys().Create(t.Context(), key("acct_2", 6)))
			var seen []string
			page := store.Page{Limit: 2}
			for range 4 {
				got, err := s.Keys().List(t.Context(), "acct_1", page)
				require.NoError(t, err)
				require.LessOrEqual(t, len(got), 2)
				for _, k := range got {
					seen = append(seen, k.ID)
					page.After = k.ID
				}
			}
			require.Equal(t, []string{id("key", 5), id("key", 4), id("key", 3), id("key", 2), id("key", 1)}, seen)
		}},
		{"keys/by_digests", []string{"Keys.ByDigests"}, func(t *testing.T, h harness) { // K2, two peppers
			s := h.store(t)
			funded(t, s, "acct_1", 500)
			addAccounts(t, s, "acct_2")
			k1, k2 := key("acct_1", 1), key("acct_2", 2)
			require.NoError(t, s.Keys().Create(t.Context(), k1))
			require.NoError(t, s.Keys().Create(t.Context(), k2))
			unknown := key("acct_1", 3).Digest

			for _, digests := range [][]keys.Digest{{k1.Digest}, {unknown, k1.Digest}, {k1.Digest, unknown}, {k1.Digest, k1.Digest}} {
				got := holders(t, s, digests...)
				require.Len(t, got, 1)
				sameKey(t, k1, got[k1.ID].Key)
				want, err := s.Accounts().Get(t.Context(), "acct_1")
				require.NoError(t, err)
				require.Positive(t, want.Epoch)
				sameAccount(t, want, got[k1.ID].Account)
				require.Empty(t, got[k1.ID].Limits)
			}
			got := holders(t, s, k2.Digest, unknown, k1.Digest)
			require.Len(t, got, 2)
			sameKey(t, k1, got[k1.ID].Key)
			sameKey(t, k2, got[k2.ID].Key)
			require.Equal(t, "acct_2", got[k2.ID].Account.ID)
			for _, digests := range [][]keys.Digest{{unknown}, {unknown, {}}, {}, nil} {
				require.Empty(t, holders(t, s, digests...))
			}
			_, err := s.Keys().Revoke(t.Context(), "acct_1", k1.ID, start, "user_1")
			require.NoError(t, err)
			got = holders(t, s, k1.Digest)
			require.Len(t, got, 1, "a revoked key is found: the gate tells its reason")
			require.Equal(t, keys.StateRevoked, got[k1.ID].Key.State(start))
		}},
		{"keys/by_digests_with_limits", nil, func(t *testing.T, h harness) { // L12, K7: those of account, user and key, and no other's
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2", "acct_3")
			own, userless, other, bare := key("acct_1", 1), key("acct_1", 2), key("acct_2", 3), key("acct_3", 4)
			own.User, other.User, bare.User = "user_1", "user_1", "user_1"
			next := key("acct_1", 5)
			next.Family = own.ID
			require.NoError(t, s.Keys().Create(t.Context(), next))
			for _, k := range []keys.Key{own, userless, other, bare} {
				require.NoError(t, s.Keys().Create(t.Context(), k))
			}
			ofAccount := ledger.Limit{Scope: "acct_1", Monthly: ledger.MaxAmount}
			ofUser := ledger.Limit{Scope: "user_1", Monthly: 7, Requests: 60}
			ofKey := ledger.Limit{Scope: own.ID, Requests: 3, Tokens: 1000}
			elsewhere := ledger.Limit{Scope: "user_1", Monthly: 1}
			given := ledger.Limit{Scope: store.OperatorScope, Requests: 9}
			for account, limits := range map[string][]ledger.Limit{
				"acct_1": {ofKey, ofUser, ofAccount, given, {Scope: "key_of_nobody", Monthly: 2}, {Scope: "user_2", Monthly: 3}, {Scope: next.ID, Monthly: 4}},
				"acct_2": {elsewhere},
			} {
				for _, l := range limits {
					require.NoError(t, s.Limits().Set(t.Context(), account, l, start))
				}
			}
			got := holders(t, s, own.Digest, userless.Digest, other.Digest, bare.Digest, next.Digest)
			require.Len(t, got, 5)
			require.Equal(t, []ledger.Limit{ofAccount, ofKey, given, ofUser}, got[own.ID].Limits)
			require.Equal(t, []ledger.Limit{ofAccount, ofKey, given}, got[next.ID].Limits, "what follows a key counts with it")
			require.Equal(t, []ledger.Limit{ofAccount, given}, got[userless.ID].Limits)
			require.Equal(t, []ledger.Limit{elsewhere}, got[other.ID].Limits)
			require.Empty(t, got[bare.ID].Limits)
			sameKey(t, own, got[own.ID].Key)
			require.Equal(t, epoch(t, s), got[own.ID].Account.Epoch)
		}},
		{"keys/revoke_twice", []string{"Keys.Revoke"}, func(t *testing.T, h harness) { // K5
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			want := key("acct_1", 1)
			require.NoError(t, s.Keys().Create(t.Context(), want))
			before := epoch(t, s)
			changed, err := s.Keys().Revoke(t.Context(), "acct_1", want.ID, start.Add(time.Minute), "user_1")
			require.NoError(t, err)
			require.True(t, changed)
			require.Greater(t, epoch(t, s), before)

			changed, err = s.Keys().Revoke(t.Context(), "acct_1", want.ID, start.Add(time.Hour), "user_2")
			require.NoError(t, err)
			require.False(t, changed)
			want.RevokedAt, want.RevokedBy = start.Add(time.Minute), "user_1"
			got, err := s.Keys().Get(t.Context(), "acct_1", want.ID)
			require.NoError(t, err)
			sameKey(t, want, got)

			_, err = s.Keys().Revoke(t.Context(), "acct_1", "key_none", start, "user_1")
			require.ErrorIs(t, err, store.ErrNotFound)
		}},
		{"keys/succeed", []string{"Keys.Succeed"}, func(t *testing.T, h harness) { // K6
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			want, revoked := key("acct_1", 1), key("acct_1", 2)
			require.NoError(t, s.Keys().Create(t.Context(), want))
			require.NoError(t, s.Keys().Create(t.Context(), revoked))
			before := epoch(t, s)
			until := start.Add(keys.DefaultOverlap)
			require.NoError(t, s.Keys().Succeed(t.Context(), "acct_1", want.ID, "key_next", until))
			require.Greater(t, epoch(t, s), before)
			want.Successor, want.ExpiresAt = "key_next", until
			require.ErrorIs(t, s.Keys().Succeed(t.Context(), "acct_1", want.ID, "key_third", until.Add(time.Hour)), store.ErrTaken)
			got, err := s.Keys().Get(t.Context(), "acct_1", want.ID)
			require.NoError(t, err)
			sameKey(t, want, got)

			_, err = s.Keys().Revoke(t.Context(), "acct_1", revoked.ID, start, "user_1")
			require.NoError(t, err)
			require.ErrorIs(t, s.Keys().Succeed(t.Context(), "acct_1", revoked.ID, "key_next", until), store.ErrTaken)
			require.ErrorIs(t, s.Keys().Succeed(t.Context(), "acct_1", "key_none", "key_next", until), store.ErrNotFound)
		}},
		{"keys/succeed_race", nil, func(t *testing.T, h harness) { // K6: one successor
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			k := key("acct_1", 1)
			require.NoError(t, s.Keys().Create(t.Context(), k))
			won := ""
			for i, err := range each(100, func(i int) error {
				return s.Keys().Succeed(t.Context(), "acct_1", k.ID, id("key_next", i), start.Add(time.Hour))
			}) {
				if err == nil {
					require.Empty(t, won, "two won")
					won = id("key_next", i)
					continue
				}
				require.ErrorIs(t, err, store.ErrTaken)
			}
			require.NotEmpty(t, won)
			got, err := s.Keys().Find(t.Context(), k.ID)
			require.NoError(t, err)
			require.Equal(t, won, got.Successor)
		}},
		{"keys/narrow", []string{"Keys.Narrow"}, func(t *testing.T, h harness) { // K7
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2")
			want := key("acct_1", 1)
			require.NoError(t, s.Keys().Create(t.Context(), want))
			for _, c := range []struct {
				models   []string
				networks []netip.Prefix
			}{{[]string{"gpt-*"}, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, {nil, []netip.Prefix{netip.MustParsePrefix("::1/128")}}, {[]string{"m"}, nil}, {nil, nil}} {
				at, before := head(t, s), epoch(t, s)
				require.NoError(t, s.Keys().Narrow(t.Context(), "acct_1", want.ID, c.models, c.networks))
				want.Models, want.Networks = c.models, c.networks
				got, err := s.Keys().Get(t.Context(), "acct_1", want.ID)
				require.NoError(t, err)
				sameKey(t, want, got)
				require.Equal(t, before+1, epoch(t, s))
				require.Equal(t, []string{"acct_1"}, since(t, s, at))
			}
			require.ErrorIs(t, s.Keys().Narrow(t.Context(), "acct_2", want.ID, nil, nil), store.ErrNotFound)
			require.ErrorIs(t, s.Keys().Narrow(t.Context(), "acct_1", "key_none", nil, nil), store.ErrNotFound)
		}},
		{"keys/notices", []string{"Keys.Notices", "Keys.Noticed"}, func(t *testing.T, h harness) { // K4
			s, clock := h.clocked(t)
			addAccounts(t, s, "acct_1", "acct_2")
			at := func(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }
			for n, k := range []keys.Key{key("acct_1", 0), key("acct_1", 1), key("acct_2", 2), key("acct_1", 3), key("acct_1", 4), key("acct_1", 5)} {
				if n > 0 {
					k.NoticeAt = at(6 - n)
				}
				require.NoError(t, s.Keys().Create(t.Context(), k))
			}
			due := func(limit int) (ids []string) {
				ks, err := s.Keys().Notices(t.Context(), limit)
				require.NoError(t, err)
				for _, k := range ks {
					ids = append(ids, k.ID)
				}
				return ids
			}
			require.Empty(t, due(10))
			clock.Set(at(4))
			require.Equal(t, []string{id("key", 5), id("key", 4), id("key", 3), id("key", 2)}, due(10))
			require.Equal(t, []string{id("key", 5), id("key", 4)}, due(2))

			before, from := epoch(t, s), head(t, s)
			for _, c := range []struct {
				account string
				n       int
				from    time.Time
				changed bool
			}{
				{"acct_1", 5, at(2), false},
				{"acct_2", 5, at(1), false},
				{"acct_1", 9, at(1), false},
				{"acct_1", 5, at(1), true},
				{"acct_1", 5, at(1), false},
			} {
				changed, err := s.Keys().Noticed(t.Context(), c.account, id("key", c.n), c.from, at(9))
				require.NoError(t, err)
				require.Equal(t, c.changed, changed)
			}
			changed, err := s.Keys().Noticed(t.Context(), "acct_2", id("key", 2), at(4), time.Time{})
			require.NoError(t, err)
			require.True(t, changed)
			require.Equal(t, []string{id("key", 4), id("key", 3)}, due(10))
			require.Equal(t, before, epoch(t, s))
			require.Empty(t, since(t, s, from), "no gate looks at it")

			_, err = s.Keys().Revoke(t.Context(), "acct_1", id("key", 4), start, "user_1")
			require.NoError(t, err)
			require.NoError(t, s.Keys().Succeed(t.Context(), "acct_1", id("key", 3), "key_next", at(100)))
			clock.Set(at(8))
			require.Equal(t, []string{id("key", 1)}, due(10))
			clock.Set(at(9))
			require.Equal(t, []string{id("key", 1), id("key", 5)}, due(10))
		}},
		{"keys/peppers", []string{"Keys.Peppers"}, func(t *testing.T, h harness) {
			s, clock := h.clocked(t)
			addAccounts(t, s, "acct_1", "acct_2")
			got, err := s.Keys().Peppers(t.Context())
			require.NoError(t, err)
			require.Empty(t, got)
			for n := range 5 {
				k := key(fmt.Sprint("acct_", 1+n%2), n)
				k.Pepper, k.CreatedAt = []string{"v1", "v2"}[n%2], start
				k.ExpiresAt = start.Add(time.Duration(1+n) * time.Hour)
				require.NoError(t, s.Keys().Create(t.Context(), k))
			}
			_, err = s.Keys().Revoke(t.Context(), "acct_1", id("key", 4), start, "pat")
			require.NoError(t, err)
			clock.Add(time.Hour)
			got, err = s.Keys().Peppers(t.Context())
			require.NoError(t, err)
			require.Equal(t, map[string]int64{"v1": 1, "v2": 2}, got)
		}},
		{"keys/touch_now_and_then", []string{"Keys.Touch"}, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			want := key("acct_1", 1)
			require.NoError(t, s.Keys().Create(t.Context(), want))
			for _, c := range []struct{ at, want time.Duration }{
				{time.Hour, time.Hour},
				{0, time.Hour},
				{time.Hour + time.Minute - time.Microsecond, time.Hour},
				{time.Hour + time.Minute, time.Hour + time.Minute},
				{time.Hour + time.Minute, time.Hour + time.Minute},
				{2 * time.Hour, 2 * time.Hour},
			} {
				require.NoError(t, s.Keys().Touch(t.Context(), want.ID, start.Add(c.at), time.Minute))
				want.LastUsedAt = start.Add(c.want)
				got, err := s.Keys().Find(t.Context(), want.ID)
				require.NoError(t, err)
				sameKey(t, want, got)
			}
			require.ErrorIs(t, s.Keys().Touch(t.Context(), "key_none", start, time.Minute), store.ErrNotFound)
		}},
		{"keys/rehash", []string{"Keys.Rehash"}, func(t *testing.T, h harness) { // K2
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			want := key("acct_1", 1)
			old := want.Digest
			require.NoError(t, s.Keys().Create(t.Context(), want))
			want.Digest, want.Pepper = keys.Digest{7, 7, 7}, "v2"
			require.NoError(t, s.Keys().Rehash(t.Context(), want.ID, want.Digest, "v2"))
			got := holders(t, s, want.Digest, old)
			require.Len(t, got, 1)
			sameKey(t, want, got[want.ID].Key)
			require.Empty(t, holders(t, s, old))
			require.ErrorIs(t, s.Keys().Rehash(t.Context(), "key_none", keys.Digest{8}, "v2"), store.ErrNotFound)
		}},
		{"keys/of_another_account", nil, func(t *testing.T, h harness) { // W4: foreign and unknown look the same
			s := h.store(t)
			addAccounts(t, s, "acct_1", "acct_2")
			want := key("acct_1", 1)
			require.NoError(t, s.Keys().Create(t.Context(), want))
			_, err := s.Keys().Get(t.Context(), "acct_2", want.ID)
			require.ErrorIs(t, err, store.ErrNotFound)
			changed, err := s.Keys().Revoke(t.Context(), "acct_2", want.ID, start, "user_2")
			require.ErrorIs(t, err, store.ErrNotFound)
			require.False(t, changed)
			require.ErrorIs(t, s.Keys().Succeed(t.Context(), "acct_2", want.ID, "key_next", start), store.ErrNotFound)
			list, err := s.Keys().List(t.Context(), "acct_2", store.Page{})
			require.NoError(t, err)
			require.Empty(t, list)
			got, err := s.Keys().Get(t.Context(), "acct_1", want.ID)
			require.NoError(t, err)
			sameKey(t, want, got)
		}},
	}
}

// holders returns the keys with one of the digests, by ID.
func holders(t *testing.T, s store.Store, digests ...keys.Digest) map[string]store.KeyHolder {
	t.Helper()
	list, err := s.Keys().ByDigests(t.Context(), digests)
	require.NoError(t, err)
	got := map[string]store.KeyHolder{}
	for _, h := range list {
		require.NotContains(t, got, h.Key.ID, "a key comes once")
		got[h.Key.ID] = h
	}
	return got
}

func epoch(t *testing.T, s store.Store) int64 {
	t.Helper()
	a, err := s.Accounts().Get(t.Context(), "acct_1")
	require.NoError(t, err)
	return a.Epoch
}
