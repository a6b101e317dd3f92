package keys_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/keys"
)

const day = 24 * time.Hour

func TestKey_FirstNotice(t *testing.T) { // K4
	t.Parallel()
	made := at(t, "2026-03-01T12:00:00Z")
	for _, c := range []struct{ life, first time.Duration }{
		{365 * day, 335 * day},
		{30*day + time.Microsecond, time.Microsecond},
		{30 * day, 23 * day},
		{8 * day, day},
		{7 * day, 6 * day},
		{25 * time.Hour, time.Hour},
	} {
		k := keys.Key{CreatedAt: made, ExpiresAt: made.Add(c.life)}
		require.Equal(t, made.Add(c.first), k.FirstNotice(), c.life)
	}
	require.Zero(t, keys.Key{CreatedAt: made, ExpiresAt: made.Add(day)}.FirstNotice())
	require.Zero(t, keys.Key{CreatedAt: made, ExpiresAt: made.Add(time.Minute)}.FirstNotice())
}

func TestKey_Due(t *testing.T) { // K4
	t.Parallel()
	made := at(t, "2026-03-01T12:00:00Z")
	year := keys.Key{CreatedAt: made, ExpiresAt: keys.MaxLife(made)}
	end := year.ExpiresAt
	for name, c := range map[string]struct {
		left time.Duration
		days int
		next time.Duration // before the end; 0: none
	}{
		"early":       {31 * day, 0, 30 * day},
		"just before": {30*day + 1, 0, 30 * day},
		"at 30":       {30 * day, 30, 7 * day},
		"late for 30": {8 * day, 30, 7 * day},
		"at 7":        {7 * day, 7, day},
		"missed 30":   {2 * day, 7, day},
		"at 1":        {day, 1, 0},
		"missed all":  {time.Second, 1, 0},
		"too late":    {0, 0, 0},
	} {
		due, next := year.Due(end.Add(-c.left))
		require.Equal(t, keys.Notice{Days: c.days}, due, name)
		if c.next == 0 {
			require.Zero(t, next, name)
			continue
		}
		require.Equal(t, end.Add(-c.next), next, name)
	}
	short := keys.Key{CreatedAt: made, ExpiresAt: made.Add(10 * day)}
	due, next := short.Due(made)
	require.Zero(t, due, "a life shorter than 30 days gets no such notice")
	require.Equal(t, made.Add(3*day), next)

	revoked, rotated := year, year
	revoked.RevokedAt, rotated.Successor = made, "key_next"
	for _, k := range []keys.Key{revoked, rotated} {
		due, next = k.Due(end.Add(-day))
		require.Zero(t, due)
		require.Zero(t, next)
	}
	require.Equal(t, "expires_in_30_days", keys.Notice{Days: 30}.Code())
	require.Equal(t, "expires_in_1_day", keys.Notice{Days: 1}.Code())
}
