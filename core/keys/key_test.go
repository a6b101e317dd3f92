package keys_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/keys"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339Nano, text)
	require.NoError(t, err)
	return v
}

func TestParsePeppers(t *testing.T) { // K2
	t.Parallel()
	s1, s2 := strings.Repeat("1", keys.MinPepper), strings.Repeat("2", 50)+":with:colons"
	ps, err := keys.ParsePeppers(" v2:" + s2 + " , v1:" + s1)
	require.NoError(t, err)
	require.Len(t, ps, 2)
	require.Equal(t, "v2", ps[0].Version, "the current one first")
	require.Equal(t, "v1", ps[1].Version)

	token := keys.Mint([32]byte{5})
	for i, secret := range []string{s2, s1} {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(token.Reveal()))
		require.Equal(t, mac.Sum(nil), sliceOf(ps[i].Digest(token)))
	}
	d := ps[0].Digest(token)
	require.True(t, d.Equal(ps[0].Digest(token)))
	require.False(t, d.Equal(ps[1].Digest(token)))
	require.False(t, d.Equal(ps[0].Digest(keys.Mint([32]byte{6}))))

	for name, text := range map[string]string{
		"empty": "", "no version": ":" + s1, "no colon": s1, "short": "v1:" + s1[1:], "no secret": "v1:", "twice": "v1:" + s1 + ",v1:" + s2,
		"trailing comma": "v1:" + s1 + ",", "only blanks": "  ",
	} {
		ps, err := keys.ParsePeppers(text)
		require.Error(t, err, name)
		require.Empty(t, ps)
		require.NotContains(t, err.Error(), "1111", name)
	}
}

func sliceOf(d keys.Digest) []byte { return d[:] }

func TestKey_State(t *testing.T) { // K4, K5
	t.Parallel()
	end := at(t, "2026-03-01T00:00:00Z")
	k := keys.Key{ExpiresAt: end}
	require.Equal(t, keys.StateActive, k.State(end.Add(-time.Microsecond)))
	require.Equal(t, keys.StateExpired, k.State(end))
	k.RevokedAt = end.Add(time.Hour)
	require.Equal(t, keys.StateRevoked, k.State(end.Add(-time.Hour)), "revoked is revoked, whatever the clock says")
	require.Equal(t, keys.StateRevoked, k.State(end.Add(2*time.Hour)))
	require.Equal(t, keys.StateExpired, keys.Key{}.State(end), "a key without an expiry does not work")
}

func TestMaxLife(t *testing.T) { // K4
	t.Parallel()
	for made, want := range map[string]string{
		"2024-02-29T12:00:00Z":      "2025-02-28T12:00:00Z",
		"2023-02-28T12:00:00Z":      "2024-02-28T12:00:00Z",
		"2023-03-01T12:00:00Z":      "2024-03-01T12:00:00Z",
		"2025-12-31T23:59:59Z":      "2026-12-31T23:59:59Z",
		"2024-03-01T00:30:00+01:00": "2025-02-28T23:30:00Z",
	} {
		require.Equal(t, at(t, want), keys.MaxLife(at(t, made)), made)
	}
}

func TestExpiry(t *testing.T) { // K4
	t.Parallel()
	for _, now := range []time.Time{at(t, "2025-03-01T12:00:00Z"), at(t, "2024-02-29T12:00:00Z"), at(t, "2023-06-01T00:00:00+02:00")} {
		latest := keys.MaxLife(now)
		year := latest.Sub(now)
		for _, c := range []struct {
			life time.Duration
			want time.Time // zero: refused
		}{
			{0, latest},
			{time.Minute, now.UTC().Add(time.Minute)},
			{year, latest},
			{year - time.Second, latest.Add(-time.Second)},
			{year + time.Second, time.Time{}},
			{year + 1, time.Time{}},
			{time.Minute - 1, time.Time{}},
			{1, time.Time{}},
			{-time.Hour, time.Time{}},
			{1<<63 - 1, time.Time{}},
			{-1 << 63, time.Time{}},
		} {
			got, err := keys.Expiry(now, c.life)
			if c.want.IsZero() {
				require.Equal(t, "invalid_expiry", fault.CodeOf(err), c.life)
				require.Equal(t, "expires_in", fault.From(err).Param)
				require.True(t, got.IsZero())
				continue
			}
			require.NoError(t, err)
			require.Equal(t, c.want, got, c.life)
		}
	}
}

func TestKey_AllowsModel(t *testing.T) { // K7
	t.Parallel()
	for _, c := range []struct {
		models []string
		model  string
		want   bool
	}{
		{nil, "gpt-9", true},
		{[]string{}, "", true},
		{[]string{"gpt-9"}, "gpt-9", true},
		{[]string{"gpt-9"}, "gpt-9-mini", false},
		{[]string{"gpt-9"}, "GPT-9", false},
		{[]string{"gpt-9"}, "", false},
		{[]string{"gpt-*"}, "gpt-9", true},
		{[]string{"gpt-*"}, "gpt-", true},
		{[]string{"gpt-*"}, "gpt", false},
		{[]string{"gpt-*"}, "a/gpt-9", false},
		{[]string{"vendor/a", "vendor/b*"}, "vendor/b2", true},
		{[]string{"vendor/a", "vendor/b*"}, "vendor/c", false},
		{[]string{"*"}, "anything/at-all", true},
		{[]string{""}, "gpt-9", false},
		{[]string{"a*b"}, "aXb", false},
	} {
		require.Equal(t, c.want, keys.Key{Models: c.models}.AllowsModel(c.model), "%q %q", c.models, c.model)
	}
}

func TestParseScopes(t *testing.T) { // K7
	t.Parallel()
	all, err := keys.ParseScopes(nil)
	require.NoError(t, err)
	require.Equal(t, keys.AllScopes, all)
	all[0] = "changed"
	require.Equal(t, keys.ScopeModels, keys.AllScopes[0], "a copy")

	got, err := keys.ParseScopes([]string{"responses", "models", "responses"})
	require.NoError(t, err)
	require.Equal(t, []keys.Scope{keys.ScopeResponses, keys.ScopeModels}, got)
	k := keys.Key{Scopes: got}
	require.True(t, k.Allows(keys.ScopeModels))
	require.False(t, k.Allows(keys.ScopeEmbeddings))
	require.False(t, keys.Key{}.Allows(keys.ScopeModels), "no scope, no use")

	for _, bad := range []string{"", "Models", "chat", " models", "*"} {
		_, err := keys.ParseScopes([]string{"models", bad})
		require.Equal(t, "unknown_scope", fault.CodeOf(err), bad)
		require.Equal(t, "scopes", fault.From(err).Param)
	}
}

func TestPepper_Derive(t *testing.T) { // HOTPATH 18
	t.Parallel()
	ps, err := keys.ParsePeppers("v2:" + strings.Repeat("q", 32) + ",v1:" + strings.Repeat("p", 32))
	require.NoError(t, err)
	derived := ps[1].Derive("purpose", []byte("salt"))
	// By an implementation of RFC 5869 apart from Go's.
	require.Equal(t, "cc9dee7f5ea265573be089741f1a7f1f2b0e54b21f8a9a80ace580e53dd5954a", hex.EncodeToString(derived[:]))
	seen := map[[32]byte]bool{}
	for _, p := range ps {
		for _, purpose := range []string{"a", "b"} {
			for _, salt := range []string{"", "s"} {
				seen[p.Derive(purpose, []byte(salt))] = true
			}
		}
	}
	require.Len(t, seen, 8)
}
