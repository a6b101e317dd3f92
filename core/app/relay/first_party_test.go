package relay_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/relay"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/ports/store"
)

// What the service does for somebody's browser spends from the same pool, and
// names its user and no key (K8).
func TestRelay_firstParty(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.job = func(j *relay.Job) {
			j.By = access.Principal{Kind: access.PrincipalUser, ID: "user_1", User: "user_1", Account: account}
			j.Area = access.AreaChat
		}
		v := b.send(jsonChat, &client{})
		a := b.up.answer()
		a.say(jsonAnswer)
		_ = a.PipeWriter.Close()
		require.NoError(b.t, v.wait())
		h := b.settled(50, "")
		require.Empty(b.t, h.Work.Key)
		require.Equal(b.t, "user_1", h.Work.User)
		require.Equal(b.t, "chat", h.Work.Area)
		es, err := b.db.Events().List(b.t.Context(), store.EventQuery{Account: account, Kinds: []audit.Kind{audit.UsageDebited}})
		require.NoError(b.t, err)
		require.Len(b.t, es, 1)
		require.Equal(b.t, audit.Actor{Kind: audit.ActorUser, ID: "user_1"}, es[0].Actor)
		require.Empty(b.t, es[0].Key)
	})
}
