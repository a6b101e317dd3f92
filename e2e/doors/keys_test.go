//go:build e2e

package doors_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/keyring"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/e2e/harness"
)

// promptly is when a change is in force on every server (K5, G7). What counts is
// when a request was begun, so that a busy machine does not make the test fail.
const promptly = time.Second

// shown is how somebody shows a key, or something like one.
type shown struct {
	query  string
	header http.Header
}

// show asks a server for its models, which costs nothing.
func show(t *testing.T, root string, s shown) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, root+"/v1/models"+s.query, nil)
	require.NoError(t, err)
	r.Header = s.header.Clone()
	response, err := client.Do(r)
	if err != nil {
		return answer{err: err}
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return answer{status: response.StatusCode, header: response.Header, body: string(body), err: err}
}

func bearer(text string) http.Header { return http.Header{"Authorization": {"Bearer " + text}} }

// Whatever is not one whole working key in the one header is told the same: by
// the status, the body and the headers nobody can tell why (G6, K1, W2), and no
// log repeats what was shown.
func TestKeys_Refused(t *testing.T) {
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{})
		server := site.Start(t)
		account, closed := site.Account(t, harness.NewAccount{Credits: harness.Credit}), site.Account(t, harness.NewAccount{})
		good, revoked, expired, orphan := site.Key(t, account.ID), site.Key(t, account.ID), site.Key(t, account.ID), site.Key(t, closed.ID)
		site.Revoke(t, revoked.ID)
		harness.Expire(t, db.Open(t), expired.ID)
		site.SetStatus(t, closed.ID, "closed")
		unknown := keys.Mint([32]byte{9, 9, 9}).Reveal()
		g := good.Key
		require.Equal(t, http.StatusOK, show(t, server.Root, shown{header: bearer(g)}).status)

		forms := map[string]shown{
			"none":              {},
			"unknown":           {header: bearer(unknown)},
			"revoked":           {header: bearer(revoked.Key)},
			"expired":           {header: bearer(expired.Key)},
			"closed":            {header: bearer(orphan.Key)},
			"bad checksum":      {header: bearer(g[:len(g)-1] + other(g[len(g)-1]))},
			"truncated":         {header: bearer(g[:len(g)-1])},
			"without checksum":  {header: bearer(g[:len(g)-6])},
			"first 20":          {header: bearer(g[:20])},
			"extended":          {header: bearer(g + "0")},
			"twice":             {header: bearer(g + g)},
			"aliased":           {header: bearer("abk_0" + g[4:])}, // a leading zero changes no number
			"aliased, cut":      {header: bearer("abk_" + strings.TrimLeft(g[4:], "0") + "0")},
			"swapped case":      {header: bearer(strings.ToUpper(g))},
			"zero width":        {header: bearer(g[:20] + "\u200b" + g[20:])},
			"zero width, same":  {header: bearer(g[:17] + "\u200b" + g[20:])},
			"full width":        {header: bearer(strings.Replace(g, "abk_", "ａbk_", 1))},
			"soft hyphen":       {header: bearer(g + "\u00ad")},
			"no-break space":    {header: bearer("\u00a0" + g)},
			"tab behind":        {header: bearer(g + "\tx")},
			"two headers":       {header: http.Header{"Authorization": {"Bearer " + g, "Bearer " + g}}},
			"good, then bad":    {header: http.Header{"Authorization": {"Bearer " + g, "Bearer " + unknown}}},
			"two in one":        {header: bearer(g + ", Bearer " + g)},
			"Basic":             {header: http.Header{"Authorization": {"Basic " + g}}},
			"no scheme":         {header: http.Header{"Authorization": {g}}},
			"cookie":            {header: http.Header{"Cookie": {"Authorization=" + g + "; api_key=" + g + "; archibot_session=" + g}}},
			"X-Api-Key":         {header: http.Header{"X-Api-Key": {g}}},
			"query":             {query: "?api_key=" + g},
			"query, OAuth":      {query: "?access_token=" + g},
			"as a session":      {header: http.Header{"Cookie": {"__Host-archibot_session=" + g}}},
			"percent":           {header: bearer(g[:len(g)-1] + "%" + strconv.FormatUint(uint64(g[len(g)-1]), 16))},
			"the upstream's":    {header: bearer(site.Secrets["upstream key"])},
			"a digest as a key": {header: bearer(strings.Repeat("0", 64))},
		}
		want := show(t, server.Root, forms["none"])
		require.Equal(t, http.StatusUnauthorized, want.status)
		require.Contains(t, want.body, "invalid_api_key")
		for name, form := range forms {
			got := show(t, server.Root, form)
			require.NoError(t, got.err, name)
			require.Equal(t, want.status, got.status, name)
			require.Equal(t, want.body, got.body, name)
			require.Equal(t, alike(want.header), alike(got.header), name)
		}
		// net/http's own answer comes before anybody looks at the key.
		if huge := show(t, server.Root, shown{header: bearer(strings.Repeat("abk_", 1<<18))}); huge.err == nil {
			require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, huge.status)
		}
		require.Equal(t, http.StatusOK, show(t, server.Root, shown{header: bearer(g)}).status, "and the key works on")
		log := server.Log(t)
		for name, token := range map[string]string{"good": g, "revoked": revoked.Key, "expired": expired.Key, "closed": orphan.Key, "unknown": unknown} {
			require.NotContains(t, log, token[8:40], name)
		}
		require.Zero(t, site.Upstream.Stats(t).Requests)
	})
}

