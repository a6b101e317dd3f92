package relay_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/relay"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/ledger"
)

// A gate that closes ends what goes on behind it, at once: a stream as an
// error that is paid for, an answer in one piece as a refusal that is not.
func TestRelay_gateCloses(t *testing.T) { // K5, L9
	watched := func(b *bench) *gate {
		g := &gate{}
		b.job = func(j *relay.Job) { j.Gate = g }
		return g
	}
	for name, body := range map[string]string{"chat": chat, "response": response} {
		t.Run("on a stream: "+name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				g := watched(b)
				v := b.send(body, &client{})
				a := b.up.answer()
				sent := hello
				if body == response {
					sent = created + delta
				}
				a.say(sent)
				start := time.Now()
				g.cut(gates.KeyRevoked.Fault())
				require.NoError(b.t, v.wait())
				require.Zero(b.t, time.Since(start))
				require.Error(b.t, a.ctx.Err(), "the upstream is cut")
				got := v.got()
				require.True(b.t, strings.HasPrefix(got, "head|"+sent+"fail "), got)
				require.Contains(b.t, got, `"code":"key_revoked"`)
				require.Contains(b.t, got, `"error":{`, "at the top, where SDKs look") // HOTPATH 17
				require.True(b.t, strings.HasSuffix(got, "abort"), got)
				require.Equal(b.t, ledger.HoldSettled, b.hold().State)
				require.Equal(b.t, "key_revoked", b.hold().Reason)
				require.Positive(b.t, b.hold().Debited)
			})
		})
	}
	t.Run("before a stream's first frame", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			g := watched(b)
			v := b.send(chat, &client{})
			b.up.answer()
			g.cut(gates.AccountSuspended.Fault())
			require.Equal(b.t, gates.AccountSuspended.Fault(), v.wait())
			require.Empty(b.t, v.got())
			b.released("account_suspended")
		})
	})
	t.Run("on an answer in one piece", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			g := watched(b)
			v := b.send(jsonChat, &client{})
			a := b.up.answer()
			a.say(jsonAnswer[:40])
			g.cut(gates.NoProductGroup.Fault())
			require.Equal(b.t, gates.NoProductGroup.Fault(), v.wait())
			require.Empty(b.t, v.got())
			b.released("no_product_group")
		})
	})
	t.Run("while the end is withheld", func(t *testing.T) { // the work is done, and is delivered
		inBubble(t, func(b *bench) {
			g := watched(b)
			v := b.send(chat, &client{})
			a := b.up.answer()
			a.say(hello)
			proceed := b.db.stall(ledger.OpSettle)
			a.say(usage + done)
			g.cut(gates.KeyRevoked.Fault())
			synctest.Wait()
			proceed()
			require.NoError(b.t, v.wait())
			require.Equal(b.t, "head|"+hello+done+"end", v.got())
			b.settled(50, "")
		})
	})
}
