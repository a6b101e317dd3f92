package threads_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/threads"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

func TestService_Create(t *testing.T) { // C1, U1
	each(t, func(t *testing.T, h *house) {
		plain := h.create(t, threads.Draft{})
		require.Equal(t, chat.Untitled, plain.Title)
		require.False(t, plain.Named)
		named := h.create(t, threads.Draft{Title: "  Names for a ship ", Model: "gpt-9", Instructions: "Be brief.\n"})
		got, err := h.Get(as(t, ann, "acct_1"), named.ID)
		require.NoError(t, err)
		require.Equal(t, named, got)
		require.Equal(t, chat.Thread{
			ID: named.ID, Account: "acct_1", User: ann, Title: "Names for a ship", Named: true, Model: "gpt-9", Instructions: "Be brief.\n", CreatedAt: h.now, UpdatedAt: h.now,
		}, got)
		require.Equal(t, []string{"chat.thread_created " + plain.ID, "chat.thread_created " + named.ID}, h.events(t))
	})
}

func TestService_Create_refused(t *testing.T) { // S2
	each(t, func(t *testing.T, h *house) {
		for text, d := range map[string]threads.Draft{
			"secret_in_text":          {Title: "my password: hunter2"},
			"invalid_text":            {Title: strings.Repeat("x", chat.MaxTitle+1)},
			"invalid_text (wide)":     {Title: strings.Repeat("ä", chat.MaxTitle/2+1)},
			"invalid_text (lines)":    {Title: "a\nb"},
			"invalid_text (bidi)":     {Title: "a\u202eb"},
			"invalid_text (UTF-8)":    {Title: "a\xffb"},
			"invalid_text (blank)":    {Title: " "},
			"invalid_text (model)":    {Model: "a b"},
			"invalid_text (long)":     {Model: strings.Repeat("x", chat.MaxModel+1)},
			"text_too_long":           {Instructions: strings.Repeat("x", chat.MaxInstructions+1)},
			"invalid_text (U+0000)":   {Instructions: "a\x00b"},
			"invalid_text (no UTF-8)": {Instructions: "a\xffb"},
		} {
			_, err := h.Create(as(t, ann, "acct_1"), d)
			require.Equal(t, strings.Fields(text)[0], fault.CodeOf(err), text)
			require.NotContains(t, err.Error(), "hunter2")
		}
		require.Empty(t, h.events(t))
		list, _, err := h.List(as(t, ann, "acct_1"), threads.Query{View: store.ThreadsActive})
		require.NoError(t, err)
		require.Empty(t, list)
	})
}

// Everybody else is told what they are told of what is not there.
func TestService_strangers(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		th := h.create(t, threads.Draft{Title: "Private"})
		question, _ := h.ask(t, th.ID, "", "Who am I?")
		p, err := h.SavePrompt(as(t, ann, "acct_1"), "One", "Text")
		require.NoError(t, err)
		before := h.events(t)
		for who, ctx := range strangers(t) {
			for what, do := range map[string]func(ctx context.Context, thread string) error{
				"get": func(ctx context.Context, id string) error { _, err := h.Get(ctx, id); return err },
				"change": func(ctx context.Context, id string) error {
					_, err := h.Change(ctx, id, threads.Change{Pinned: ptr(true)})
					return err
				},
				"delete":  func(ctx context.Context, id string) error { return h.Delete(ctx, id) },
				"restore": func(ctx context.Context, id string) error { _, err := h.Restore(ctx, id); return err },
				"messages": func(ctx context.Context, id string) error {
					_, err := h.Messages(ctx, id, threads.Window{})
					return err
				},
				"before": func(ctx context.Context, id string) error {
					_, err := h.Messages(ctx, id, threads.Window{Before: question})
					return err
				},
				"choose":       func(ctx context.Context, id string) error { _, err := h.Choose(ctx, id, question); return err },
				"export":       func(ctx context.Context, id string) error { _, err := h.Export(ctx, id); return err },
				"draft":        func(ctx context.Context, id string) error { _, err := h.NotSent(ctx, id); return err },
				"keep a draft": func(ctx context.Context, id string) error { return h.KeepNotSent(ctx, id, "x") },
			} {
				err := do(ctx, th.ID)
				require.ErrorIs(t, err, store.ErrNotFound, "%s: %s", who, what)
				require.Equal(t, do(as(t, ann, "acct_1"), "thr_none").Error(), err.Error(), "%s: %s", who, what)
			}
			_, err := h.ChangePrompt(ctx, p.ID, threads.PromptChange{Title: ptr("x")})
			require.ErrorIs(t, err, store.ErrNotFound, who)
			require.ErrorIs(t, h.DeletePrompt(ctx, p.ID), store.ErrNotFound, who)
			list, _, err := h.List(ctx, threads.Query{View: store.ThreadsActive, Text: "Private"})
			require.True(t, err != nil || len(list) == 0, who)
			prompts, err := h.Prompts(ctx)
			require.True(t, err != nil || len(prompts) == 0, who)
		}
		require.Equal(t, before, h.events(t))
	})
}

