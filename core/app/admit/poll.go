package admit

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/archibot/archibotchat/ports/store"
)

const (
	pollEvery = 250 * time.Millisecond
	// pollTimeout ends a poll that got lost while there is time for another
	// before the lease runs out.
	pollTimeout = 500 * time.Millisecond
	// pollPages is how many full pages of changes are worth reading before all
	// is forgotten instead.
	pollPages = 8

	pruneEvery = 10 * time.Minute
	// keepChanges is how long changes stay listed. A replica that was away for
	// longer than its lease asks the store anyway, so any time will do.
	keepChanges = time.Hour
)

// poller reads the list of changes. It belongs to one goroutine.
type poller struct {
	*Service
	log     *slog.Logger
	after   int64 // the last change that was read
	known   bool  // after means something
	failing bool
}

// run polls until ctx ends.
func (p *poller) run(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := p.poll(ctx)
		if err != nil && !p.failing && ctx.Err() == nil {
			p.log.Warn("polling for changes failed; keys are looked up one by one meanwhile", "error", err)
		}
		p.failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// poll reads what is new and forgets what it concerns. The lease counts from
// before the question was sent: whatever was committed by then is in the answer.
func (p *poller) poll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	sent := p.deps.Now()
	if err := p.read(ctx); err != nil {
		return err
	}
	p.snapshots.sent.Store(sent.UnixNano())
	return nil
}

func (p *poller) read(ctx context.Context) error {
	if !p.known {
		return p.restart(ctx)
	}
	for range pollPages {
		changes, err := p.deps.Store.Changes().Since(ctx, p.after, store.MaxPage)
		if errors.Is(err, store.ErrMissed) {
			return p.restart(ctx)
		}
		if err != nil {
			return err
		}
		if len(changes) == 0 {
			return nil
		}
		p.snapshots.forget(changes)
		p.stays.changed(changes)
		p.after = changes[len(changes)-1].Seq
		if len(changes) < store.MaxPage {
			return nil
		}
	}
	return p.restart(ctx)
}

// restart forgets everything and goes on from the newest change.
func (p *poller) restart(ctx context.Context) error {
	p.known = false
	head, err := p.deps.Store.Changes().Head(ctx)
	if err != nil {
		return err
	}
	p.snapshots.clear() // after the question, so that nothing read before it stays
	p.stays.anyChanged()
	p.after, p.known = head, true
	return nil
}

// prune removes old changes now and then until ctx ends. All replicas do.
func (s *Service) prune(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for range pollPages * 10 {
			n, err := s.deps.Store.Changes().Prune(ctx, keepChanges, store.MaxPage)
			if err != nil && ctx.Err() == nil {
				log.Warn("pruning changes failed, will retry", "error", err)
			}
			if err != nil || n < store.MaxPage {
				break
			}
		}
	}
}
