//go:build e2e

package engine

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReady(t *testing.T) {
	t.Parallel()
	require.NoError(t, ready(t.Context(), postgresImage))
	require.ErrorContains(t, ready(t.Context(), "archibotchat-test/nothing:0"), "run: make images")
}
