package tariff

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/pricing"
	"github.com/archibot/archibotchat/ports/store"
)

// Publish puts a book into force at effective; the zero time means as soon as
// may be. added is false if that book was the last to be published already,
// for then or earlier. It fails as [store.PriceBooks] does.
func (s *Service) Publish(ctx context.Context, book pricing.Book, effective time.Time) (b store.PriceBook, added bool, err error) {
	by := audit.By(ctx)
	err = s.deps.Store.Do(ctx, func(ctx context.Context, tx store.Stores) (err error) {
		b, added, err = tx.PriceBooks().Publish(ctx, store.Publication{Content: book.Content(), Effective: effective, By: by})
		if err != nil || !added {
			return err
		}
		return tx.Events().Append(ctx, audit.Event{
			ID: s.deps.NewID("evt"), At: b.Added, Kind: audit.PricesPublished, Actor: by, Request: access.Request(ctx), Subject: b.Hash, Count: 1,
		})
	})
	return b, added, err
}

// State is what a publication is at an instant.
type State string

// The states.
const (
	StatePast    State = "past"
	StateInForce State = "in_force"
	StateToCome  State = "to_come"
)

// Entry is a publication as it is listed.
type Entry struct {
	store.PriceBook
	State State
}

// List returns publications, the last one first; the cursor is the Seq.
func (s *Service) List(ctx context.Context, p store.Page) (out []Entry, err error) {
	now, current, err := s.deps.Store.PriceBooks().Current(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.deps.Store.PriceBooks().List(ctx, p)
	for _, b := range list {
		e := Entry{b, StatePast}
		for _, c := range current {
			if c.Seq != b.Seq {
				continue
			}
			if e.State = StateInForce; c.Effective.After(now) {
				e.State = StateToCome
			}
		}
		out = append(out, e)
	}
	return out, err
}

// Faults of names of books.
var (
	errNoName    = fault.New(fault.Invalid, "invalid_price_name", "A price book is named by its hash or by a version in it, or by at least 8 digits of one.")
	errUnknown   = fault.New(fault.NotFound, "unknown_prices", "No price book of that name was published.")
	errAmbiguous = fault.New(fault.Invalid, "ambiguous_price_name", "Several price books begin with that; give more digits.")
)

// Find returns the book that has this hash, or an edition of this version, as
// holds name it; eight digits of either will do.
func (s *Service) Find(ctx context.Context, name string) (hash string, book pricing.Book, err error) {
	name = strings.ToLower(name)
	if len(name) < 8 || len(name) > 64 || strings.Trim(name, "0123456789abcdef") != "" {
		return "", pricing.Book{}, errNoName
	}
	hashes, err := s.hashes(ctx)
	if err != nil {
		return "", pricing.Book{}, err
	}
	for _, h := range hashes {
		if strings.HasPrefix(h, name) {
			if hash != "" {
				return "", pricing.Book{}, errAmbiguous
			}
			hash = h
		}
	}
	if hash != "" {
		book, err = s.read(ctx, hash)
		return hash, book, err
	}
	for _, h := range hashes { // the newest first: an edition may be in many books
		if book, err = s.read(ctx, h); err != nil {
			return "", pricing.Book{}, err
		}
		for _, e := range book.Editions() {
			if strings.HasPrefix(e.Version, name) {
				return h, book, nil
			}
		}
	}
	return "", pricing.Book{}, errUnknown
}

// hashes lists the books that were ever published, the newest first.
func (s *Service) hashes(ctx context.Context) (out []string, err error) {
	seen := map[string]bool{}
	page := store.Page{Limit: store.MaxPage}
	for {
		list, err := s.deps.Store.PriceBooks().List(ctx, page)
		if err != nil || len(list) == 0 {
			return out, err
		}
		for _, b := range list {
			if !seen[b.Hash] {
				seen[b.Hash] = true
				out = append(out, b.Hash)
			}
			page.After = strconv.FormatInt(b.Seq, 10)
		}
	}
}

var errAltered = errors.New("its content is not what its hash says")

// read returns a published book.
func (s *Service) read(ctx context.Context, hash string) (pricing.Book, error) {
	content, err := s.deps.Store.PriceBooks().Content(ctx, hash)
	if err != nil {
		return pricing.Book{}, err
	}
	book, err := pricing.Decode(content)
	if err == nil && book.Hash() != hash {
		err = errAltered
	}
	if err != nil {
		return pricing.Book{}, fmt.Errorf("price book %s: %w", hash, err)
	}
	return book, nil
}
