// Package models lists the models that can be used: those with an exact price,
// and those of the upstream's list that a priced prefix covers.
//
// It keeps true that a model without a price is never listed nor quoted (L13),
// nor one listed that no upstream is configured to serve, and that the upstream is asked for its list at most once a minute, however
// many ask here. A priced model may be used though the upstream does not list it.
package models

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/pricing"
	port "github.com/archibot/archibotchat/ports/inference"
)

// fresh is how long the upstream's list is used before it is asked for again;
// after a failure the last good list is kept for as long.
const fresh = time.Minute

// maxModels bounds the list.
const maxModels = 10_000

// Prices knows which prices are in force.
type Prices interface {
	// InForce returns them, or a fault if they are not known for sure.
	InForce() (pricing.Edition, error)
	// Known returns them as far as they are known.
	Known() pricing.Edition
}

// Deps is what Service needs.
type Deps struct {
	Upstream port.Upstream
	Prices   Prices
	Now      func() time.Time
	Log      *slog.Logger
}

// Service knows the models.
type Service struct {
	deps Deps

	mu     sync.Mutex
	listed []port.Model
	asked  time.Time     // zero: never
	asking chan struct{} // closed when the question under way is answered; nil if none is
}

// New returns a Service.
func New(d Deps) *Service { return &Service{deps: d} }

// ErrUnknown covers models that do not exist, have no price, or are not
// allowed to the key: all the same.
var ErrUnknown = gates.ModelNotAllowed.Fault()

// Quote returns the present price of a model for a key. It fails with
// ErrUnknown, or as Prices does.
func (s *Service) Quote(k keys.Key, model string) (pricing.Quote, error) {
	edition, err := s.deps.Prices.InForce()
	if err != nil {
		return pricing.Quote{}, err
	}
	q, ok := edition.Find(model)
	if !ok || !k.AllowsModel(model) {
		return pricing.Quote{}, ErrUnknown
	}
	return q, nil
}

// List returns the models that a key may use, by ID.
func (s *Service) List(ctx context.Context, k keys.Key) ([]port.Model, error) {
	edition := s.deps.Prices.Known()
	byID := map[string]port.Model{}
	for _, id := range edition.Exact() {
		if !s.served(id) {
			continue
		}
		byID[id] = port.Model{ID: id, Created: edition.Effective.Unix(), OwnedBy: s.deps.Upstream.Name()}
	}
	for _, m := range s.upstream(ctx) {
		if _, priced := edition.Find(m.ID); priced {
			byID[m.ID] = m
		}
	}
	var out []port.Model
	for _, m := range byID {
		if k.AllowsModel(m.ID) {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b port.Model) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// Find returns one model, ErrUnknown if the key may not use it.
func (s *Service) Find(ctx context.Context, k keys.Key, id string) (port.Model, error) {
	edition := s.deps.Prices.Known()
	if _, priced := edition.Find(id); !priced || !k.AllowsModel(id) || !s.served(id) {
		return port.Model{}, ErrUnknown
	}
	for _, m := range s.upstream(ctx) {
		if m.ID == id {
			return m, nil
		}
	}
	return port.Model{ID: id, Created: edition.Effective.Unix(), OwnedBy: s.deps.Upstream.Name()}, nil
}

// served reports whether an upstream is configured for the model. One that is
// down for a moment serves it all the same.
func (s *Service) served(id string) bool {
	up, ok := s.deps.Upstream.(port.Foreseeing)
	return !ok || fault.KindOf(up.Foresee(&port.Request{Model: id})) != fault.NotFound
}

// askTime bounds one question for the upstream's list.
const askTime = 5 * time.Second

// upstream returns the upstream's list. A list that cannot be had is not an
// error: priced models work without it. One caller at a time asks; the others
// take the list as it was, and wait only for the first one.
func (s *Service) upstream(ctx context.Context) []port.Model {
	s.mu.Lock()
	now := s.deps.Now()
	if age := now.Sub(s.asked); !s.asked.IsZero() && (s.asking != nil || age >= 0 && age < fresh) {
		defer s.mu.Unlock()
		return s.listed
	}
	if answered := s.asking; answered != nil {
		s.mu.Unlock()
		select {
		case <-answered:
		case <-ctx.Done():
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.listed
	}
	answered := make(chan struct{})
	s.asking = answered
	s.mu.Unlock()

	list, err := s.ask(ctx)

	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked, s.asking = now, nil
	close(answered)
	if err == nil {
		s.listed = list[:min(len(list), maxModels)]
	}
	return s.listed
}

func (s *Service) ask(ctx context.Context) ([]port.Model, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTime)
	defer cancel()
	list, err := s.deps.Upstream.Models(ctx)
	if err != nil {
		s.deps.Log.Warn("listing the upstream's models failed", "upstream", s.deps.Upstream.Name(), "error", err)
	}
	return list, err
}
