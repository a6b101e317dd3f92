package requests_test

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/requests"
	"github.com/archibot/archibotchat/core/fault"
)

func TestService_Submit_challenge(t *testing.T) { // A6: what does not cost is not taken
	each(t, func(t *testing.T, h *house) {
		strange := h.deps
		strange.Secrets = [][32]byte{{2}}
		bent := func(text string, at int) string {
			raw, err := base64.RawURLEncoding.DecodeString(text)
			require.NoError(t, err)
			raw[at] ^= 1
			return base64.RawURLEncoding.EncodeToString(raw)
		}
		for name, c := range map[string]struct {
			change func(f *requests.Form)
			want   string
		}{
			"none":          {func(f *requests.Form) { f.Challenge = "" }, "invalid_challenge"},
			"no text of it": {func(f *requests.Form) { f.Challenge = "%" }, "invalid_challenge"},
			"longer":        {func(f *requests.Form) { f.Challenge += "AAAA" }, "invalid_challenge"},
			"another's":     {func(f *requests.Form) { f.Challenge = requests.New(strange).Challenge().Text }, "invalid_challenge"},
			"other time":    {func(f *requests.Form) { f.Challenge = bent(f.Challenge, 3) }, "invalid_challenge"},
			"easier":        {func(f *requests.Form) { f.Challenge = bent(f.Challenge, 9) }, "invalid_challenge"},
			"other chance":  {func(f *requests.Form) { f.Challenge = bent(f.Challenge, 12) }, "invalid_challenge"},
			"too quick":     {func(f *requests.Form) { f.Challenge = h.Challenge().Text }, "too_quick"},
			"too late":      {func(*requests.Form) { h.wait(requests.ChallengeLife) }, "challenge_expired"},
			"no proof": {func(f *requests.Form) {
				for f.Proof = ""; requests.Zeros(f.Challenge, f.Proof) >= difficulty; {
					f.Proof += "x"
				}
			}, "invalid_proof"},
			"long proof": {func(f *requests.Form) { f.Proof = string(make([]byte, requests.MaxProof+1)) }, "invalid_proof"},
		} {
			f := h.form("guest@example.org")
			c.change(&f)
			require.Equal(t, c.want, fault.CodeOf(h.Submit(t.Context(), f)), name)
		}
		require.Empty(t, h.all(t))
		require.Empty(t, h.unowned(t))
	})
}

func TestService_Submit_once(t *testing.T) { // A6: a challenge is answered once, on whichever server
	each(t, func(t *testing.T, h *house) {
		f := h.form("guest@example.org")
		errs := make(chan error, 10)
		for range cap(errs) {
			go func() { errs <- requests.New(h.deps).Submit(t.Context(), f) }()
		}
		taken := 0
		for range cap(errs) {
			if err := <-errs; err == nil {
				taken++
			} else {
				require.Equal(t, "challenge_used", fault.CodeOf(err))
			}
		}
		require.Equal(t, 1, taken)
		f.Email = "other@example.org"
		require.Equal(t, "challenge_used", fault.CodeOf(h.Submit(t.Context(), f)), "also for another address")
		require.Len(t, h.all(t), 1)
		require.EqualValues(t, 1, h.all(t)[0].Times)
	})
}

func TestService_Submit_corrected(t *testing.T) { // a form that is refused for what it says may be sent again
	each(t, func(t *testing.T, h *house) {
		f := h.form("nobody")
		require.Equal(t, "invalid_email", fault.CodeOf(h.Submit(t.Context(), f)))
		f.Email = "guest@example.org"
		require.NoError(t, h.Submit(t.Context(), f))
	})
}

func TestService_Challenge(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.Challenge()
		require.Equal(t, difficulty, c.Difficulty)
		require.Equal(t, h.now.Add(3*time.Second), c.NotBefore)
		require.Equal(t, h.now.Add(30*time.Minute), c.ExpiresAt)
		require.NotEqual(t, c.Text, h.Challenge().Text)
		require.Equal(t, requests.DefaultDifficulty, requests.New(requests.Deps{Now: h.clock, Entropy: func([]byte) {}, Secrets: [][32]byte{{}}}).Challenge().Difficulty)

		// A server with a newer pepper believes the older one's.
		f := h.form("guest@example.org")
		newer := h.deps
		newer.Secrets = [][32]byte{{9}, {1}}
		require.NoError(t, requests.New(newer).Submit(t.Context(), f))
	})
}
