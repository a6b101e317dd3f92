package threads_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/threads"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

// texts returns what a part says.
func texts(p threads.Part) (out []string) {
	for _, m := range p.Messages {
		out = append(out, m.Text)
	}
	return out
}

func TestService_Messages(t *testing.T) { // C2
	each(t, func(t *testing.T, h *house) {
		me := as(t, ann, "acct_1")
		th := h.create(t, threads.Draft{})
		part, err := h.Messages(me, th.ID, threads.Window{})
		require.NoError(t, err)
		require.Zero(t, part, "nothing was said")

		q1, a1 := h.ask(t, th.ID, "", "one")
		q2, a2 := h.ask(t, th.ID, a1, "two")
		q2b, a2b := h.ask(t, th.ID, a1, "two, in other words")
		a2c := h.answer(t, th.ID, q2b, "Another answer")
		require.NoError(t, h.store.Threads().Change(t.Context(), anns, th.ID, store.ThreadChange{Head: &a2c}))

		part, err = h.Messages(me, th.ID, threads.Window{})
		require.NoError(t, err)
		require.Equal(t, []string{"one", "Answer to one", "two, in other words", "Another answer"}, texts(part))
		require.Equal(t, a2c, part.Head)
		require.False(t, part.Earlier)
		var versions [][]string
		for _, m := range part.Messages {
			versions = append(versions, m.Versions)
			require.Equal(t, m.Role == chat.RoleAssistant, m.Work.ID != "", "work is on answers")
			if m.Work.ID != "" {
				require.Equal(t, m.ID, m.Work.Answer)
				require.EqualValues(t, 1500, m.Work.Debited)
			}
		}
		require.Equal(t, [][]string{{q1}, {a1}, {q2, q2b}, {a2b, a2c}}, versions)

		// Up, page by page.
		part, err = h.Messages(me, th.ID, threads.Window{Limit: 3})
		require.NoError(t, err)
		require.True(t, part.Earlier)
		require.Equal(t, []string{"Answer to one", "two, in other words", "Another answer"}, texts(part))
		part, err = h.Messages(me, th.ID, threads.Window{Limit: 3, Before: a1})
		require.NoError(t, err)
		require.Equal(t, []string{"one"}, texts(part))
		require.False(t, part.Earlier)
		part, err = h.Messages(me, th.ID, threads.Window{Before: q1})
		require.NoError(t, err)
		require.Empty(t, part.Messages)

		// Another branch, looked at.
		part, err = h.Messages(me, th.ID, threads.Window{At: q2})
		require.NoError(t, err)
		require.Equal(t, []string{"one", "Answer to one", "two", "Answer to two"}, texts(part))
		require.Equal(t, a2c, part.Head, "and not chosen")

		_, err = h.Messages(me, th.ID, threads.Window{At: q2, Before: q2})
		require.Equal(t, "invalid_request", fault.CodeOf(err))
		other := h.create(t, threads.Draft{})
		for _, w := range []threads.Window{{At: "msg_none"}, {Before: "msg_none"}} {
			_, err = h.Messages(me, th.ID, w)
			require.ErrorIs(t, err, store.ErrNotFound)
		}
		_, err = h.Messages(me, other.ID, threads.Window{At: a2})
		require.ErrorIs(t, err, store.ErrNotFound, "of another thread")
	})
}

func TestService_Choose(t *testing.T) { // C2
	each(t, func(t *testing.T, h *house) {
		me := as(t, ann, "acct_1")
		th := h.create(t, threads.Draft{})
		_, a1 := h.ask(t, th.ID, "", "one")
		q2, _ := h.ask(t, th.ID, a1, "two")
		q3, a3 := h.ask(t, th.ID, a1, "three")
		before := h.events(t)
		a2b := h.answer(t, th.ID, q2, "Another")
		for message, head := range map[string]string{q2: a2b, a2b: a2b, q3: a3, a1: a3} {
			got, err := h.Choose(me, th.ID, message)
			require.NoError(t, err)
			require.Equal(t, head, got.Head)
			kept, err := h.Get(me, th.ID)
			require.NoError(t, err)
			require.Equal(t, kept, got)
		}
		_, err := h.Choose(me, th.ID, "msg_none")
		require.ErrorIs(t, err, store.ErrNotFound)
		other := h.create(t, threads.Draft{})
		_, err = h.Choose(me, other.ID, a1)
		require.ErrorIs(t, err, store.ErrNotFound)
		require.Len(t, h.events(t), len(before)+1, "switching writes none")
	})
}