func TestService_Change(t *testing.T) { // C1, U1
	each(t, func(t *testing.T, h *house) {
		th := h.create(t, threads.Draft{})
		h.ask(t, th.ID, "", "What shall the ship be called?\nThink.")
		created := len(h.events(t))
		change := func(c threads.Change) (chat.Thread, []string) {
			t.Helper()
			before := len(h.events(t))
			h.now = h.now.Add(time.Second)
			got, err := h.Change(as(t, ann, "acct_1"), th.ID, c)
			require.NoError(t, err)
			kept, err := h.Get(as(t, ann, "acct_1"), th.ID)
			require.NoError(t, err)
			require.Equal(t, kept, got)
			require.Equal(t, th.UpdatedAt, got.UpdatedAt, "it was asked nothing")
			var reasons []string
			for _, e := range h.events(t)[before:] {
				require.True(t, strings.HasPrefix(e, string(audit.ChatThreadChanged)+" "+th.ID+" "), e)
				reasons = append(reasons, strings.Fields(e)[2])
			}
			return got, reasons
		}
		got, reasons := change(threads.Change{Title: ptr("Ships"), Pinned: ptr(true), Archived: ptr(false), Model: ptr("m2"), Instructions: ptr("Be kind.")})
		require.Equal(t, []string{"renamed", "pinned", "model", "instructions"}, reasons)
		require.True(t, got.Named)
		require.Equal(t, []any{"Ships", h.now, time.Time{}, "m2", "Be kind."}, []any{got.Title, got.PinnedAt, got.ArchivedAt, got.Model, got.Instructions})
		_, reasons = change(threads.Change{Title: ptr(" Ships"), Pinned: ptr(true), Model: ptr("m2"), Instructions: ptr("Be kind.")})
		require.Empty(t, reasons, "nothing is new")
		_, reasons = change(threads.Change{})
		require.Empty(t, reasons)
		got, reasons = change(threads.Change{Title: ptr(""), Pinned: ptr(false), Archived: ptr(true), Model: ptr(""), Instructions: ptr("")})
		require.Equal(t, []string{"renamed", "unpinned", "archived", "model", "instructions"}, reasons)
		require.Equal(t, "What shall the ship be called?", got.Title, "from the first question again")
		require.False(t, got.Named)
		_, reasons = change(threads.Change{Archived: ptr(false)})
		require.Equal(t, []string{"unarchived"}, reasons)

		before := h.events(t)
		_, err := h.Change(as(t, ann, "acct_1"), th.ID, threads.Change{Pinned: ptr(true), Title: ptr("Bearer abcdefgh12345678")})
		require.Equal(t, "secret_in_text", fault.CodeOf(err))
		require.NoError(t, h.Delete(as(t, ann, "acct_1"), th.ID))
		_, err = h.Change(as(t, ann, "acct_1"), th.ID, threads.Change{Pinned: ptr(true)})
		require.ErrorIs(t, err, threads.ErrDeleted)
		require.Len(t, h.events(t), len(before)+1)
		require.NotContains(t, strings.Join(h.events(t)[created:], " "), "hip", "U2")
	})
}

func TestService_Change_title(t *testing.T) { // S2: an automatic title holds no secret either
	each(t, func(t *testing.T, h *house) {
		th := h.create(t, threads.Draft{Title: "x"})
		got, err := h.Change(as(t, ann, "acct_1"), th.ID, threads.Change{Title: ptr("")})
		require.NoError(t, err)
		require.Equal(t, chat.Untitled, got.Title, "nothing was asked yet")
		h.ask(t, th.ID, "", "password: hunter2 does not work")
		_, err = h.Change(as(t, ann, "acct_1"), th.ID, threads.Change{Title: ptr("y")})
		require.NoError(t, err)
		got, err = h.Change(as(t, ann, "acct_1"), th.ID, threads.Change{Title: ptr("")})
		require.NoError(t, err)
		require.Equal(t, chat.Untitled, got.Title)
	})
}

