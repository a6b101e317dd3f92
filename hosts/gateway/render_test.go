package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/relay"
	"github.com/archibot/archibotchat/core/app/spend"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/ledger"
	port "github.com/archibot/archibotchat/ports/inference"
	"github.com/archibot/archibotchat/ports/store"
)

// The rows of the table in the project's decisions that are hard to bring about.
func TestRender(t *testing.T) {
	t.Parallel()
	limited := *gates.RateLimited.Fault()
	limited.RetryAfter = 1500 * time.Millisecond
	for name, c := range map[string]struct {
		err  error
		want reply
	}{
		"rate": {&limited, reply{status: http.StatusTooManyRequests, kind: "rate_limit_error", code: "rate_limit_exceeded", retryAfter: "2", shouldRetry: "true"}},
		"rate without a time": {
			gates.RateLimited.Fault(),
			reply{status: http.StatusTooManyRequests, kind: "rate_limit_error", code: "rate_limit_exceeded", retryAfter: "1", shouldRetry: "true"},
		},
		"budget":     {gates.BudgetReached.Fault(), reply{status: http.StatusTooManyRequests, kind: "insufficient_quota", code: "insufficient_quota", shouldRetry: "false"}},
		"queue full": {spend.ErrBusy, reply{status: http.StatusServiceUnavailable, kind: "server_error", code: "overloaded", retryAfter: "1"}},
		"store":      {store.ErrUnavailable, reply{status: http.StatusServiceUnavailable, kind: "server_error", code: "store_unavailable", retryAfter: "2"}},
		"fenced":     {spend.ErrLost, reply{status: http.StatusServiceUnavailable, kind: "server_error", code: "replica_fenced", retryAfter: "1"}},
		"memory":     {relay.ErrMemory, reply{status: http.StatusServiceUnavailable, kind: "server_error", code: "overloaded", retryAfter: "1"}},
		"settle failed": {fmt.Errorf("forward: %w", relay.ErrUnsettled), // HOTPATH 16
			reply{status: http.StatusServiceUnavailable, kind: "server_error", code: "settle_failed", shouldRetry: "false"}},
		"answer lost":      {ledger.ErrNameUnknown, reply{status: http.StatusConflict, kind: "invalid_request_error", code: "outcome_unknown", shouldRetry: "false"}}, // HOTPATH 18
		"answer too large": {ledger.ErrNameTooBig, reply{status: http.StatusConflict, kind: "invalid_request_error", code: "outcome_too_large", shouldRetry: "false"}},
		"timeout":          {fault.New(fault.Timeout, "upstream_timeout", "x"), reply{status: http.StatusGatewayTimeout, kind: "server_error", code: "upstream_timeout"}},
		"key":              {gates.KeyRevoked.Fault(), reply{status: http.StatusUnauthorized, kind: "invalid_request_error", code: "invalid_api_key"}},
		"account closed":   {gates.AccountClosed.Fault(), reply{status: http.StatusUnauthorized, kind: "invalid_request_error", code: "invalid_api_key"}},
		"client gone":      {fault.New(fault.Canceled, "client_gone", "x"), reply{status: 499, kind: "invalid_request_error", code: "client_gone"}},
		"upstream's quota": {
			&port.Refusal{Status: 429, Message: "You exceeded your current quota", Type: "insufficient_quota", Code: "insufficient_quota", RetryAfter: "7"},
			reply{status: http.StatusTooManyRequests, kind: "rate_limit_error", code: "upstream_rate_limited", retryAfter: "7"},
		},
		"upstream's 418": {&port.Refusal{Status: 418, Message: "teapot"}, reply{status: http.StatusBadGateway, kind: "server_error", code: "upstream_unavailable"}},
		"unknown":        {errors.New("password=hunter2"), reply{status: http.StatusInternalServerError, kind: "server_error", code: "internal"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := render(c.err)
			require.NotEmpty(t, got.message)
			require.NotContains(t, got.message, "hunter2")
			require.NotContains(t, got.message, "exceeded your current quota")
			got.message = ""
			require.Equal(t, c.want, got)
		})
	}
}
