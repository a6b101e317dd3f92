package threads

import (
	"context"
	"slices"
	"strings"

	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

// Prompts returns all prompts of the member, by title.
func (s *Service) Prompts(ctx context.Context) ([]chat.Prompt, error) {
	w, err := member(ctx)
	if err != nil {
		return nil, err
	}
	return s.d.Store.Prompts().List(ctx, w)
}

// SavePrompt keeps a prompt. Faults: invalid_text, text_too_long, secret_in_text
// (of the title), too_many_prompts.
func (s *Service) SavePrompt(ctx context.Context, title, text string) (chat.Prompt, error) {
	w, err := member(ctx)
	if err != nil {
		return chat.Prompt{}, err
	}
	now := s.d.Now()
	p := chat.Prompt{ID: s.d.NewID("prm"), Account: w.Account, User: w.User, Title: title, Text: text, CreatedAt: now, UpdatedAt: now}
	if p, err = checkPrompt(p); err != nil {
		return chat.Prompt{}, err
	}
	err = s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		all, err := tx.Prompts().List(ctx, w)
		if err != nil {
			return err
		}
		if len(all) >= chat.MaxPrompts {
			return ErrTooManyPrompts
		}
		if err := tx.Prompts().Create(ctx, p); err != nil {
			return err
		}
		return tx.Events().Append(ctx, s.event(ctx, w, audit.ChatPromptSaved, p.ID, ""))
	})
	return p, err
}

// checkPrompt returns a prompt as it is kept.
func checkPrompt(p chat.Prompt) (chat.Prompt, error) {
	var err error
	if p.Title, err = chat.CheckTitle(p.Title, "title"); err != nil {
		return p, err
	}
	if strings.TrimSpace(p.Text) == "" {
		f := fault.New(fault.Invalid, "invalid_text", "The prompt is empty.")
		f.Param = "text"
		return p, f
	}
	return p, chat.CheckText(p.Text, "text", chat.MaxPrompt)
}

// PromptChange says what is to change of a prompt; nil leaves a field as it is.
type PromptChange struct{ Title, Text *string }

// ChangePrompt changes a prompt. What is so already is left as it is. Faults:
// not_found, invalid_text, text_too_long, secret_in_text (of the title).
func (s *Service) ChangePrompt(ctx context.Context, id string, c PromptChange) (chat.Prompt, error) {
	w, err := member(ctx)
	if err != nil {
		return chat.Prompt{}, err
	}
	var p chat.Prompt
	err = s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		all, err := tx.Prompts().List(ctx, w)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(all, func(p chat.Prompt) bool { return p.ID == id })
		if at < 0 {
			return store.ErrNotFound
		}
		p = all[at]
		if c.Title != nil {
			p.Title = *c.Title
		}
		if c.Text != nil {
			p.Text = *c.Text
		}
		if p, err = checkPrompt(p); err != nil || p == all[at] {
			return err
		}
		p.UpdatedAt = s.d.Now()
		if err := tx.Prompts().Change(ctx, w, p); err != nil {
			return err
		}
		return tx.Events().Append(ctx, s.event(ctx, w, audit.ChatPromptSaved, id, ""))
	})
	return p, err
}

// DeletePrompt removes a prompt. Faults: not_found.
func (s *Service) DeletePrompt(ctx context.Context, id string) error {
	w, err := member(ctx)
	if err != nil {
		return err
	}
	return s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		if err := tx.Prompts().Delete(ctx, w, id); err != nil {
			return err
		}
		return tx.Events().Append(ctx, s.event(ctx, w, audit.ChatPromptDeleted, id, ""))
	})
}

// NotSent returns what the member has typed in a thread and not sent, "" if there
// is nothing; thread "" is the next one. Faults: not_found.
func (s *Service) NotSent(ctx context.Context, thread string) (string, error) {
	w, err := member(ctx)
	if err != nil {
		return "", err
	}
	return s.d.Store.Drafts().Get(ctx, w, thread)
}

// KeepNotSent keeps it; "" takes it away. Faults: not_found, invalid_text,
// text_too_long.
func (s *Service) KeepNotSent(ctx context.Context, thread, text string) error {
	w, err := member(ctx)
	if err != nil {
		return err
	}
	if err := chat.CheckText(text, "text", chat.MaxDraft); err != nil {
		return err
	}
	return s.d.Store.Drafts().Put(ctx, w, thread, text, s.d.Now())
}