func TestService_List(t *testing.T) { // C1
	each(t, func(t *testing.T, h *house) {
		var ids []string
		for _, title := range []string{"one", "two", "three", "four"} {
			h.now = h.now.Add(time.Second)
			ids = append(ids, h.create(t, threads.Draft{Title: title}).ID)
		}
		_, err := h.Change(as(t, ann, "acct_1"), ids[0], threads.Change{Pinned: ptr(true)})
		require.NoError(t, err)
		_, err = h.Change(as(t, ann, "acct_1"), ids[1], threads.Change{Archived: ptr(true)})
		require.NoError(t, err)
		shown := func(q threads.Query) (out []string) {
			t.Helper()
			for {
				list, next, err := h.List(as(t, ann, "acct_1"), q)
				require.NoError(t, err)
				for _, th := range list {
					out = append(out, th.Title)
				}
				if next == "" {
					return out
				}
				q.After = next
			}
		}
		for limit := range 4 {
			page := store.Page{Limit: limit}
			require.Equal(t, []string{"one", "four", "three"}, shown(threads.Query{View: store.ThreadsActive, Page: page}))
		}
		require.Equal(t, []string{"two"}, shown(threads.Query{View: store.ThreadsArchived}))
		require.Equal(t, []string{"four"}, shown(threads.Query{View: store.ThreadsActive, Text: "OUR"}))
		require.NoError(t, h.Delete(as(t, ann, "acct_1"), ids[3]))
		require.Equal(t, []string{"four"}, shown(threads.Query{View: store.ThreadsDeleted}))
		h.now = h.now.Add(threads.Keep)
		require.Empty(t, shown(threads.Query{View: store.ThreadsDeleted}), "it is to be wiped")
		_, _, err = h.List(as(t, ann, "acct_1"), threads.Query{View: store.ThreadsActive, Page: store.Page{After: "x"}})
		require.Equal(t, "invalid_cursor", fault.CodeOf(err))
	})
}

func TestService_Delete(t *testing.T) { // C1: with undo
	each(t, func(t *testing.T, h *house) {
		me := as(t, ann, "acct_1")
		th := h.create(t, threads.Draft{Title: "x"})
		question, _ := h.ask(t, th.ID, "", "x?")
		for range 2 {
			require.NoError(t, h.Delete(me, th.ID))
		}
		got, err := h.Get(me, th.ID)
		require.NoError(t, err)
		require.Equal(t, h.now, got.DeletedAt)
		_, err = h.Choose(me, th.ID, question)
		require.ErrorIs(t, err, threads.ErrDeleted)
		part, err := h.Messages(me, th.ID, threads.Window{})
		require.NoError(t, err, "it can be looked at")
		require.Len(t, part.Messages, 2)
		for range 2 {
			got, err = h.Restore(me, th.ID)
			require.NoError(t, err)
			require.Zero(t, got.DeletedAt)
		}
		require.Equal(t, []string{"chat.thread_created " + th.ID, "chat.thread_deleted " + th.ID, "chat.thread_restored " + th.ID}, h.events(t))

		require.NoError(t, h.Delete(me, th.ID))
		h.now = h.now.Add(threads.Keep - time.Microsecond)
		more, err := h.Wipe(t.Context(), 10)
		require.NoError(t, err)
		require.False(t, more)
		_, err = h.Get(me, th.ID)
		require.NoError(t, err)
		h.now = h.now.Add(time.Microsecond)
		for _, err := range []error{h.Delete(me, th.ID), second(h.Restore(me, th.ID)), second(h.Get(me, th.ID)), second(h.Export(me, th.ID)), second(h.Messages(me, th.ID, threads.Window{}))} {
			require.ErrorIs(t, err, store.ErrNotFound, "a day later, before the sweep too")
		}
		h.now = h.now.Add(time.Second)
		_, err = h.Wipe(t.Context(), 10)
		require.NoError(t, err)
		_, err = h.store.Threads().Get(t.Context(), anns, th.ID)
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

func second[T any](_ T, err error) error { return err }

func TestService_Delete_running(t *testing.T) { // the work in it is stopped
	each(t, func(t *testing.T, h *house) {
		th := h.create(t, threads.Draft{})
		q := h.add(t, chat.Message{Thread: th.ID, Role: chat.RoleUser, Text: "x"})
		a := h.add(t, chat.Message{Thread: th.ID, Parent: q, Role: chat.RoleAssistant, Turn: "turn_1"})
		turn := chat.Turn{
			ID: "turn_1", Account: "acct_1", User: ann, Thread: th.ID, Question: q, Answer: a, Key: "k", Model: "m", Request: "req_9", Owner: "own_1", Until: h.now.Add(time.Minute),
			State: chat.Running, StartedAt: h.now,
		}
		require.NoError(t, h.store.Turns().Start(t.Context(), turn))
		require.NoError(t, h.Delete(as(t, ann, "acct_1"), th.ID))
		stopping, err := h.store.Turns().Append(t.Context(), turn, 0, "x")
		require.NoError(t, err)
		require.True(t, stopping)
	})
}

func TestService_Create_bounded(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		err := h.store.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
			for range 3 {
				if err := tx.Threads().Create(ctx, chat.Thread{ID: h.ids.New("thr"), Account: "acct_1", User: ann, CreatedAt: h.now, UpdatedAt: h.now}); err != nil {
					return err
				}
			}
			return nil
		})
		require.NoError(t, err)
		few := threads.New(threads.Deps{Store: h.store, Now: func() time.Time { return h.now }, NewID: h.ids.New, Most: 3})
		_, err = few.Create(as(t, ann, "acct_1"), threads.Draft{})
		require.ErrorIs(t, err, threads.ErrTooManyThreads)
		_, err = few.Create(as(t, mo, "acct_1"), threads.Draft{})
		require.NoError(t, err, "everybody has their own")
	})
}
