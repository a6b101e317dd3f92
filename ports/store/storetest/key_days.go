package storetest

import (
	"encoding/base32"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// requestAt is an ID of a request as the product makes them at an instant: a
// UUIDv7 in base32hex, the n-th of its millisecond.
func requestAt(at time.Time, n int) string {
	var u [16]byte
	binary.BigEndian.PutUint64(u[:8], uint64(at.UnixMilli())<<16)
	binary.BigEndian.PutUint64(u[8:], uint64(n))
	return "req_" + strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(u[:]))
}

func keyDayCases() []testCase {
	return []testCase{
		{"key_days/read_and_added_up", []string{"KeyDays.Of", "KeyDays.Add"}, func(t *testing.T, h harness) {
			s, clock := h.clocked(t)
			funded(t, s, "acct_1", 1_000_000)
			funded(t, s, "acct_2", 1_000_000)
			midnight := time.Date(2025, 3, 2, 0, 0, 0, 0, time.UTC)
			day := func(n int) time.Time { return midnight.AddDate(0, 0, n) }
			n := 0
			use := func(at time.Time, account, key string, amount int64) {
				clock.Set(at)
				n++
				op := settle(account, requestAt(at.Add(-time.Minute), n), amount)
				op.Work.Key = key
				apply(t, s, op)
			}
			use(day(0), "acct_1", "key_1", 5) // its ID is of the day before
			use(day(0).Add(time.Hour), "acct_1", "key_1", 6)
			use(day(0).Add(time.Hour), "acct_1", "key_2", 7)
			use(day(0).Add(time.Hour), "acct_1", "", 70)
			use(day(1).Add(-time.Microsecond), "acct_1", "key_1", 8)
			use(day(1), "acct_1", "key_1", 9)
			use(day(1), "acct_2", "key_1", 10)
			clock.Set(day(3).Add(time.Hour))
			gone := hold("acct_1", requestAt(clock.Now(), 1000), 40) // gave nothing, costs nothing
			gone.Work.Key = "key_1"
			apply(t, s, gone, release("acct_1", gone.Request, "gone"))
			use(day(3).Add(2*time.Hour), "acct_1", "key_1", 11)
			late := hold("acct_1", requestAt(clock.Now(), 1001), 40)
			late.Work.Key = "key_1"
			apply(t, s, late)

			want := []store.KeyDay{
				{Day: day(0), Requests: 3, Input: 90, Cached: 30, Output: 60, Debited: 19},
				{Day: day(1), Requests: 1, Input: 30, Cached: 10, Output: 20, Debited: 9},
				{Day: day(3), Requests: 1, Input: 30, Cached: 10, Output: 20, Debited: 11},
			}
			of := func(account, key string, from, to int) []store.KeyDay {
				days, err := s.KeyDays().Of(t.Context(), account, key, day(from), day(to))
				require.NoError(t, err)
				return days
			}
			add := func(account string) (added int) {
				for range 20 {
					more, err := s.KeyDays().Add(t.Context(), account)
					require.NoError(t, err)
					if !more {
						return added
					}
					added++
				}
				require.FailNow(t, "it does not end")
				return 0
			}
			same := func(what string) {
				require.Equal(t, want, of("acct_1", "key_1", -5, 10), what)
				require.Equal(t, want[:1], of("acct_1", "key_1", 0, 1), what)
				require.Equal(t, want[1:2], of("acct_1", "key_1", 1, 3), what)
				require.Equal(t, want[2:], of("acct_1", "key_1", 2, 4), what)
				require.Empty(t, of("acct_1", "key_1", 2, 3), what)
				require.EqualValues(t, 7, of("acct_1", "key_2", 0, 1)[0].Debited, what)
				require.EqualValues(t, 10, of("acct_2", "key_1", 0, 9)[0].Debited, what)
				require.Empty(t, of("acct_3", "key_1", 0, 9), what)
				require.Empty(t, of("acct_1", "key_none", 0, 9), what)
			}
			same("nothing is added up yet")
			require.Positive(t, add("acct_1"))
			same("days that are over are added up")
			require.Zero(t, add("acct_1"))
			require.Zero(t, add("acct_none"))

			clock.Set(day(4).Add(30 * time.Minute))
			require.Zero(t, add("acct_1"), "over for half an hour")
			clock.Set(day(4).Add(time.Hour))
			require.Zero(t, add("acct_1"), "a hold of the day is open")
			end := settle("acct_1", late.Request, 30)
			end.Work.Key = "key_1"
			apply(t, s, end)
			want[2].Requests, want[2].Input, want[2].Cached, want[2].Output, want[2].Debited = 2, 60, 20, 40, 41
			same("a hold was settled after its day")
			for _, err := range each(8, func(int) error { // all servers do it
				_, err := s.KeyDays().Add(t.Context(), "acct_1")
				return err
			}) {
				require.NoError(t, err)
			}
			require.Zero(t, add("acct_1"))
			same("all days are added up")
			use(day(4).Add(2*time.Hour), "acct_1", "key_1", 3)
			require.Equal(t, append(want, store.KeyDay{Day: day(4), Requests: 1, Input: 30, Cached: 10, Output: 20, Debited: 3}), of("acct_1", "key_1", 0, 9))
			require.Equal(t, ledger.HoldSettled, held(t, s, "acct_1", late.Request).State)
		}},
	}
}

func held(t *testing.T, s store.Store, account, request string) ledger.Hold {
	t.Helper()
	h, err := s.Ledger().Hold(t.Context(), account, request)
	require.NoError(t, err)
	return h
}
