package billing_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/fault"
)

func TestState(t *testing.T) { // G4
	t.Parallel()
	for text, usable := range map[string]bool{
		"active": true, "trial": true, "operator_approved": true,
		"none": false, "incomplete": false, "past_due": false, "review": false, "cancelled": false,
	} {
		s, err := billing.Parse(text)
		require.NoError(t, err)
		require.Equal(t, billing.State(text), s)
		require.Equal(t, usable, s.Usable(), text)
	}
	for _, text := range []string{"", "Active", " active", "active ", "canceled", "ACTIVE", "active\x00", "free"} {
		s, err := billing.Parse(text)
		require.Equal(t, "unknown_billing_state", fault.CodeOf(err), "%q", text)
		require.Equal(t, fault.Invalid, fault.KindOf(err))
		require.Equal(t, "billing", fault.From(err).Param)
		require.Empty(t, s)
		require.False(t, billing.State(text).Usable(), "%q", text) // G3
	}
}
