package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

func formCases() []testCase {
	return []testCase{
		{"form/times_are_utc_microseconds", nil, func(t *testing.T, h harness) {
			s := h.store(t)
			addAccounts(t, s, "acct_1")
			given := time.Date(2026, 2, 28, 23, 59, 59, 999_999_999, time.FixedZone("east", 5*3600+1800))
			k := key("acct_1", 1)
			k.CreatedAt, k.ExpiresAt = given, given.AddDate(1, 0, 0)
			require.NoError(t, s.Keys().Create(t.Context(), k))
			got, err := s.Keys().Find(t.Context(), k.ID)
			require.NoError(t, err)
			require.Equal(t, time.UnixMicro(given.UnixMicro()).UTC(), got.CreatedAt)
			require.Equal(t, time.UnixMicro(k.ExpiresAt.UnixMicro()).UTC(), got.ExpiresAt)
			require.True(t, got.LastUsedAt.IsZero())
			require.True(t, got.RevokedAt.IsZero())

			funded(t, s, "acct_2", 10)
			r := verified(t, s, "acct_2")
			for _, at := range []time.Time{r.Lots[0].GrantedAt, r.Lots[0].ExpiresAt, r.Entries[0].At, r.Events[0].At} {
				require.Equal(t, time.UTC, at.Location())
				require.Zero(t, at.Nanosecond()%1000)
			}
			require.Equal(t, ledger.Expiry(r.Lots[0].GrantedAt), r.Lots[0].ExpiresAt) // L2
		}},
		{"form/zero_times_stay_zero", nil, func(t *testing.T, h harness) {
			s := h.store(t)
			a := account("acct_1")
			a.CreatedAt, a.UpdatedAt = time.Time{}, time.Time{}
			require.NoError(t, s.Accounts().Create(t.Context(), a))
			got, err := s.Accounts().Get(t.Context(), "acct_1")
			require.NoError(t, err)
			require.True(t, got.CreatedAt.IsZero())
			require.True(t, got.UpdatedAt.IsZero())
			ses := session(1, "acct_1")
			ses.SeenAt = time.Time{}
			require.NoError(t, s.Sessions().Create(t.Context(), ses))
			found, _, err := s.Sessions().ByHash(t.Context(), ses.Hash)
			require.NoError(t, err)
			sameSession(t, ses, found)
			e := event(1, "acct_1", audit.KeyCreated)
			e.At = time.Time{}
			require.NoError(t, s.Events().Append(t.Context(), e))
			es, err := s.Events().List(t.Context(), store.EventQuery{Account: "acct_1"})
			require.NoError(t, err)
			require.True(t, es[0].At.IsZero())
		}},
		{"form/nul_is_refused", nil, func(t *testing.T, h harness) {
			s := h.store(t)
			funded(t, s, "acct_1", 100)
			before := read(t, s, "acct_1")
			const nul = "a\x00b"
			bad, k, ses, e := account("acct_2"), key("acct_1", 1), session(1, "acct_1"), event(1, "acct_1", audit.KeyCreated)
			bad.Name, k.Name, ses.User, e.Reason = nul, nul, nul, nul
			set := account("acct_1")
			set.Name = nul
			for name, call := range map[string]func(ctx context.Context) error{
				"create":  func(ctx context.Context) error { return s.Accounts().Create(ctx, bad) },
				"set":     func(ctx context.Context) error { return s.Accounts().Set(ctx, set) },
				"key":     func(ctx context.Context) error { return s.Keys().Create(ctx, k) },
				"session": func(ctx context.Context) error { return s.Sessions().Create(ctx, ses) },
				"event":   func(ctx context.Context) error { return s.Events().Append(ctx, e) },
				"response": func(ctx context.Context) error {
					_, err := s.Responses().Claim(ctx, []store.Response{response("acct_1", 1), {ID: "resp_2", Account: "acct_1", Model: nul}})
					return err
				},
				"op": func(ctx context.Context) error {
					op := grant("acct_1", "lot_nul", 5)
					op.Reason = nul
					outs, err := s.Commit(ctx, store.Replica{}, ops(op))
					if err == nil && len(outs) == 1 {
						err = outs[0].Err // either will do
					}
					return err
				},
			} {
				err := call(t.Context())
				require.Error(t, err, name)
				require.Equal(t, fault.Invalid, fault.KindOf(err), "%s: %v", name, err)
			}
			require.Equal(t, before, read(t, s, "acct_1"))
		}},
		{"form/text_is_data", nil, func(t *testing.T, h harness) {
			s := h.store(t)
			for i, text := range []string{"", "'; drop table accounts; --", "%_\\", "naïve 名前 🧾", "a\nb\tc"} {
				a := account(id("acct", i))
				a.Name = text
				require.NoError(t, s.Accounts().Create(t.Context(), a))
				got, err := s.Accounts().Get(t.Context(), a.ID)
				require.NoError(t, err)
				require.Equal(t, text, got.Name)
			}
		}},
		{"store/now_and_ping", []string{"Store.Now", "Store.Ping"}, func(t *testing.T, h harness) {
			s, clock := h.clocked(t)
			require.NoError(t, s.Ping(t.Context()))
			for _, d := range []time.Duration{0, time.Hour, -2 * time.Hour} {
				clock.Add(d)
				now, err := s.Now(t.Context())
				require.NoError(t, err)
				require.Equal(t, clock.Now(), now)
			}
			own := h.store(t)
			now, err := own.Now(t.Context())
			require.NoError(t, err)
			require.WithinDuration(t, time.Now(), now, time.Minute)
			require.Equal(t, time.UTC, now.Location())
			require.Zero(t, now.Nanosecond()%1000)
		}},
		{"store/stamp", []string{"Store.Stamp"}, func(t *testing.T, h harness) { // DECISIONS, Config
			s := h.store(t)
			require.NoError(t, s.Stamp(t.Context(), "hosted"))
			require.NoError(t, s.Stamp(t.Context(), "hosted"))
			err := s.Stamp(t.Context(), "local")
			require.Equal(t, fault.Conflict, fault.KindOf(err))
			require.Equal(t, "environment_mismatch", fault.CodeOf(err))
			require.NoError(t, s.Stamp(t.Context(), "hosted"))
		}},
		{"store/cancelled_context", nil, func(t *testing.T, h harness) {
			s := h.store(t)
			funded(t, s, "acct_1", 100)
			gone, cancel := context.WithCancel(t.Context())
			cancel()
			for name, call := range map[string]func(ctx context.Context) error{
				"Accounts": func(ctx context.Context) error { _, err := s.Accounts().Get(ctx, "acct_1"); return err },
				"Keys":     func(ctx context.Context) error { _, err := s.Keys().ByDigests(ctx, []keys.Digest{{1}}); return err },
				"Ledger":   func(ctx context.Context) error { _, err := s.Ledger().Lots(ctx, "acct_1"); return err },
				"Do": func(ctx context.Context) error {
					return s.Do(ctx, func(context.Context, store.Stores) error { return nil })
				},
				"Commit": func(ctx context.Context) error {
					_, err := s.Commit(ctx, store.Replica{}, ops(grant("acct_1", "lot_2", 1)))
					return err
				},
				"Ping": s.Ping,
			} {
				err := returns(gone, t, call)
				require.Error(t, err, name)
				require.NotErrorIs(t, err, store.ErrNotFound, name)
			}
			require.Len(t, verified(t, s, "acct_1").Entries, 1)
		}},
		{"store/a_waiting_commit_can_be_cancelled", nil, func(t *testing.T, h harness) {
			s := h.store(t)
			funded(t, s, "acct_1", 100)
			require.NoError(t, s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
				if err := tx.Accounts().Set(ctx, account("acct_1")); err != nil { // takes the account's lock
					return err
				}
				brief, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				err := returns(brief, t, func(ctx context.Context) error {
					_, err := s.Commit(ctx, store.Replica{}, ops(hold("acct_1", "req_1", 1)))
					return err
				})
				require.Error(t, err)
				return nil
			}))
			apply(t, s, hold("acct_1", "req_2", 100))
			verified(t, s, "acct_1")
		}},
	}
}
