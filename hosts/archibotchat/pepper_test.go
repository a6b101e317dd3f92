package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	pepperV1 = "v1:canary-pepper-canary-pepper-canary"
	pepperV2 = "v2:canary-second-canary-second-canary"
)

// models asks with a key and returns the status.
func (s *running) models(t *testing.T, key string) int {
	t.Helper()
	code, _, _ := s.get(t, "/v1/models", "Authorization", "Bearer "+key)
	return code
}

// underPeppers returns how many keys work under each pepper.
func (p place) underPeppers(t *testing.T) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	for _, one := range p.json(t, "admin", "key", "peppers")["peppers"].([]any) {
		view := one.(map[string]any)
		out[view["version"].(string)] = view["keys"].(float64)
	}
	return out
}

// A key made under an earlier pepper works on, moves to the current one when
// it is used, and then works without the earlier one (HOTPATH 24).
func TestServe_PepperRotation(t *testing.T) {
	t.Parallel()
	p := hosted(t)
	account := p.json(t, "admin", "account", "create", "--name", "Acme", "--groups", "api", "--billing", "operator_approved")["id"].(string)
	used := p.json(t, "admin", "key", "create", "--account", account, "--name", "used")["key"].(string)
	idle := p.json(t, "admin", "key", "create", "--account", account, "--name", "idle")["key"].(string)
	first := p.serve(t)
	require.Equal(t, http.StatusOK, first.models(t, used))
	require.Zero(t, first.end())
	require.Equal(t, map[string]float64{"v1": 2}, p.underPeppers(t))

	both := p.with(map[string]string{"ARCHIBOT_PEPPERS": pepperV2 + "," + pepperV1})
	second := both.serve(t)
	require.Eventually(t, func() bool {
		require.Equal(t, http.StatusOK, second.models(t, used), "before, while and after it moves")
		return both.underPeppers(t)["v2"] == 1
	}, 30*time.Second, 5*time.Millisecond)
	require.Equal(t, http.StatusOK, second.models(t, used))
	fresh := both.json(t, "admin", "key", "create", "--account", account, "--name", "fresh")["key"].(string)
	require.Equal(t, http.StatusOK, second.models(t, fresh))
	require.Equal(t, map[string]float64{"v1": 1, "v2": 2}, both.underPeppers(t))
	require.Zero(t, second.end())

	third := p.with(map[string]string{"ARCHIBOT_PEPPERS": pepperV2}).serve(t)
	require.Equal(t, http.StatusOK, third.models(t, used))
	require.Equal(t, http.StatusOK, third.models(t, fresh))
	require.Equal(t, http.StatusUnauthorized, third.models(t, idle), "it was never used meanwhile")
	require.Zero(t, third.end())
	require.NotRegexp(t, "canary|abk_", first.errs.String()+second.errs.String()+third.errs.String())
}
