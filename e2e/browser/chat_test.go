//go:build e2e

package browser_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/e2e/harness"
)

// C1 to C4, C6, K8, L4 and L9, as somebody who chats in a browser has them.
func TestChat(t *testing.T) {
	t.Parallel()
	s := newStage(t, harness.NewSQLite(t), 1, nil)
	for name, story := range map[string]func(*testing.T, *stage){
		"talk": talk, "resume": resume, "threads": threads, "composing": composing, "tools": tools, "hostile": hostile, "recorded": recorded,
	} {
		t.Run(name, func(t *testing.T) { story(t, s) })
	}
	s.site.Verify(t)
	s.site.VerifyAudit(t)
}

// talk: asking, asking again and in other words. C2, C4.
func talk(t *testing.T, s *stage) {
	p := s.player(t, "Talk", 100*harness.Credit, access.RoleMember)
	var facts struct {
		Landed, Before, Suggested, Balance, Thread, Text string
		Asked                                            int64
		During, After, End                               books
	}
	s.play(t, "talk", p, nil, nil, &facts)
	require.Equal(t, "/chat", facts.Landed)
	require.NotEmpty(t, facts.Suggested, "a suggestion fills the composer")
	require.Zero(t, facts.Asked, "and asks nobody anything")
	require.EqualValues(t, 1, facts.During.Holds, "credits are held while an answer comes")
	require.Positive(t, facts.During.Held)
	require.Zero(t, facts.During.Debits)
	require.EqualValues(t, 1, facts.After.Debits, "and debited when it has come")
	require.EqualValues(t, 3, facts.End.Debits, "one for each answer")
	require.Contains(t, facts.Text, "atlas")
	count(t, s.db, 3, "turns", "thread_id = $1 AND state = 'done' AND settled", facts.Thread)
	require.Equal(t, 100*harness.Credit-facts.End.Available, sum(t, s, p), "what turns say they cost is what was taken")
}

// sum returns what a player's turns say they cost.
func sum(t *testing.T, s *stage, p player) int64 {
	t.Helper()
	var n int64
	require.NoError(t, s.db.QueryRowContext(t.Context(), "SELECT sum(debited) FROM turns WHERE account_id = $1", p.account).Scan(&n))
	return n
}

// resume: an answer goes on without its browser. C3.
func resume(t *testing.T, s *stage) {
	p := s.player(t, "Resume", 100*harness.Credit, access.RoleMember)
	var facts struct {
		Whole, Stopped books
		Text           string
	}
	s.play(t, "resume", p, map[string]any{"again": cookieOf(s.desk.Again(t, p.Person))}, nil, &facts)
	require.EqualValues(t, 1, facts.Whole.Debits, "one answer, however many looked on")
	require.EqualValues(t, 2, facts.Stopped.Debits, "one that is stopped is paid for as far as it came")
	count(t, s.db, 1, "turns", "account_id = $1 AND state = 'stopped' AND settled", p.account)
	count(t, s.db, 1, "all_events", "account_id = $1 AND kind = 'chat.turn_stopped'", p.account)
}

func cookieOf(p harness.Person) map[string]string {
	name, value, _ := strings.Cut(p.Cookie, "=")
	return map[string]string{"name": name, "value": value}
}

// threads: conversations beside each other. C1.
func threads(t *testing.T, s *stage) {
	p := s.player(t, "Threads", 100*harness.Credit, access.RoleMember)
	type file struct{ Name, Text string }
	var facts struct {
		Whales, Bees, Copied string
		Files                struct{ Markdown, JSON file }
		Books                books
	}
	s.play(t, "threads", p, nil, nil, &facts)
	require.EqualValues(t, 2, facts.Books.Debits)
	require.Equal(t, facts.Whales, facts.Copied)
	require.True(t, strings.HasSuffix(facts.Files.Markdown.Name, ".md"), facts.Files.Markdown.Name)
	require.Contains(t, facts.Files.Markdown.Text, "Songs of the sea")
	require.Contains(t, facts.Files.Markdown.Text, "Whales sing to each other over hundreds of kilometres.")
	require.True(t, strings.HasSuffix(facts.Files.JSON.Name, ".json"), facts.Files.JSON.Name)
	require.True(t, json.Valid([]byte(facts.Files.JSON.Text)))
	require.Contains(t, facts.Files.JSON.Text, facts.Whales)
	s.told(t, p, "thread_created", "thread_changed", "thread_deleted", "thread_restored", "thread_exported")
}