// other returns another digit.
func other(c byte) string {
	if c == '0' {
		return "1"
	}
	return "0"
}

// alike returns the headers of an answer without those that are each answer's own.
func alike(h http.Header) http.Header {
	h = h.Clone()
	for _, own := range []string{"X-Request-Id", "Date"} {
		h.Del(own)
	}
	return h
}

// A key under an earlier pepper works and moves to the current one as it is used;
// once the earlier one is gone, so are the keys that were not (K2).
func TestKeys_Pepper(t *testing.T) {
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{})
		account := site.Account(t, harness.NewAccount{Credits: harness.Credit})
		used, idle := bearer(site.Key(t, account.ID).Key), bearer(site.Key(t, account.ID).Key)
		old := "v1:" + site.Secrets["pepper"]
		fresh := "v2:" + strings.Repeat("a new pepper ", 4)

		both := site.StartWith(t, map[string]string{"ARCHIBOT_PEPPERS": fresh + "," + old})
		rows := db.Open(t)
		harness.Eventually(t, 20*time.Second, "the key moves", func() error {
			require.Equal(t, http.StatusOK, show(t, both.Root, shown{header: used}).status)
			if n := harness.Count(t, rows, "api_keys", "pepper = 'v2'"); n != 1 {
				return fmt.Errorf("%d keys are under the new pepper", n)
			}
			return nil
		})
		both.Stop(t)
		alone := site.StartWith(t, map[string]string{"ARCHIBOT_PEPPERS": fresh})
		require.Equal(t, http.StatusOK, show(t, alone.Root, shown{header: used}).status)
		require.Equal(t, http.StatusUnauthorized, show(t, alone.Root, shown{header: idle}).status)
	})
}

// replicas is how many servers a database takes.
func replicas(t *testing.T, site *harness.Site, db harness.Database) []*harness.Replica {
	t.Helper()
	servers := []*harness.Replica{site.Start(t)}
	if db.Kind == harness.Postgres {
		servers = append(servers, site.Start(t))
	}
	return servers
}

// Of 100 rotations of one key at one time, over all servers, one makes a
// successor, and one key lives (K6).
func TestKeys_Rotations(t *testing.T) {
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{})
		servers := replicas(t, site, db)
		desk := site.Desk(t)
		account := site.Account(t, harness.NewAccount{Credits: harness.Credit})
		person := desk.Person(t, harness.NewPerson{Account: account.ID, Role: access.RoleAdmin})
		var mu sync.Mutex
		var statuses []int
		harness.Parallel(100, 50, func(i int) {
			a := ask{http.MethodPost, "/api/keys/" + person.KeyID + "/rotate", `{"overlap_seconds":0}`, person.Cookie, ""}.at(t, servers[i%len(servers)].Root)
			mu.Lock()
			defer mu.Unlock()
			statuses = append(statuses, a.status)
		})
		slices.Sort(statuses)
		require.Equal(t, append([]int{http.StatusCreated}, slices.Repeat([]int{http.StatusConflict}, 99)...), statuses)
		now := time.Now().UnixMicro()
		require.EqualValues(t, 2, harness.Count(t, db.Open(t), "api_keys", "account_id = $1", account.ID))
		require.EqualValues(t, 1, harness.Count(t, db.Open(t), "api_keys", "account_id = $1 AND revoked_at = 0 AND expires_at > $2", account.ID, now))
	})
}

