package threads

import (
	"context"
	"slices"

	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

// Window is a part of a path.
type Window struct {
	Before string // the ID of a message: those before it
	At     string // the ID of a message: the path through it, to its newest end
	Limit  int
}

// Message is a message with what belongs to it.
type Message struct {
	chat.Message

	Versions []string // of the same place, itself among them, oldest first
	Work     chat.Turn
}

// Part is a part of a path, oldest first.
type Part struct {
	Messages []Message
	Earlier  bool   // there are earlier ones
	Head     string // of the thread
}

// Messages returns a part of a path of a thread: of the one that is shown, unless
// the window says otherwise. Faults: not_found, invalid_request.
func (s *Service) Messages(ctx context.Context, id string, win Window) (Part, error) {
	w, err := member(ctx)
	if err != nil {
		return Part{}, err
	}
	if win.Before != "" && win.At != "" {
		f := fault.New(fault.Invalid, "invalid_request", "Give before or at, not both.")
		f.Param = "at"
		return Part{}, f
	}
	limit := store.Page{Limit: win.Limit}.Size()
	var p Part
	err = s.d.Store.View(ctx, func(ctx context.Context, tx store.Stores) error {
		t, err := s.find(ctx, tx, w, id)
		if err != nil {
			return err
		}
		p = Part{Head: t.Head}
		last, err := end(ctx, tx, w, t, win)
		if err != nil || last == "" {
			return err
		}
		path, err := tx.Messages().Path(ctx, w, id, last, limit+1)
		if err != nil {
			return err
		}
		if p.Earlier = len(path) > limit; p.Earlier {
			path = path[:limit]
		}
		slices.Reverse(path)
		p.Messages, err = together(ctx, tx, w, id, path)
		return err
	})
	return p, err
}

// end returns the last message of a window; "" if it is empty.
func end(ctx context.Context, tx store.Stores, w store.Whose, t chat.Thread, win Window) (string, error) {
	switch {
	case win.Before != "":
		m, err := tx.Messages().Get(ctx, w, t.ID, win.Before)
		return m.Parent, err
	case win.At != "":
		if _, err := tx.Messages().Get(ctx, w, t.ID, win.At); err != nil {
			return "", err
		}
		return tx.Messages().Leaf(ctx, w, t.ID, win.At)
	}
	return t.Head, nil
}

// together puts to messages what belongs to them.
func together(ctx context.Context, tx store.Stores, w store.Whose, thread string, ms []chat.Message) ([]Message, error) {
	var parents []string
	for _, m := range ms {
		parents = append(parents, m.Parent)
	}
	versions, err := tx.Messages().Versions(ctx, w, thread, parents)
	if err != nil {
		return nil, err
	}
	work, err := worked(ctx, tx, w, ms)
	if err != nil {
		return nil, err
	}
	var out []Message
	for _, m := range ms {
		out = append(out, Message{Message: m, Versions: versions[m.Parent], Work: work[m.ID]})
	}
	return out, nil
}

// worked returns the turns of answers, by the answers' IDs.
func worked(ctx context.Context, tx store.Stores, w store.Whose, ms []chat.Message) (map[string]chat.Turn, error) {
	var ids []string
	for _, m := range ms {
		if m.Role == chat.RoleAssistant && m.Turn != "" {
			ids = append(ids, m.Turn)
		}
	}
	out := map[string]chat.Turn{}
	if len(ids) == 0 {
		return out, nil
	}
	turns, err := tx.Turns().Of(ctx, w, ids)
	for _, t := range turns {
		out[t.Answer] = t
	}
	return out, err
}

// Choose shows the branch of a thread that a message is on, and on by the newest
// message each time. Faults: not_found, thread_deleted.
func (s *Service) Choose(ctx context.Context, id, message string) (chat.Thread, error) {
	w, err := member(ctx)
	if err != nil {
		return chat.Thread{}, err
	}
	var t chat.Thread
	err = s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		var err error
		if t, err = s.live(ctx, tx, w, id); err != nil {
			return err
		}
		head, err := end(ctx, tx, w, t, Window{At: message})
		if err != nil || head == t.Head {
			return err
		}
		t.Head = head
		return tx.Threads().Change(ctx, w, id, store.ThreadChange{Head: &head})
	})
	return t, err
}

// Versions returns for each of the messages, "" for the beginning, the IDs of
// those that follow on it, oldest first. Faults: not_found.
func (s *Service) Versions(ctx context.Context, id string, parents ...string) (map[string][]string, error) {
	w, err := member(ctx)
	if err != nil {
		return nil, err
	}
	return s.d.Store.Messages().Versions(ctx, w, id, parents)
}