// composing: drafts, models and keys. C2.
func composing(t *testing.T, s *stage) {
	p := s.player(t, "Composing", 100*harness.Credit, access.RoleMember)
	var facts struct {
		Composed int
		Lines    string
		Grew     bool
		Sent     int64
		Models   string
		Model    string
		Next     string
	}
	before := s.site.Upstream.Stats(t).Requests
	s.play(t, "composing", p, nil, answers{
		"draft": quietly(func(t *testing.T, with json.RawMessage) {
			d := into[struct{ Thread, Text string }](t, with)
			if d.Thread == "new" {
				d.Thread = ""
			}
			want := int64(1)
			if d.Text == "" {
				want = 0
			}
			harness.Eventually(t, time.Minute, "the draft is kept", func() error {
				got := harness.Count(t, s.db, "drafts", "account_id = $1 AND thread_id = $2 AND text = $3", p.account, d.Thread, d.Text)
				rows := harness.Count(t, s.db, "drafts", "account_id = $1 AND thread_id = $2", p.account, d.Thread)
				if got != want || rows != want {
					return errNotYet
				}
				return nil
			})
		}),
		"model": func(t *testing.T, _ json.RawMessage) any {
			var model string
			require.NoError(t, s.db.QueryRowContext(t.Context(), "SELECT model FROM turns WHERE account_id = $1 ORDER BY id DESC LIMIT 1", p.account).Scan(&model))
			return model
		},
	}, &facts)
	require.Zero(t, facts.Composed, "Enter that ends a word of an input method sends nothing")
	require.Equal(t, "one\ntwo", facts.Lines)
	require.True(t, facts.Grew, "the composer grows with its text")
	require.Equal(t, before, facts.Sent)
	require.Contains(t, facts.Models, "atlas-large")
	require.Equal(t, []string{"atlas-mini", "atlas-mini"}, []string{facts.Model, facts.Next}, "which is remembered")
}

// tools: saved prompts, instructions and the trace of an answer. C2, C4, S2.
func tools(t *testing.T, s *stage) {
	p := s.player(t, "Tools", 100*harness.Credit, access.RoleMember)
	var facts struct {
		Refused, Sent, Trace, Thread string
		Before                       int64
		Steps                        []string
	}
	before := s.site.Upstream.Stats(t).Requests
	s.play(t, "tools", p, nil, nil, &facts)
	require.Contains(t, facts.Refused, "password")
	require.NotContains(t, facts.Refused, "hunter2")
	require.Equal(t, before, facts.Before, "a prompt fills the composer and asks nobody anything")
	require.Contains(t, facts.Sent, "3 messages", "question, answer, question")
	// Between the first and the last they stand as they came: a quick answer is
	// there before its hold is durable, and shown once its debit is (HOTPATH 14).
	require.ElementsMatch(t, []string{"gate", "hold", "upstream", "first_text", "settle", "end"}, facts.Steps)
	require.Equal(t, []string{"gate", "end"}, []string{facts.Steps[0], facts.Steps[5]})
	var request string
	require.NoError(t, s.db.QueryRowContext(t.Context(), "SELECT request_id FROM turns WHERE thread_id = $1 ORDER BY id DESC LIMIT 1", facts.Thread).Scan(&request))
	require.Contains(t, strings.ReplaceAll(facts.Trace, " ", ""), request)
	count(t, s.db, 1, "threads", "id = $1 AND instructions = 'Answer in one line.'", facts.Thread)
	count(t, s.db, 0, "prompts", "account_id = $1", p.account)
	s.told(t, p, "prompt_saved", "prompt_deleted")
}

// found is what there is of a page's messages.
type found struct {
	Ran       []string
	Title     string
	Handlers  []string
	Addresses []struct{ Tag, Attribute, Value, Rel, Target string }
	Elements  []string
	Styled    []string
	IDs       []string
	Frames    int
	Overflow  bool
	Fixed     int
}

// hostile: what a model writes is text. C2, and SECURITY.
func hostile(t *testing.T, s *stage) {
	p := s.player(t, "Hostile", 1000*harness.Credit, access.RoleMember)
	var facts struct {
		Count              int
		Live, Phone, Again found
		Pages              []string
	}
	s.play(t, "hostile", p, nil, nil, &facts)
	require.Greater(t, facts.Count, 10)
	require.Empty(t, facts.Pages, "nothing opens a page")
	for name, f := range map[string]found{"live": facts.Live, "on a phone": facts.Phone, "loaded": facts.Again} {
		require.Empty(t, f.Ran, name)
		require.Empty(t, f.Handlers, name)
		require.Empty(t, f.Elements, name)
		require.Zero(t, f.Frames, name)
		require.Zero(t, f.Fixed, name)
		require.False(t, f.Overflow, "%s: wider than the screen", name)
		require.NotEmpty(t, f.Addresses, "%s: what is harmless is linked", name)
		for _, a := range f.Addresses {
			require.Equal(t, "A href", a.Tag+" "+a.Attribute, name)
			require.Regexp(t, `^(https?://|mailto:|#)`, a.Value, name)
			if !strings.HasPrefix(a.Value, "#") {
				require.Equal(t, "_blank", a.Target, "%s: %s", name, a.Value)
				require.Contains(t, a.Rel, "noopener", "%s: %s", name, a.Value)
				require.Contains(t, a.Rel, "noreferrer", "%s: %s", name, a.Value)
			}
		}
		for _, id := range f.IDs {
			require.NotContains(t, []string{"root", "chat-composer", "__proto__"}, id, name)
		}
	}
}