// What ends a key, or closes the door to it, ends it on every server within a
// second (K5, K9, G7).
func TestKeys_Ended(t *testing.T) {
	const reportToken = "report-0123456789abcdef"
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{Variables: map[string]string{"ARCHIBOT_LEAK_TOKEN": reportToken}})
		servers := replicas(t, site, db)
		desk := site.Desk(t)
		for name, c := range map[string]struct {
			end    func(t *testing.T, person harness.Person)
			status int
		}{
			"revoked": {func(t *testing.T, p harness.Person) {
				_, err := desk.Keyring.Revoke(desk.Operator(t), p.Account, p.KeyID)
				require.NoError(t, err)
			}, http.StatusUnauthorized},
			"rotated": {func(t *testing.T, p harness.Person) {
				_, _, err := desk.Keyring.Rotate(desk.Operator(t), p.Account, p.KeyID, 0)
				require.NoError(t, err)
			}, http.StatusUnauthorized},
			"leaked": {func(t *testing.T, p harness.Person) {
				leak(t, servers[len(servers)-1], reportToken, p.Key)
			}, http.StatusUnauthorized},
			"elsewhere": {func(t *testing.T, p harness.Person) {
				_, err := desk.Keyring.Change(desk.Operator(t), p.Account, p.KeyID, keyring.Change{Networks: &[]string{"192.0.2.0/24"}})
				require.NoError(t, err)
			}, http.StatusUnauthorized},
			"no member": {func(t *testing.T, p harness.Person) {
				require.NoError(t, desk.Store.Members().Remove(t.Context(), p.Account, p.User))
			}, http.StatusForbidden},
			"no group": {func(t *testing.T, p harness.Person) {
				u, err := desk.Store.Users().Get(t.Context(), p.User)
				require.NoError(t, err)
				u.Rule, u.Groups = "required", access.NewGroups(access.GroupChat)
				_, _, err = desk.Store.Users().SignedIn(t.Context(), u)
				require.NoError(t, err)
			}, http.StatusForbidden},
		} {
			t.Run(name, func(t *testing.T) {
				account := site.Account(t, harness.NewAccount{Credits: harness.Credit})
				person := desk.Person(t, harness.NewPerson{Account: account.ID})
				for _, s := range servers { // it is known in memory
					require.Equal(t, http.StatusOK, show(t, s.Root, shown{header: bearer(person.Key)}).status)
				}
				c.end(t, person)
				ended := time.Now()
				for _, s := range servers {
					refusedFrom(t, s, person.Key, c.status, ended)
				}
			})
		}
		for _, s := range servers {
			require.NotContains(t, s.Log(t), reportToken)
		}
	})
}

// refusedFrom asks until the key is refused, and then some, and fails if a request
// that was begun a second after its end, or later, is let in.
func refusedFrom(t *testing.T, s *harness.Replica, key string, status int, ended time.Time) {
	t.Helper()
	ctx, cancel := context.WithDeadline(t.Context(), ended.Add(promptly+500*time.Millisecond))
	defer cancel()
	asked := 0
	for ctx.Err() == nil || asked == 0 {
		begun := time.Now()
		got := show(t, s.Root, shown{header: bearer(key)})
		if late := begun.Sub(ended); late >= promptly {
			asked++
			require.Equal(t, status, got.status, "%v after its end: %s", late, got.body)
		}
	}
}

func leak(t *testing.T, s *harness.Replica, token, key string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Root+"/api/leaked-keys", strings.NewReader(`[{"token":"`+key+`","type":"archibot","url":"https://x.example/?q=`+key+`"}]`))
	require.NoError(t, err)
	maps.Copy(r.Header, http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + token}})
	response, err := client.Do(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, string(body))
	require.Contains(t, string(body), "true_positive")
	require.NotContains(t, s.Log(t), key[8:40])
}

// Servers that start find what is due, and of all of them one tells (K4).
func TestKeys_Expiring(t *testing.T) {
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{})
		account := site.Account(t, harness.NewAccount{})
		key := site.Key(t, account.ID, "--expires-in", "48h")
		_, err := db.Open(t).ExecContext(t.Context(), "UPDATE api_keys SET created_at = $1, expires_at = $2, notice_at = 1 WHERE id = $3",
			time.Now().Add(-28*time.Hour).UnixMicro(), time.Now().Add(20*time.Hour).UnixMicro(), key.ID) // as if 28 hours had gone by
		require.NoError(t, err)
		replicas(t, site, db)
		told := func() (reasons []string) {
			for _, e := range site.Activity(t, account.ID, "") {
				if e.Kind == "key.expiring" {
					require.Equal(t, key.ID, e.Key)
					reasons = append(reasons, e.Reason)
				}
			}
			return reasons
		}
		harness.Eventually(t, 20*time.Second, "the owner is told", func() error {
			if len(told()) == 0 {
				return errors.New("there is no event")
			}
			return nil
		})
		require.Equal(t, []string{"expires_in_1_day"}, told())
		site.VerifyAudit(t)
	})
}
