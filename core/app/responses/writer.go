package responses

import (
	"context"
	"fmt"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

const (
	// claimWait is how long a claim may take. Its answer is not delivered then.
	claimWait = 5 * time.Second
	// endWait is how long the note of an end is tried; without it the response can
	// be neither retrieved nor gone on from.
	endWait = 30 * time.Second
	// writeTime bounds one statement.
	writeTime = 3 * time.Second
	// retryPause is how long a store that failed is left alone.
	retryPause = 50 * time.Millisecond
	// flushTime is how long the writer goes on when Run has to end.
	flushTime = 5 * time.Second
)

// Claim returns nil once it is durable that a response is its account's. The
// fault is store.ErrTaken if the ID was claimed before by another request, ErrBusy
// or store.ErrUnavailable if it could not be made in time; ctx's error if that
// ended first. A claim that failed may have been made all the same: then the ID is
// the account's, and nobody knows it.
func (s *Service) Claim(ctx context.Context, r store.Response) error {
	c := &claim{response: r, reply: make(chan error, 1)}
	if !s.queue.claim(c) {
		return ErrBusy
	}
	limit := time.NewTimer(claimWait)
	defer limit.Stop()
	select {
	case err := <-c.reply:
		return err
	case <-limit.C:
	case <-s.done:
	case <-ctx.Done():
		c.gone.Store(true)
		return ctx.Err()
	}
	c.gone.Store(true)
	return fault.Wrap(fmt.Errorf("claim a response: not committed in %v", claimWait), store.ErrUnavailable.Kind, store.ErrUnavailable.Code, store.ErrUnavailable.Message)
}

// End notes that a claimed response has ended. It does not wait; what it returns
// is closed once that is durable, or given up.
func (s *Service) End(e store.ResponseEnd) <-chan struct{} {
	x := &end{ResponseEnd: e, queued: s.deps.Now(), noted: make(chan struct{})}
	if !s.queue.end(x) {
		s.deps.Log.Warn("no room to note the end of a response", "response_id", e.ID, "account_id", e.Account)
		close(x.noted)
	}
	return x.noted
}

// write writes until ctx ends, then what is left, for a few seconds at most.
func (s *Service) write(ctx context.Context) {
	calm := context.WithoutCancel(ctx) // a statement under way is not lost to the shutdown
	for ctx.Err() == nil {
		select {
		case <-s.queue.wake:
			s.drain(calm, ctx.Done())
		case <-ctx.Done():
		}
	}
	flush, cancel := context.WithTimeout(calm, flushTime)
	defer cancel()
	s.drain(calm, flush.Done())
}

// drain writes until nothing waits, or stop is closed while the store fails.
func (s *Service) drain(ctx context.Context, stop <-chan struct{}) {
	for !s.queue.empty() {
		claims, ends := s.queue.take()
		claims = s.claimAll(ctx, claims)
		if len(claims) == 0 {
			ends = s.endAll(ctx, ends)
		}
		if len(claims)+len(ends) == 0 {
			continue
		}
		s.queue.put(claims, s.fresh(ends))
		pause := time.NewTimer(retryPause)
		select {
		case <-pause.C:
		case <-stop:
			pause.Stop()
			return
		}
	}
}

// claimAll answers claims and returns those that have to be tried again.
func (s *Service) claimAll(ctx context.Context, claims []*claim) []*claim {
	if len(claims) == 0 {
		return nil
	}
	rs := make([]store.Response, len(claims))
	for i, c := range claims {
		rs[i] = c.response
	}
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	errs, err := s.deps.Store.Responses().Claim(ctx, rs)
	switch {
	case err == nil:
		for i, c := range claims {
			c.reply <- errs[i]
		}
		return nil
	case passing(err):
		s.deps.Log.Warn("claiming responses failed, will retry", "error", err, "waiting", len(claims))
		return claims
	case len(claims) == 1:
		claims[0].reply <- err
		return nil
	}
	var again []*claim // one of them is not fit to be stored: the others shall not wait for it
	for _, c := range claims {
		again = append(again, s.claimAll(ctx, []*claim{c})...)
	}
	return again
}

// endAll writes ends and returns those that have to be tried again.
func (s *Service) endAll(ctx context.Context, ends []*end) []*end {
	if len(ends) == 0 {
		return nil
	}
	list := make([]store.ResponseEnd, len(ends))
	for i, e := range ends {
		list[i] = e.ResponseEnd
	}
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	err := s.deps.Store.Responses().End(ctx, list)
	if passing(err) {
		s.deps.Log.Warn("noting the end of responses failed, will retry", "error", err, "waiting", len(ends))
		return ends
	}
	if err != nil {
		s.deps.Log.Error("the end of responses could not be noted", "error", err, "count", len(ends))
	}
	for _, e := range ends {
		close(e.noted)
	}
	return nil
}

// fresh returns the ends that are worth another try.
func (s *Service) fresh(ends []*end) (list []*end) {
	now := s.deps.Now()
	for _, e := range ends {
		if now.Sub(e.queued) < endWait {
			list = append(list, e)
			continue
		}
		s.deps.Log.Error("gave up noting the end of a response", "response_id", e.ID, "account_id", e.Account)
		close(e.noted)
	}
	return list
}

// passing reports whether the store may take the same rows later.
func passing(err error) bool {
	if err == nil {
		return false
	}
	switch fault.KindOf(err) {
	case fault.Unavailable, fault.Timeout, fault.Canceled:
		return true
	default:
		return false
	}
}