func TestService_Export(t *testing.T) { // C1, U3
	each(t, func(t *testing.T, h *house) {
		me := as(t, ann, "acct_1")
		th := h.create(t, threads.Draft{Title: "Ships"})
		var path []string
		last := ""
		for n := range 25 { // more than a step
			var q string
			q, last = h.ask(t, th.ID, last, fmt.Sprint("question ", n))
			path = append(path, q, last)
		}
		side, sideAnswer := h.ask(t, th.ID, path[1], "aside")
		_, err := h.Choose(me, th.ID, path[4])
		require.NoError(t, err)

		e, err := h.Export(me, th.ID)
		require.NoError(t, err)
		require.Equal(t, "chat.thread_exported "+th.ID, h.events(t)[len(h.events(t))-1])
		var got []string
		require.NoError(t, e.Path(me, func(m threads.Exported) error {
			require.True(t, m.Shown)
			require.Equal(t, m.Role == chat.RoleAssistant, m.Work.ID != "")
			got = append(got, m.ID)
			return nil
		}))
		require.Equal(t, path, got)
		all, shown := []string{}, 0
		require.NoError(t, e.All(me, func(m threads.Exported) error {
			require.Contains(t, append(slices.Clone(all), ""), m.Parent, "each after its parent")
			all = append(all, m.ID)
			require.Equal(t, slices.Contains(path, m.ID), m.Shown)
			if m.Shown {
				shown++
			}
			return nil
		}))
		require.ElementsMatch(t, append(slices.Clone(path), side, sideAnswer), all)
		require.Equal(t, len(path), shown)

		broken := fault.New(fault.Canceled, "gone", "Gone.")
		for _, walk := range []func() error{
			func() error { return e.Path(me, func(threads.Exported) error { return broken }) },
			func() error { return e.All(me, func(threads.Exported) error { return broken }) },
		} {
			require.ErrorIs(t, walk(), broken)
		}

		empty, err := h.Export(me, h.create(t, threads.Draft{}).ID)
		require.NoError(t, err)
		require.NoError(t, empty.Path(me, func(threads.Exported) error { return broken }))
	})
}

func TestService_Prompts(t *testing.T) { // C2
	each(t, func(t *testing.T, h *house) {
		me := as(t, ann, "acct_1")
		p, err := h.SavePrompt(me, " Sum up ", "Sum this up:\n")
		require.NoError(t, err)
		require.Equal(t, chat.Prompt{ID: p.ID, Account: "acct_1", User: ann, Title: "Sum up", Text: "Sum this up:\n", CreatedAt: h.now, UpdatedAt: h.now}, p)
		before := h.now
		h.now = h.now.Add(1e9)
		changed, err := h.ChangePrompt(me, p.ID, threads.PromptChange{Text: ptr("Shorter:")})
		require.NoError(t, err)
		same, err := h.ChangePrompt(me, p.ID, threads.PromptChange{Title: ptr("Sum up")})
		require.NoError(t, err)
		require.Equal(t, changed, same)
		list, err := h.Prompts(me)
		require.NoError(t, err)
		require.Equal(t, []chat.Prompt{{ID: p.ID, Account: "acct_1", User: ann, Title: "Sum up", Text: "Shorter:", CreatedAt: before, UpdatedAt: h.now}}, list)
		for text, c := range map[string]threads.PromptChange{
			"secret_in_text": {Title: ptr("4111 1111 1111 1111")}, "invalid_text": {Title: ptr(" ")}, "invalid_text (empty)": {Text: ptr(" \n")},
			"text_too_long": {Text: ptr(strings.Repeat("x", chat.MaxPrompt+1))}, "invalid_text (U+0000)": {Text: ptr("\x00")},
		} {
			_, err := h.ChangePrompt(me, p.ID, c)
			require.Equal(t, strings.Fields(text)[0], fault.CodeOf(err), text)
		}
		require.NoError(t, h.DeletePrompt(me, p.ID))
		require.ErrorIs(t, h.DeletePrompt(me, p.ID), store.ErrNotFound)
		require.Equal(t, []string{"chat.prompt_saved " + p.ID, "chat.prompt_saved " + p.ID, "chat.prompt_deleted " + p.ID}, h.events(t))
		for n := range chat.MaxPrompts {
			require.NoError(t, h.store.Prompts().Create(t.Context(), chat.Prompt{ID: fmt.Sprint("prm_", n), Account: "acct_1", User: ann, Title: "x", Text: "x", CreatedAt: h.now, UpdatedAt: h.now}))
		}
		_, err = h.SavePrompt(me, "x", "y")
		require.ErrorIs(t, err, threads.ErrTooManyPrompts)
	})
}

func TestService_NotSent(t *testing.T) { // C2: drafts survive
	each(t, func(t *testing.T, h *house) {
		me := as(t, ann, "acct_1")
		th := h.create(t, threads.Draft{})
		for _, thread := range []string{"", th.ID} {
			for _, text := range []string{"Half a sen", ""} {
				require.NoError(t, h.KeepNotSent(me, thread, text))
				got, err := h.NotSent(me, thread)
				require.NoError(t, err)
				require.Equal(t, text, got)
			}
		}
		require.Equal(t, "text_too_long", fault.CodeOf(h.KeepNotSent(me, "", strings.Repeat("x", chat.MaxDraft+1))))
		require.Equal(t, "invalid_text", fault.CodeOf(h.KeepNotSent(me, "", "\x00")))
		require.NoError(t, h.KeepNotSent(me, "", "mine"))
		got, err := h.NotSent(as(t, mo, "acct_1"), "")
		require.NoError(t, err)
		require.Empty(t, got)
		require.Len(t, h.events(t), 1, "drafts are no events")
	})
}
