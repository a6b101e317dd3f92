package admit

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/ports/store"
)

const (
	// guardEvery is how often the time is held against the keys at work, and
	// accounts that could not be read are tried again.
	guardEvery = time.Second
	// maxGuards bounds the accounts that are looked at at once.
	maxGuards = 8
)

// guard looks again at the requests under way whose account was changed, and
// cuts those that would not be admitted any more (K5, G7). What cannot be read
// is left alone, and tried again: an unreachable store says nothing against
// anybody who is in.
func (s *Service) guard(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(guardEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.expire()
		case <-s.stays.wake:
			if failing {
				continue // at the next tick
			}
		}
		failed := s.review(ctx, s.stays.doubtful())
		if len(failed) > 0 && !failing && ctx.Err() == nil {
			log.Warn("looking again at accounts with requests under way failed, will retry", "accounts", len(failed))
		}
		failing = len(failed) > 0
		s.stays.suspect(failed)
	}
}

// expire cuts what goes on under a key whose time is over.
func (s *Service) expire() {
	now := s.deps.Now()
	s.stays.judgeAll(func(in *Stay) error {
		if in.expires.After(now) {
			return nil
		}
		return gates.KeyExpired.Fault()
	})
}

// review looks at accounts and returns those that could not be read.
func (s *Service) review(ctx context.Context, accounts []string) (failed []string) {
	var mu sync.Mutex
	var tasks sync.WaitGroup
	places := make(chan struct{}, maxGuards)
	for _, a := range accounts {
		places <- struct{}{}
		tasks.Go(func() {
			defer func() { <-places }()
			ctx, cancel := context.WithTimeout(ctx, queryTime)
			defer cancel()
			if err := s.reviewOne(ctx, a); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, a)
			}
		})
	}
	tasks.Wait()
	return failed
}

// reviewOne reads an account and the keys at work, by their IDs: a digest may
// have changed since.
func (s *Service) reviewOne(ctx context.Context, account string) error {
	at := s.stays.keys(account)
	if len(at) == 0 {
		return nil
	}
	ids := slices.Collect(maps.Keys(at))
	found := make(map[string]store.KeyHolder, len(ids))
	for some := range slices.Chunk(ids, maxDigests) {
		holders, err := s.holders(ctx, account, some)
		if err != nil {
			return err
		}
		for _, h := range holders {
			found[h.Key.ID] = h
		}
	}
	now := s.deps.Now()
	s.stays.judge(account, func(in *Stay) error {
		h, ok := found[in.key]
		switch {
		case !ok && !in.asked(at):
			return nil // came in meanwhile, under what holds now
		case !ok:
			return gates.NotSignedIn.Fault()
		}
		in.expires = h.Key.ExpiresAt
		if d := s.decide(grant(h, in.area, in.from), now); !d.Allowed {
			return d.Fault()
		}
		if !h.Key.Allows(in.scope) {
			return ErrScope
		}
		return nil
	})
	return nil
}

// asked reports whether the stay's key is among those that were asked for.
func (in *Stay) asked(at map[string]struct{}) bool {
	_, ok := at[in.key]
	return ok
}
