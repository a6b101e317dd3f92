package turns

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

// Ask is what somebody wants answered. Exactly one of Text and Question is given.
type Ask struct {
	Thread string
	Key    string // the browser's own name of it, 8 to 64 of A-Z a-z 0-9 _ -
	Model  string // empty: the thread's
	// Text is a new question, which follows the answer Parent; empty: it is the
	// first of a path.
	Text   string
	Parent string
	// Question is the ID of one that is to be answered again.
	Question string
	From     netip.Addr
}

// Started is a turn with what it belongs to.
type Started struct {
	Turn     chat.Turn
	Question chat.Message
	Answer   chat.Message
	Thread   chat.Thread
	Again    bool // it was started before, by the same key
}

// check looks at the form of what is asked.
func (a Ask) check() error {
	switch {
	case !validKey(a.Key):
		return invalid("key", "A key has 8 to 64 characters of A-Z, a-z, 0-9, _ and -.")
	case (a.Text == "") == (a.Question == ""):
		return invalid("text", "Give a text to ask, or a question to answer again, and not both.")
	case a.Question != "" && a.Parent != "":
		return invalid("parent", "A question that is answered again has its place already.")
	case a.Question != "":
		return nil
	case !utf8.ValidString(a.Text) || strings.Contains(a.Text, "\x00"):
		return invalid("text", "The text has characters that are none.")
	case strings.TrimSpace(a.Text) == "":
		return invalid("text", "The text is empty.")
	case len(a.Text) > chat.MaxQuestion:
		f := fault.New(fault.TooLarge, "text_too_long", fmt.Sprintf("A question has at most %d KiB.", chat.MaxQuestion>>10))
		f.Param = "text"
		return f
	}
	return nil
}

