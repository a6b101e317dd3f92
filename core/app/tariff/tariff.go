// Package tariff publishes price books and knows which of them is in force.
//
// Books live in the database, each with the time from which it holds, at least
// [store.PriceNotice] after it was published. Every server reads that schedule
// every few seconds, so it has a book long before it holds, and all of them
// change over at the same instant of the database's clock (HOTPATH 24).
//
// It keeps true that
//   - prices are quoted only while no book can have come into force unseen: a
//     server that has not read the schedule for [Stale] quotes none;
//   - a source that changes is published once, by whichever server sees it
//     first, without a restart; one that is in error changes nothing;
//   - what was published before is published again only if a source changes to
//     it while a server looks, or if an operator says so: a server that starts
//     with an old file does not bring old prices back;
//   - each publication has its event, in the same transaction (U1).
//
// It works out no cost: package pricing does.
package tariff

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/pricing"
	"github.com/archibot/archibotchat/ports/prices"
	"github.com/archibot/archibotchat/ports/store"
)

// How often the schedule and the source are looked at, how long a look may
// take, and for how long the schedule counts as known. What is published just
// after a look is in force after PriceNotice at the earliest, less the 10 s
// for which a transaction may stand still between its clock and its commit.
const (
	lookEvery  = 5 * time.Second
	retryEvery = 500 * time.Millisecond // until the schedule is known for the first time
	lookTime   = 4 * time.Second
	Stale      = store.PriceNotice - 10*time.Second
)

// Deps is what Service needs.
type Deps struct {
	Store store.Store
	// Source is the book that this server is configured with; nil: none.
	Source prices.Source
	Now    func() time.Time
	NewID  func(prefix string) string
	Log    *slog.Logger
}

// Service publishes and knows prices. It is safe for concurrent use.
type Service struct {
	deps   Deps
	held   atomic.Pointer[held]
	prompt chan struct{}

	// What follows belongs to Run.
	source source
	books  map[string]pricing.Book // of the schedule, by hash
	shown  string                  // the version that the log names as in force
}

// held is the schedule as it was last read.
type held struct {
	schedule pricing.Schedule
	ahead    time.Duration // of the store's clock over ours
	asOf     time.Time     // on our clock, before it was asked for
}

// New returns a Service. It knows no prices before Run has begun.
func New(d Deps) *Service {
	return &Service{deps: d, prompt: make(chan struct{}, 1), books: map[string]pricing.Book{}}
}

// ErrUnknown means that it is not sure just now which prices are in force.
var ErrUnknown = fault.New(fault.Unavailable, "prices_unknown", "The service cannot tell its prices just now. Nothing was debited; try again shortly.")

// InForce returns the prices in force, no models if there are none yet, and
// ErrUnknown where a book may have come into force unseen.
func (s *Service) InForce() (pricing.Edition, error) {
	h, now := s.held.Load(), s.deps.Now()
	if h == nil || now.Sub(h.asOf) > Stale {
		return pricing.Edition{}, ErrUnknown
	}
	return h.at(now), nil
}

// Known is InForce for what need not be sure: it returns the prices that are in
// force as far as is known.
func (s *Service) Known() pricing.Edition {
	h := s.held.Load()
	if h == nil {
		return pricing.Edition{}
	}
	return h.at(s.deps.Now())
}

func (h *held) at(now time.Time) pricing.Edition {
	e, _ := h.schedule.At(now.Add(h.ahead))
	return e
}

// Ready reports whether prices can be quoted.
func (s *Service) Ready() bool {
	_, err := s.InForce()
	return err == nil
}

// Reload has the source looked at now and taken as it is. Without it a change
// counts once it was seen twice, so that nobody takes a file half-written.
func (s *Service) Reload() {
	select {
	case s.prompt <- struct{}{}:
	default: // one is due already
	}
}

// Run publishes the source and reads the schedule until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	ctx = access.WithPrincipal(ctx, access.Principal{Kind: access.PrincipalService, ID: "prices"})
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		prompt := false
		select {
		case <-ctx.Done():
			return nil
		case <-s.prompt:
			prompt = true
		case <-timer.C:
		}
		s.round(ctx, prompt)
		every := lookEvery
		if s.held.Load() == nil {
			every = retryEvery
		}
		timer.Reset(every)
	}
}

// round looks at the source and at the schedule. What is known of the source
// comes first, so that a first server is not ready before it has prices.
func (s *Service) round(ctx context.Context, prompt bool) {
	if s.deps.Source != nil && !s.offer(ctx, prompt) && s.held.Load() == nil {
		return
	}
	looking, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	if err := s.look(looking); err != nil {
		if ctx.Err() == nil {
			s.deps.Log.Warn("reading the schedule of prices failed, will retry", "error", err)
		}
		return
	}
	s.show()
}

// look reads the schedule. A book that cannot be read leaves what is known as
// it was, to go stale.
func (s *Service) look(ctx context.Context) error {
	before := s.deps.Now()
	now, list, err := s.deps.Store.PriceBooks().Current(ctx)
	if err != nil {
		return err
	}
	middle := before.Add(s.deps.Now().Sub(before) / 2)
	books := make(map[string]pricing.Book, len(list))
	var issues []pricing.Issue
	for _, b := range list {
		book, ok := s.books[b.Hash]
		if !ok {
			if book, err = s.read(ctx, b.Hash); err != nil {
				return err
			}
		}
		books[b.Hash] = book
		issues = append(issues, pricing.Issue{Book: book, Effective: b.Effective, Seq: b.Seq})
	}
	s.books = books
	s.held.Store(&held{pricing.NewSchedule(issues), now.Sub(middle), before})
	return nil
}

// show logs what came into force, and doubts about the source.
func (s *Service) show() {
	if e := s.Known(); e.Version != s.shown {
		s.shown = e.Version
		s.deps.Log.Info("prices are in force", "version", e.Version, "since", e.Effective, "models", len(e.Models))
	}
	if _, ok := s.books[s.source.doubted]; !ok && s.source.doubted != "" {
		s.deps.Log.Warn("the configured prices were in force before and are not any more; publish them if that is meant", "hash", s.source.doubted)
	}
	s.source.doubted = ""
}
