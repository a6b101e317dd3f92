package threads

import (
	"context"
	"slices"
	"time"

	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/ports/store"
)

// exportStep is how many messages of an export are in memory at a time.
const exportStep = 20

// Export is a thread that is about to leave the service.
type Export struct {
	Thread chat.Thread
	At     time.Time

	s *Service
	w store.Whose
}

// Exported is a message of an export.
type Exported struct {
	chat.Message

	Shown bool      // it is on the path that is shown
	Work  chat.Turn // on an answer
}

// Export begins an export, and notes it. Faults: not_found.
func (s *Service) Export(ctx context.Context, id string) (*Export, error) {
	w, err := member(ctx)
	if err != nil {
		return nil, err
	}
	e := &Export{s: s, w: w, At: s.d.Now()}
	err = s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		var err error
		if e.Thread, err = s.find(ctx, tx, w, id); err != nil {
			return err
		}
		return tx.Events().Append(ctx, s.event(ctx, w, audit.ChatThreadExported, id, ""))
	})
	return e, err
}

// Path hands over the messages of the path that is shown, oldest first, until put
// fails.
func (e *Export) Path(ctx context.Context, put func(Exported) error) error {
	ends, _, err := e.walk(ctx)
	if err != nil {
		return err
	}
	for _, last := range slices.Backward(ends) {
		part, err := e.s.d.Store.Messages().Path(ctx, e.w, e.Thread.ID, last, exportStep)
		if err != nil {
			return err
		}
		slices.Reverse(part)
		if err := e.hand(ctx, part, nil, put); err != nil {
			return err
		}
	}
	return nil
}

// All hands over the messages of all branches, each after its parent, until put
// fails.
func (e *Export) All(ctx context.Context, put func(Exported) error) error {
	_, shown, err := e.walk(ctx)
	if err != nil {
		return err
	}
	for p := (store.Page{Limit: exportStep}); ; {
		part, err := e.s.d.Store.Messages().All(ctx, e.w, e.Thread.ID, p)
		if err != nil {
			return err
		}
		if err := e.hand(ctx, part, shown, put); err != nil || len(part) < exportStep {
			return err
		}
		p.After = part[len(part)-1].ID
	}
}

// walk goes up the path that is shown. It returns the last message of each step,
// the newest first, and which messages are on it.
func (e *Export) walk(ctx context.Context) (ends []string, shown map[string]bool, err error) {
	shown = map[string]bool{}
	for last := e.Thread.Head; last != ""; {
		part, err := e.s.d.Store.Messages().Path(ctx, e.w, e.Thread.ID, last, exportStep)
		if err != nil {
			return nil, nil, err
		}
		ends = append(ends, last)
		for _, m := range part {
			shown[m.ID], last = true, m.Parent
		}
	}
	return ends, shown, nil
}

// hand hands over messages; where shown is nil, all are on the path.
func (e *Export) hand(ctx context.Context, part []chat.Message, shown map[string]bool, put func(Exported) error) error {
	work, err := worked(ctx, e.s.d.Store, e.w, part)
	if err != nil {
		return err
	}
	for _, m := range part {
		if err := put(Exported{Message: m, Shown: shown == nil || shown[m.ID], Work: work[m.ID]}); err != nil {
			return err
		}
	}
	return nil
}