func validKey(key string) bool {
	if len(key) < 8 || len(key) > 64 {
		return false
	}
	for _, c := range []byte(key) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

func invalid(param, message string) error {
	f := fault.New(fault.Invalid, "invalid_request", message)
	f.Param = param
	return f
}

// place is where a question goes.
type place struct {
	thread chat.Thread
	// question is the one to be answered again, or the new one as it will be.
	question chat.Message
	fresh    bool // it is new
}

// place finds it. Faults: not_found, invalid_request, thread_full.
func (s *Service) place(ctx context.Context, w store.Whose, th chat.Thread, a Ask) (place, error) {
	p := place{thread: th, fresh: a.Question == ""}
	if th.Messages+2 > chat.MaxMessages {
		return p, store.ErrThreadFull
	}
	if !p.fresh {
		var err error
		p.question, err = s.d.Store.Messages().Get(ctx, w, th.ID, a.Question)
		if err != nil {
			return p, err
		}
		if p.question.Role != chat.RoleUser {
			return p, invalid("question", "Only a question can be answered again.")
		}
	} else {
		p.question = chat.Message{Account: w.Account, Thread: th.ID, Parent: a.Parent, Role: chat.RoleUser, Text: a.Text}
		if a.Parent != "" {
			parent, err := s.d.Store.Messages().Get(ctx, w, th.ID, a.Parent)
			if err != nil {
				return p, err
			}
			if parent.Role != chat.RoleAssistant {
				return p, invalid("parent", "A question follows an answer.")
			}
			p.question.Depth = parent.Depth + 1
		}
	}
	if p.question.Depth+2 > chat.MaxDepth {
		return p, store.ErrThreadFull
	}
	return p, nil
}

// Start begins the work on an answer. What a gate refuses leaves nothing behind.
//
// Faults: invalid_request, text_too_long, not_found, thread_deleted, thread_full,
// turn_running, too_many_turns, overloaded, model_not_found, the gate's.
func (s *Service) Start(ctx context.Context, a Ask) (Started, error) {
	began := s.d.Now()
	if err := a.check(); err != nil {
		return Started{}, err
	}
	w := whose(ctx)
	begun, err := s.alone(ctx, a.Thread)
	if err != nil {
		return Started{}, err
	}
	defer begun()
	th, err := s.d.Store.Threads().Get(ctx, w, a.Thread)
	if err != nil {
		return Started{}, err
	}
	if before, err := s.before(ctx, w, a); !errors.Is(err, store.ErrNotFound) {
		return before, err
	}
	switch {
	case !th.DeletedAt.IsZero():
		return Started{}, ErrDeleted
	case th.Running != "":
		return Started{}, ErrRunning
	}
	p, err := s.place(ctx, w, th, a)
	if err != nil {
		return Started{}, err
	}
	if err := s.begin(w); err != nil {
		if errors.Is(err, ErrTooMany) {
			s.d.Door.Limited(ctx, a.From)
		}
		return Started{}, err
	}
	started, work, err := s.prepare(ctx, w, p, a, began)
	if err != nil {
		s.done(w, "")
		if errors.Is(err, store.ErrTaken) { // by somebody who was quicker
			if before, err := s.before(ctx, w, a); !errors.Is(err, store.ErrNotFound) {
				return before, err
			}
			return Started{}, ErrRunning
		}
		return Started{}, err
	}
	s.mu.Lock()
	s.lives[work.turn.ID] = work.live
	stopping := s.isStopping()
	s.mu.Unlock()
	if stopping { // between the two
		work.live.end(ErrStopping)
	}
	go work.do(access.WithRequest(context.WithoutCancel(ctx), started.Turn.Request))
	return started, nil
}

// before returns what a key has started before; store.ErrNotFound if nothing.
func (s *Service) before(ctx context.Context, w store.Whose, a Ask) (Started, error) {
	t, err := s.d.Store.Turns().ByKey(ctx, w, a.Thread, a.Key)
	if err != nil {
		return Started{}, err
	}
	b := Started{Turn: t, Again: true}
	for _, m := range []struct {
		id   string
		into *chat.Message
	}{{t.Question, &b.Question}, {t.Answer, &b.Answer}} {
		if *m.into, err = s.d.Store.Messages().Get(ctx, w, a.Thread, m.id); err != nil {
			return Started{}, err
		}
	}
	b.Thread, err = s.d.Store.Threads().Get(ctx, w, a.Thread)
	return b, err
}

// prepare admits a turn and writes it down.
func (s *Service) prepare(ctx context.Context, w store.Whose, p place, a Ask, began time.Time) (Started, *work, error) {
	model := a.Model
	if model == "" {
		model = p.thread.Model
	}
	visit, err := s.d.Door.Enter(ctx, model, a.From)
	if err != nil {
		return Started{}, nil, err
	}
	b, err := s.body(ctx, w, p, visit.Grant().Quote.Model)
	if err != nil {
		return Started{}, nil, err
	}
	t := s.turn(w, p, a, b, visit, began)
	started, err := s.write(ctx, w, p, a, t)
	if err != nil {
		b.give()
		return Started{}, nil, err
	}
	l := newLive(w, s.d.Memory, s.d.Limits.Text)
	l.steps = append(l.steps, t.Steps...)
	return started, &work{Service: s, turn: started.Turn, live: l, visit: visit, body: b}, nil
}

// turn returns the turn as it begins.
func (s *Service) turn(w store.Whose, p place, a Ask, b body, visit Visit, began time.Time) chat.Turn {
	now := s.d.Now()
	t := chat.Turn{
		ID: s.d.NewID("turn"), Account: w.Account, User: w.User, Thread: p.thread.ID, Question: p.question.ID, Answer: s.d.NewID("msg"), Key: a.Key,
		Model: visit.Grant().Quote.Model, Request: s.d.NewID("req"), Owner: s.owner, Until: now.Add(lease), State: chat.Running, Sent: b.sent, LeftOut: b.leftOut,
		StartedAt: began, Steps: []chat.Step{{Name: stepGate, At: now.Sub(began)}},
	}
	if p.fresh {
		t.Question = s.d.NewID("msg")
	}
	return t
}

// write adds what a turn is about, and the turn.
func (s *Service) write(ctx context.Context, w store.Whose, p place, a Ask, t chat.Turn) (Started, error) {
	var out Started
	err := s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		n, err := tx.Turns().Running(ctx, w)
		if err != nil {
			return err
		}
		if n >= s.d.Limits.Own {
			return ErrTooMany
		}
		out = Started{Question: p.question}
		if p.fresh {
			q := p.question
			q.ID, q.Turn, q.CreatedAt = t.Question, t.ID, t.StartedAt
			if out.Question, err = tx.Messages().Add(ctx, w, q); err != nil {
				return err
			}
		}
		out.Answer, err = tx.Messages().Add(ctx, w, chat.Message{
			ID: t.Answer, Account: w.Account, Thread: t.Thread, Parent: t.Question, Role: chat.RoleAssistant, Turn: t.ID, CreatedAt: t.StartedAt,
		})
		if err != nil {
			return err
		}
		if err := tx.Turns().Start(ctx, t); err != nil {
			return err
		}
		change := store.ThreadChange{Head: &t.Answer, UpdatedAt: &t.StartedAt}
		if a.Model != "" && a.Model != p.thread.Model {
			change.Model = &a.Model
		}
		if title := title(p); title != p.thread.Title {
			change.Title = &title
		}
		if err := tx.Threads().Change(ctx, w, t.Thread, change); err != nil {
			return err
		}
		if out.Thread, err = tx.Threads().Get(ctx, w, t.Thread); err != nil {
			return err
		}
		if !out.Thread.DeletedAt.IsZero() {
			return ErrDeleted
		}
		out.Turn, err = tx.Turns().Get(ctx, w, t.ID)
		return err
	})
	return out, err
}

// title returns what the thread is called from now on: unless somebody gave it a
// name, after its first question.
func title(p place) string {
	th := p.thread
	if th.Named || !p.fresh || p.question.Parent != "" || th.Messages > 0 && th.Title != "" {
		return th.Title
	}
	return chat.AutoTitle(p.question.Text) // S2
}
