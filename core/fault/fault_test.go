package fault_test

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/fault"
)

func TestKind_String(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for k := fault.Internal; k <= fault.Canceled; k++ {
		require.NotEqual(t, "unknown", k.String(), "kind %d has no name", k)
		require.False(t, seen[k.String()], k.String())
		seen[k.String()] = true
	}
	require.Equal(t, "unknown", (fault.Canceled + 1).String(), "a name too many")
	require.Equal(t, "unknown", fault.Kind(255).String())
	require.Equal(t, "internal", fault.Kind(0).String(), "the zero value tells nothing")
	require.Equal(t, "canceled", fault.Canceled.String())
}

func TestError(t *testing.T) {
	t.Parallel()
	cause := fmt.Errorf("dial tcp 10.0.0.1: %w", io.EOF)
	f := fault.Wrap(cause, fault.Unavailable, "store_unavailable", "Try again.")
	require.Equal(t, "store_unavailable: Try again.: dial tcp 10.0.0.1: EOF", f.Error())
	require.ErrorIs(t, f, io.EOF)
	require.Equal(t, "a: B.", fault.New(fault.Invalid, "a", "B.").Error())
	require.NotContains(t, f.Message, "10.0.0.1")
}

func TestError_Is(t *testing.T) {
	t.Parallel()
	declared := fault.New(fault.NotFound, "not_found", "There is none.")
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"itself":             {declared, true},
		"wrapped":            {fmt.Errorf("read: %w", declared), true},
		"joined":             {errors.Join(io.EOF, declared), true},
		"other words":        {fault.Wrap(io.EOF, fault.NotFound, "not_found", "Something else."), true},
		"other code":         {fault.New(fault.NotFound, "unknown_lot", "There is none."), false},
		"other kind":         {fault.New(fault.Internal, "not_found", "There is none."), false},
		"same text":          {errors.New(declared.Error()), false},
		"fault as its cause": {fault.Wrap(declared, fault.Internal, "internal", "Oh."), true},
		"nothing":            {nil, false},
	} {
		require.Equal(t, c.want, errors.Is(c.err, declared), name)
	}
}

func TestFrom(t *testing.T) {
	t.Parallel()
	require.Nil(t, fault.From(nil))
	f := &fault.Error{Kind: fault.Limited, Code: "rate_limited", Message: "Slow down.", Param: "n", RetryAfter: time.Second}
	require.Same(t, f, fault.From(f))
	require.Same(t, f, fault.From(fmt.Errorf("admit: %w", f)))
	require.Equal(t, fault.Limited, fault.KindOf(fmt.Errorf("admit: %w", f)))
	require.Equal(t, "rate_limited", fault.CodeOf(f))

	secret := errors.New("password=hunter2")
	got := fault.From(secret)
	require.Equal(t, fault.Internal, got.Kind)
	require.Equal(t, "internal", got.Code)
	require.NotContains(t, got.Message+got.Code+got.Param, "hunter2", "nothing unknown reaches a client")
	require.ErrorIs(t, got, secret)
	require.Equal(t, fault.Internal, fault.KindOf(secret))
	require.Equal(t, "internal", fault.CodeOf(secret))
}
