package identity_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/identity"
)

func TestGrant_NeverPrints(t *testing.T) {
	t.Parallel()
	const canary = "canary-55b1d0"
	grant := identity.Grant{Refresh: canary + "r", IDToken: canary + "i", Access: canary + "a", AccessUntil: time.Unix(1, 0)}
	flow := identity.Flow{State: canary + "s", Nonce: canary + "n", Verifier: canary + "v", Redirect: canary + "u"}
	var out bytes.Buffer
	for _, v := range []any{grant, &grant, flow, &flow, identity.Identity{Grant: grant}, []identity.Grant{grant}, map[string]identity.Flow{"k": flow}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		text, err := json.Marshal(v)
		require.NoError(t, err)
		out.Write(text)
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
	}
	require.NotContains(t, out.String(), canary)
	require.NotContains(t, out.String(), fmt.Sprintf("%x", canary))
	require.NotContains(t, out.String(), fmt.Sprintf("%X", canary))
	require.Contains(t, out.String(), "[redacted]")
}

func TestGrant_Empty(t *testing.T) {
	t.Parallel()
	require.True(t, identity.Grant{}.Empty())
	require.False(t, identity.Grant{IDToken: "t"}.Empty())
}

func TestReasonOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want identity.Reason
	}{
		"nothing":        {nil, identity.ReasonNone},
		"something else": {io.EOF, identity.ReasonNone},
		"refused":        {identity.ErrRefused, identity.ReasonNone},
		"state":          {identity.ErrState, identity.ReasonState},
		"with a cause":   {identity.Failed(identity.ReasonNonce, io.EOF), identity.ReasonNonce},
		"wrapped":        {fmt.Errorf("finish: %w", identity.Failed(identity.ReasonIssuer, nil)), identity.ReasonIssuer},
		"without one":    {identity.ErrFailed, "sign_in_failed"},
	} {
		require.Equal(t, c.want, identity.ReasonOf(c.err), name)
	}
}

func TestFailed(t *testing.T) {
	t.Parallel()
	err := identity.Failed(identity.ReasonNonce, io.ErrUnexpectedEOF)
	require.ErrorIs(t, err, identity.ErrFailed)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NotErrorIs(t, err, identity.ErrRefused)
	require.Equal(t, fault.Unauthenticated, fault.KindOf(err))
	require.NotContains(t, err.Message, "nonce", "the person is told no detail")
	require.Contains(t, err.Error(), "nonce: unexpected EOF")
}

func TestUnavailable(t *testing.T) {
	t.Parallel()
	err := identity.Unavailable(io.EOF)
	require.ErrorIs(t, err, identity.ErrUnavailable)
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.NoError(t, errors.Unwrap(identity.ErrUnavailable), "the shared one stays as it is")
	require.Positive(t, err.RetryAfter)
}
