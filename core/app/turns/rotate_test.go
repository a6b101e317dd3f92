package turns_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/core/ledger"
)

// A turn whose account is changed, and whose credential is replaced, between the
// gate and the hold is looked at again, and goes on (HOTPATH 20, K8).
func TestService_Start_rotated(t *testing.T) {
	for name, c := range map[string]struct {
		change func(h *house, p *person)
		state  chat.State
		reason string
	}{
		"credential replaced": {func(h *house, p *person) {
			was, err := h.db.FirstParties().Of(h.t.Context(), account, "user_1")
			require.NoError(h.t, err)
			next := was
			next.Digest[0]++
			require.NoError(h.t, h.db.FirstParties().Put(h.t.Context(), next, was.Digest))
		}, chat.Done, ""},
		"credential removed": {func(h *house, _ *person) {
			require.NoError(h.t, h.db.FirstParties().End(h.t.Context(), account, "user_1"))
		}, chat.Done, ""},
		"account changed": {func(h *house, _ *person) {
			a, err := h.db.Accounts().Get(h.t.Context(), account)
			require.NoError(h.t, err)
			a.Name = "Other"
			require.NoError(h.t, h.db.Accounts().Set(h.t.Context(), a))
		}, chat.Done, ""},
		"account suspended": {func(h *house, _ *person) {
			a, err := h.db.Accounts().Get(h.t.Context(), account)
			require.NoError(h.t, err)
			a.Status = access.StatusSuspended
			require.NoError(h.t, h.db.Accounts().Set(h.t.Context(), a))
		}, chat.Failed, "account_suspended"},
		"credential removed, session over": {func(h *house, p *person) {
			require.NoError(h.t, p.s.Sessions.End(p.ctx, "signed_out"))
			require.NoError(h.t, h.db.FirstParties().End(h.t.Context(), account, "user_1"))
		}, chat.Failed, "not_signed_in"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(h *house, s *server) {
				p := h.person(1)
				p.answered(p.thread(), "?", "the credential is there")
				calls := h.up.called()
				s.edge.before(ledger.OpHold, func() { c.change(h, p) })
				st, err := p.ask(p.thread(), "?")
				require.NoError(h.t, err)
				if c.state == chat.Done {
					a := h.up.answer(calls)
					a.say(chunk("here"))
					a.finish()
				}
				turn := p.ended(st.Turn.ID)
				require.Equal(h.t, c.state, turn.State, turn.Reason)
				require.Equal(h.t, c.reason, turn.Reason)
				require.True(h.t, turn.Settled)
				if c.state == chat.Failed {
					require.Zero(h.t, turn.Debited)
					require.Len(h.t, h.events(audit.ChatTurnFailed), 1)
				}
			})
		})
	}
}
