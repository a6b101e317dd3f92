package threads

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/ports/store"
)

// Query asks for a list of threads.
type Query struct {
	View store.ThreadView
	Text string // as of store.ThreadQuery
	store.Page
}

// List returns threads, pinned ones first, each part by UpdatedAt, newest first.
// next is the cursor of the next page, "" on the last one; a page may be short.
// Faults: invalid_cursor.
func (s *Service) List(ctx context.Context, q Query) (list []chat.Thread, next string, err error) {
	w, err := member(ctx)
	if err != nil {
		return nil, "", err
	}
	all, err := s.d.Store.Threads().List(ctx, store.ThreadQuery{Whose: w, View: q.View, Text: q.Text, Page: q.Page})
	if err != nil {
		return nil, "", err
	}
	if len(all) == q.Size() {
		next = store.ThreadCursor(all[len(all)-1])
	}
	for _, t := range all {
		if !s.gone(t) {
			list = append(list, t)
		}
	}
	return list, next, nil
}

// Draft describes a thread to begin. Its title is from its first question unless
// there is one here.
type Draft struct{ Title, Model, Instructions string }

// Create begins a thread. Faults: invalid_text, text_too_long, secret_in_text,
// too_many_threads.
func (s *Service) Create(ctx context.Context, d Draft) (chat.Thread, error) {
	w, err := member(ctx)
	if err != nil {
		return chat.Thread{}, err
	}
	now := s.d.Now()
	t := chat.Thread{
		ID: s.d.NewID("thr"), Account: w.Account, User: w.User, Title: chat.Untitled, Model: d.Model, Instructions: d.Instructions, CreatedAt: now, UpdatedAt: now,
	}
	if d.Title != "" {
		if t.Title, err = chat.CheckTitle(d.Title, "title"); err != nil {
			return chat.Thread{}, err
		}
		t.Named = true
	}
	if err := checkAsked(d.Model, d.Instructions); err != nil {
		return chat.Thread{}, err
	}
	err = s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		n, err := tx.Threads().Count(ctx, w)
		if err != nil {
			return err
		}
		if n >= s.d.Most {
			return ErrTooManyThreads
		}
		if err := tx.Threads().Create(ctx, t); err != nil {
			return err
		}
		return tx.Events().Append(ctx, s.event(ctx, w, audit.ChatThreadCreated, t.ID, ""))
	})
	return t, err
}

// checkAsked looks at what questions are asked with.
func checkAsked(model, instructions string) error {
	if err := chat.CheckModel(model, "model"); err != nil {
		return err
	}
	return chat.CheckText(instructions, "instructions", chat.MaxInstructions)
}

// Get returns a thread, also a deleted one. Faults: not_found.
func (s *Service) Get(ctx context.Context, id string) (chat.Thread, error) {
	w, err := member(ctx)
	if err != nil {
		return chat.Thread{}, err
	}
	return s.find(ctx, s.d.Store, w, id)
}

// Change says what is to change of a thread; nil leaves a field as it is.
type Change struct {
	Title        *string // "": from the first question again
	Pinned       *bool
	Archived     *bool
	Model        *string
	Instructions *string
}

// Change changes a thread. What is so already is left as it is. Faults:
// not_found, thread_deleted, invalid_text, text_too_long, secret_in_text.
func (s *Service) Change(ctx context.Context, id string, c Change) (chat.Thread, error) {
	w, err := member(ctx)
	if err != nil {
		return chat.Thread{}, err
	}
	if c.Title != nil && *c.Title != "" {
		title, err := chat.CheckTitle(*c.Title, "title")
		if err != nil {
			return chat.Thread{}, err
		}
		c.Title = &title
	}
	if err := checkAsked(or(c.Model), or(c.Instructions)); err != nil {
		return chat.Thread{}, err
	}
	var t chat.Thread
	err = s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		var err error
		if t, err = s.live(ctx, tx, w, id); err != nil {
			return err
		}
		write, reasons, err := s.changes(ctx, tx, w, &t, c)
		if err != nil || len(reasons) == 0 {
			return err
		}
		if err := tx.Threads().Change(ctx, w, id, write); err != nil {
			return err
		}
		var events []audit.Event
		for _, r := range reasons {
			events = append(events, s.event(ctx, w, audit.ChatThreadChanged, id, r))
		}
		return tx.Events().Append(ctx, events...)
	})
	return t, err
}

// changes returns what of a change is new, with the reasons of its events, and
// changes t likewise.
func (s *Service) changes(ctx context.Context, tx store.Stores, w store.Whose, t *chat.Thread, c Change) (out store.ThreadChange, reasons []string, err error) {
	if c.Title != nil {
		title, named := *c.Title, *c.Title != ""
		if !named {
			if title, err = firstTitle(ctx, tx, w, t.ID); err != nil {
				return out, nil, err
			}
		}
		if title != t.Title || named != t.Named {
			t.Title, t.Named = title, named
			out.Title, out.Named = &title, &named
			reasons = append(reasons, "renamed")
		}
	}
	for _, flag := range []struct {
		want    *bool
		at      *time.Time
		out     **time.Time
		on, off string
	}{
		{c.Pinned, &t.PinnedAt, &out.PinnedAt, "pinned", "unpinned"},
		{c.Archived, &t.ArchivedAt, &out.ArchivedAt, "archived", "unarchived"},
	} {
		if flag.want == nil || *flag.want == !flag.at.IsZero() {
			continue
		}
		at, reason := time.Time{}, flag.off
		if *flag.want {
			at, reason = s.d.Now(), flag.on
		}
		*flag.at, *flag.out = at, &at
		reasons = append(reasons, reason)
	}
	if c.Model != nil && *c.Model != t.Model {
		t.Model, out.Model = *c.Model, c.Model
		reasons = append(reasons, "model")
	}
	if c.Instructions != nil && *c.Instructions != t.Instructions {
		t.Instructions, out.Instructions = *c.Instructions, c.Instructions
		reasons = append(reasons, "instructions")
	}
	return out, reasons, nil
}

// firstTitle returns the title that a thread has from its first question.
func firstTitle(ctx context.Context, tx store.Stores, w store.Whose, thread string) (string, error) {
	first, err := tx.Messages().All(ctx, w, thread, store.Page{Limit: 1})
	if err != nil || len(first) == 0 {
		return chat.Untitled, err
	}
	return chat.AutoTitle(first[0].Text), nil
}

func or(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
