package threads_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/threads"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/ports/store"
)

// urls are the databases that every test runs on.
var urls = map[string]func(t *testing.T) string{
	"sqlite": func(t *testing.T) string { return blank.SQLite(t, filepath.Join(t.TempDir(), "test.db")) },
}

// house is a store with two accounts. Ann and Mo are of the first.
type house struct {
	*threads.Service
	store *sqlstore.Store
	ids   *system.IDs
	now   time.Time
}

func each(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	t.Parallel()
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &house{ids: system.NewIDs(system.Now), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
			clock := func() time.Time { return h.now }
			s, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: url(t), NewID: h.ids.New, TestClock: clock})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, s.Close()) })
			require.NoError(t, s.Migrate(t.Context()))
			h.store = s
			for _, id := range []string{"acct_1", "acct_2"} {
				require.NoError(t, s.Accounts().Create(t.Context(), store.Account{Billing: billing.Active, Account: access.Account{ID: id, Name: "House", Status: access.StatusActive}}))
			}
			h.Service = threads.New(threads.Deps{Store: s, Now: clock, NewID: h.ids.New})
			test(t, h)
		})
	}
}

const (
	ann = "user_ann"
	mo  = "user_mo"
)

// as acts as a member of an account.
func as(t *testing.T, user, account string) context.Context {
	by := access.Principal{Kind: access.PrincipalUser, ID: user, User: user, Account: account, Role: access.RoleAdmin}
	return access.WithRequest(access.WithPrincipal(t.Context(), by), "req_1")
}

// strangers are those who may see nothing of Ann's in the first account.
func strangers(t *testing.T) map[string]context.Context {
	return map[string]context.Context{
		"another member":          as(t, mo, "acct_1"),
		"the same in another":     as(t, ann, "acct_2"),
		"nobody":                  t.Context(),
		"a key of hers":           access.WithPrincipal(t.Context(), access.Principal{Kind: access.PrincipalKey, ID: "key_1", User: ann, Account: "acct_1"}),
		"an operator":             access.WithPrincipal(t.Context(), access.Principal{Kind: access.PrincipalOperator, ID: "pat"}),
		"a session without user":  as(t, "", "acct_1"),
		"a session of no account": as(t, ann, ""),
	}
}

// anns are her conversations in the first account.
var anns = store.Whose{Account: "acct_1", User: ann}

// create begins a thread of Ann's.
func (h *house) create(t *testing.T, d threads.Draft) chat.Thread {
	t.Helper()
	th, err := h.Create(as(t, ann, "acct_1"), d)
	require.NoError(t, err)
	return th
}

// ask adds a question with its answer after a message, "" for the first of a
// path, and returns both IDs. The answer is the head then.
func (h *house) ask(t *testing.T, thread, parent, text string) (question, answer string) {
	t.Helper()
	question = h.add(t, chat.Message{Thread: thread, Parent: parent, Role: chat.RoleUser, Text: text})
	return question, h.answer(t, thread, question, "Answer to "+text)
}

// answer adds an answer to a question, with the turn that made it.
func (h *house) answer(t *testing.T, thread, question, text string) string {
	t.Helper()
	turn := chat.Turn{
		ID: h.ids.New("turn"), Account: "acct_1", User: ann, Thread: thread, Question: question, Answer: h.ids.New("msg"), Key: h.ids.New("k"), Model: "m", Request: h.ids.New("req"),
		Owner: "own_1", Until: h.now.Add(time.Minute), State: chat.Running, Sent: 1, StartedAt: h.now,
	}
	h.add(t, chat.Message{ID: turn.Answer, Thread: thread, Parent: question, Role: chat.RoleAssistant, Turn: turn.ID})
	require.NoError(t, h.store.Turns().Start(t.Context(), turn))
	turn.State, turn.Debited, turn.Settled, turn.EndedAt = chat.Done, 1500, true, h.now
	_, err := h.store.Turns().End(t.Context(), "own_1", turn, &text)
	require.NoError(t, err)
	return turn.Answer
}

func (h *house) add(t *testing.T, m chat.Message) string {
	t.Helper()
	if m.ID == "" {
		m.ID = h.ids.New("msg")
	}
	m.Account, m.CreatedAt = "acct_1", h.now
	_, err := h.store.Messages().Add(t.Context(), anns, m)
	require.NoError(t, err)
	require.NoError(t, h.store.Threads().Change(t.Context(), anns, m.Thread, store.ThreadChange{Head: &m.ID}))
	return m.ID
}

// events returns the first account's events, oldest first.
func (h *house) events(t *testing.T) (out []string) {
	t.Helper()
	list, err := h.store.Events().List(t.Context(), store.EventQuery{Account: "acct_1", Limit: 1000})
	require.NoError(t, err)
	for _, e := range list {
		out = append([]string{strings.TrimSpace(string(e.Kind) + " " + e.Subject + " " + e.Reason)}, out...)
		require.Equal(t, "chat", e.Area)
		require.Equal(t, "req_1", e.Request)
		require.Equal(t, ann, e.Actor.ID)
	}
	return out
}

func ptr[T any](v T) *T { return &v }
