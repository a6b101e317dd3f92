// Package pricefile reads a price book from a YAML file.
//
//	prices:
//	  - effective: 2026-01-01T00:00:00Z
//	    models:
//	      - id: gpt-4.1-mini        # exact, or a prefix that ends in *
//	        per_request: 0          # all prices are decimals in microcredits
//	        per_input_token: 0.4
//	        per_cached_input_token: 0.1
//	        per_output_token: 1.6
//	        max_output_tokens: 32768
//
// It keeps true that nothing is guessed: an unknown field, a missing price, a
// negative one, a date without a time is refused, and all faults are reported
// at once, each with its line. An edition's version is a digest of what the
// edition says, so that the same prices bear the same version on every server.
//
// It does not watch the file; a new book is read at the next start.
package pricefile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/archibot/archibotchat/core/pricing"
	"github.com/archibot/archibotchat/ports/prices"
)

// MaxSize bounds a price file, in bytes.
const MaxSize = 1 << 20

// Source is a price file.
type Source struct{ path string }

var _ prices.Source = (*Source)(nil)

// New returns the price file at path. It does not read it.
func New(path string) *Source { return &Source{path} }

// Book reads the file. The error lists all that is wrong with it.
func (s *Source) Book(ctx context.Context) (pricing.Book, error) {
	if err := ctx.Err(); err != nil {
		return pricing.Book{}, err
	}
	f, err := os.Open(s.path)
	if err != nil {
		return pricing.Book{}, fmt.Errorf("price file: %w", err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return pricing.Book{}, fmt.Errorf("price file %s: %w", s.path, err)
	}
	book, err := Parse(text)
	if err != nil {
		return pricing.Book{}, fmt.Errorf("price file %s:\n%w", s.path, err)
	}
	return book, nil
}

// Parse returns the book in text. The error lists all that is wrong with it.
func Parse(text []byte) (pricing.Book, error) {
	if len(text) > MaxSize {
		return pricing.Book{}, fmt.Errorf("the price file is larger than %d bytes", MaxSize)
	}
	root, err := document(text)
	if err != nil {
		return pricing.Book{}, err
	}
	var r reader
	editions := r.book(root)
	if len(r.faults) > 0 {
		return pricing.Book{}, errors.Join(r.faults...)
	}
	return pricing.NewBook(editions)
}
