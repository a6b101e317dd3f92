package gates_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/gates"
)

func TestFailureOf(t *testing.T) { // C3, G2
	t.Parallel()
	for code, retryable := range map[string]bool{
		"server_lost": true, "server_stopping": true, "answer_too_long": false, "internal": true,
		"upstream_refused": false, "upstream_rate_limited": true, "upstream_unavailable": true, "upstream_cut": true, "upstream_failed": true,
		"upstream_invalid": true, "upstream_timeout": true, "store_unavailable": true, "settle_failed": true, "overloaded": true,
		"account_busy": true, "epoch_changed": true, "replica_fenced": true, "not_ready": true, "model_not_found": false,
		"credits_exhausted": false, "budget_reached": false, "rate_limited": true, "account_suspended": false, "account_closed": false,
		"no_product_group": false, "area_disabled": false, "billing_incomplete": false, "payment_review": false, "boundary_unacknowledged": false,
		"model_not_allowed": false, "not_signed_in": false, "key_expired": false, "key_revoked": false,
	} {
		f := gates.FailureOf(code)
		require.Equal(t, code, f.Code)
		require.Equal(t, retryable, f.Retryable, code)
		for _, text := range []string{f.Message, f.NextStep} {
			require.Greater(t, len(text), 9, code)
			require.Equal(t, byte('.'), text[len(text)-1], code)
		}
		require.NotContains(t, f.Message+f.NextStep, "API key", code)
	}
	odd := gates.FailureOf("odd")
	require.Equal(t, "odd", odd.Code)
	require.Equal(t, gates.FailureOf("internal").Message, odd.Message)
}
