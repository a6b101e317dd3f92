package spend

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/archibot/archibotchat/ports/store"
)

// Run joins the replicas, then writes, renews and recovers until ctx ends. It
// returns once all that was queued is committed and the identity is given up.
// Stop the hosts first: a request that is still at work when Run ends is
// resolved by another replica, or by the next start.
func (s *Spend) Run(ctx context.Context) error {
	defer close(s.done)
	release, _, err := s.deps.Store.Replicas().Sole(ctx)
	if err != nil {
		return fmt.Errorf("take the right to serve: %w", err)
	}
	defer func() {
		if err := release(); err != nil {
			s.deps.Log.Error("giving up the right to serve failed", "error", err)
		}
	}()
	if err := s.join(ctx); err != nil {
		return fmt.Errorf("join the replicas: %w", err)
	}
	if err := s.recoverAll(ctx); err != nil {
		s.deps.Log.Warn("recovery at start failed, will retry", "error", err)
	}
	s.ready.Store(true)

	// The writers stop gathering at the first of these ends, and give up what
	// they cannot commit at the second.
	gathering, stopGathering := context.WithCancel(context.WithoutCancel(ctx))
	defer stopGathering()
	writing, stopWriting := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWriting()
	var writers, keepers sync.WaitGroup
	writers.Go(func() { s.write(gathering, writing, swift) })
	writers.Go(func() { s.write(gathering, writing, patient) })
	keepers.Go(func() { s.renew(ctx) })
	keepers.Go(func() { s.recoverEvery(ctx) })
	keepers.Go(func() { s.hurry(ctx) })
	keepers.Go(func() { s.refresh(ctx) })

	<-ctx.Done()
	s.ready.Store(false)
	keepers.Wait()
	stopGathering()
	flush := time.AfterFunc(flushTime, stopWriting)
	defer flush.Stop()
	writers.Wait()
	for !s.queue.empty() { // what one writer left to the other after that had ended
		s.write(gathering, writing, swift)
		s.write(gathering, writing, patient)
	}
	s.leave()
	return nil
}

func (s *Spend) replica() store.Replica {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.term.replica
}

// join takes a new identity.
func (s *Spend) join(ctx context.Context) error {
	r, err := s.deps.Store.Replicas().Join(ctx, s.deps.NewID("rep"), s.deps.Lease)
	if err != nil {
		return err
	}
	term := term{replica: r}
	term.ctx, term.end = context.WithCancelCause(context.Background())
	s.mu.Lock()
	s.term = term
	s.mu.Unlock()
	s.deps.Log.Info("joined as a replica", "replica", r.ID, "fence", r.Fence)
	return nil
}

// lose gives up an identity: all work under it ends with the cause.
func (s *Spend) lose(r store.Replica, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.term.replica.ID != r.ID || r.ID == "" {
		return
	}
	s.deps.Log.Error("replica lost its lease; its open requests end as errors", "replica", r.ID)
	s.term.end(cause)
	s.term.replica = store.Replica{}
	s.queue.forget()
}

// renew keeps the lease alive. Time is counted from before a renewal was
// sent, so that this replica never believes in its lease for longer than the
// others do; at 80 % of it without success all work is cut (HOTPATH 9).
func (s *Spend) renew(ctx context.Context) {
	every := max(s.deps.Lease/6, 10*time.Millisecond)
	tick := time.NewTicker(every)
	defer tick.Stop()
	last := s.deps.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		sent := s.deps.Now()
		r := s.replica()
		attempt, cancel := context.WithTimeout(ctx, every)
		var err error
		if r.ID == "" {
			err = s.join(attempt)
		} else {
			err = s.deps.Store.Replicas().Renew(attempt, r, s.deps.Lease)
		}
		cancel()
		switch {
		case err == nil:
			last = sent
			s.count(ctx)
		case ctx.Err() != nil:
			return
		case errors.Is(err, store.ErrFenced):
			s.lose(r, ErrLost)
		default:
			s.deps.Log.Warn("renewing the lease failed", "error", err)
			if s.deps.Now().Sub(last) > s.deps.Lease*8/10 {
				s.lose(r, ErrLost)
			}
		}
	}
}

// count asks how many replicas share the accounts. Without an answer the last
// one stands: it matters for how likely a refusal is, not for what is booked.
func (s *Spend) count(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if n, err := s.deps.Store.Replicas().Alive(ctx); err == nil {
		s.queue.crew(n)
	}
}

// leave gives the identity up. Work that goes on in spite of the rule to stop
// the hosts first ends here: nothing could settle it any more.
func (s *Spend) leave() {
	s.mu.Lock()
	r := s.term.replica
	s.term.end(ErrLost)
	s.term.replica = store.Replica{}
	s.mu.Unlock()
	if r.ID == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), commitTime)
	defer cancel()
	if gone, err := s.deps.Store.Replicas().Leave(ctx, r.ID); err != nil || !gone {
		s.deps.Log.Warn("left with holds still open; another replica will resolve them", "replica", r.ID, "error", err)
	}
}
