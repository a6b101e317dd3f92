package relay_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/relay"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/core/ledger"
	port "github.com/archibot/archibotchat/ports/inference"
)

// notes is an observer that writes down what it is told.
type notes struct{ told []string }

var _ relay.Observer = (*notes)(nil)

func (n *notes) Held()                    { n.told = append(n.told, "held") }
func (n *notes) Accepted(upstream string) { n.told = append(n.told, "accepted by "+upstream) }
func (n *notes) Broke(err error)          { n.told = append(n.told, "broke: "+fault.CodeOf(err)) }
func (n *notes) Released(b relay.Bill) {
	n.told = append(n.told, fmt.Sprintf("released, %d left", b.Remaining))
}

func (n *notes) Settled(b relay.Bill, u inference.Usage) {
	n.told = append(n.told, fmt.Sprintf("settled %d for %d+%d, %d left", b.Debited, u.Input, u.Output, b.Remaining))
}

func TestRelay_observer(t *testing.T) {
	for name, c := range map[string]struct {
		early bool
		do    func(b *bench)
		say   string
		want  string
	}{
		"a stream":               {say: hello + finished + usage + done, want: "held, accepted by test, settled 50 for 10+20, 999950 left"},
		"a stream that is early": {early: true, say: hello + finished + usage + done, want: "accepted by test, held, settled 50 for 10+20, 999900 left"},
		"a cut":                  {say: hello, want: fmt.Sprintf("held, accepted by test, settled %d for %d+8, %d left, broke: upstream_cut", estimated, estimated-16, granted-estimated)},
		"a cut before it began":  {want: "held, accepted by test, released, 1000000 left"},
		"a refusal":              {do: func(b *bench) { b.up.fail = &port.Refusal{Status: 500} }, want: "held, released, 1000000 left"},
		"no credits":             {do: func(b *bench) { b.price.PerOutput *= granted }, want: ""},
		"no debit":               {do: func(b *bench) { b.db.stall(ledger.OpSettle) }, say: hello + finished + usage + done, want: "held, accepted by test, broke: settle_failed"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				if c.early {
					b.rich()
				}
				n := &notes{}
				admitted := b.job
				b.job = func(j *relay.Job) {
					if admitted != nil {
						admitted(j)
					}
					j.Observer = n
				}
				if c.do != nil {
					c.do(b)
				}
				v := b.send(chat, &client{})
				if b.up.called() > 0 && b.up.fail == nil {
					a := b.up.answer()
					a.say(c.say)
					_ = a.PipeWriter.Close()
				}
				_ = v.wait()
				require.Equal(b.t, c.want, strings.Join(n.told, ", "))
			})
		})
	}
}
