package api_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/demoupstream"
	"github.com/archibot/archibotchat/adapters/pricefile"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/app/turns"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/pricing"
	"github.com/archibot/archibotchat/ports/store"
)

// talk is a conversation of one question with its answer, and a prompt.
type talk struct {
	thread, question, answer, turn, prompt string

	whose store.Whose
}

// at fills in the IDs of the talk.
func (k talk) at(text string) string {
	return strings.NewReplacer("{thread}", k.thread, "{message}", k.question, "{turn}", k.turn, "{prompt}", k.prompt).Replace(text)
}

// talk writes one down.
func (h *house) talk(t *testing.T, account, user string) talk {
	t.Helper()
	k := talk{thread: h.ids.New("thr"), question: h.ids.New("msg"), answer: h.ids.New("msg"), turn: h.ids.New("turn"), prompt: h.ids.New("prm"), whose: store.Whose{Account: account, User: user}}
	ctx := t.Context()
	require.NoError(t, h.store.Threads().Create(ctx, chat.Thread{ID: k.thread, Account: account, User: user, Title: "Talk of " + user, Named: true, CreatedAt: h.now, UpdatedAt: h.now}))
	h.say(t, k, chat.Message{ID: k.question, Role: chat.RoleUser, Text: "What is it?", Turn: k.turn})
	h.say(t, k, chat.Message{ID: k.answer, Parent: k.question, Role: chat.RoleAssistant, Turn: k.turn})
	turn := chat.Turn{
		ID: k.turn, Account: account, User: user, Thread: k.thread, Question: k.question, Answer: k.answer, Key: "first-key", Model: "demo-small", Request: "req_of_" + user,
		Owner: "own_1", Until: h.now.Add(time.Minute), State: chat.Running, Sent: 1, StartedAt: h.now,
	}
	require.NoError(t, h.store.Turns().Start(ctx, turn))
	turn.State, turn.Input, turn.Output, turn.Debited, turn.Settled, turn.FirstAt, turn.EndedAt = chat.Done, 3, 5, 1500, true, h.now.Add(time.Second), h.now.Add(2*time.Second)
	turn.Steps = []chat.Step{{Name: "gate", At: time.Millisecond}, {Name: "end", At: 2 * time.Second}}
	text := "It is what it is."
	_, err := h.store.Turns().End(ctx, "own_1", turn, &text)
	require.NoError(t, err)
	require.NoError(t, h.store.Prompts().Create(ctx, chat.Prompt{ID: k.prompt, Account: account, User: user, Title: "Prompt of " + user, Text: "Say it.", CreatedAt: h.now, UpdatedAt: h.now}))
	return k
}

// say adds a message to a talk, which is the head then.
func (h *house) say(t *testing.T, k talk, m chat.Message) {
	t.Helper()
	m.Thread, m.Account, m.CreatedAt = k.thread, k.whose.Account, h.now
	_, err := h.store.Messages().Add(t.Context(), k.whose, m)
	require.NoError(t, err)
	require.NoError(t, h.store.Threads().Change(t.Context(), k.whose, k.thread, store.ThreadChange{Head: &m.ID}))
}

// shut is a door of the chat that lets nobody in.
type shut struct{ sessions *sessions.Service }

func (shut) Enter(context.Context, string, netip.Addr) (turns.Visit, error) {
	return nil, gates.CreditsExhausted.Fault()
}

func (d shut) Check(ctx context.Context) error { return d.sessions.Check(ctx) }

func (shut) Limited(context.Context, netip.Addr) {}

// prices are those of the demonstration models.
type prices struct {
	edition pricing.Edition
	unsure  error
}

func newPrices() (*prices, error) {
	book, err := pricefile.Parse(demoupstream.PriceBook())
	if err != nil {
		return nil, err
	}
	return &prices{edition: book.Editions()[0]}, nil
}

func (p *prices) InForce() (pricing.Edition, error) { return p.edition, p.unsure }

func (p *prices) Known() pricing.Edition { return p.edition }
