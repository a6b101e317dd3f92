package tariff

import (
	"context"
	"errors"
	"time"

	"github.com/archibot/archibotchat/core/pricing"
	"github.com/archibot/archibotchat/ports/store"
)

// source is what this server knows of its configured book.
type source struct {
	looked  bool   // at least once
	taken   string // hash of the book that was last dealt with
	pending string // hash of another that was seen once
	refused string // the last complaint in the log
	doubted string // hash of a book that was known at the start, until it is found in the schedule
}

// offer publishes the source if it is new, and reports whether it could be
// dealt with. A source in error counts as dealt with.
func (s *Service) offer(ctx context.Context, prompt bool) bool {
	book, err := s.deps.Source.Book(ctx)
	if err != nil {
		if ctx.Err() == nil && s.source.refused != err.Error() {
			s.source.refused = err.Error()
			s.deps.Log.Error("the price book was refused; the prices in force stay", "error", err)
		}
		s.source.looked, s.source.pending = true, ""
		return ctx.Err() == nil
	}
	s.source.refused = ""
	hash := book.Hash()
	if hash == s.source.taken {
		s.source.pending = ""
		return true
	}
	if s.source.looked && !prompt && s.source.pending != hash {
		s.source.pending = hash
		return true
	}
	if err := s.take(ctx, book, hash); err != nil {
		if ctx.Err() == nil {
			s.deps.Log.Warn("publishing prices failed, will retry", "hash", hash, "error", err)
		}
		return false
	}
	s.source.looked, s.source.taken, s.source.pending = true, hash, ""
	return true
}

// take publishes the book, unless this is the first look and the book was
// published before.
func (s *Service) take(ctx context.Context, book pricing.Book, hash string) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	if !s.source.looked {
		_, err := s.deps.Store.PriceBooks().Content(ctx, hash)
		if err == nil {
			s.source.doubted = hash
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	b, added, err := s.Publish(ctx, book, time.Time{})
	if err == nil && added {
		s.deps.Log.Info("prices published", "hash", b.Hash, "effective", b.Effective)
	}
	return err
}
