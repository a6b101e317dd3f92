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
//	        max_input_tokens: 1047576   # may be left out
//
// A model that costs nothing at all also says free: true.
//
// It keeps true that nothing is guessed: an unknown field, a missing price, a
// negative one, a date without a time is refused, and all faults are reported
// at once, each with its line. [Format] writes a book the same way.
//
// It does not watch the file: whoever asks gets the book that it holds then,
// and a file that did not change is not read through again.
package pricefile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/archibot/archibotchat/core/pricing"
	"github.com/archibot/archibotchat/ports/prices"
)

// MaxSize bounds a price file, in bytes.
const MaxSize = 1 << 20

// Source is a price file. It is safe for concurrent use.
type Source struct {
	path string

	mu   sync.Mutex
	text []byte // what book and err were read from
	book pricing.Book
	err  error
}

var _ prices.Source = (*Source)(nil)

// New returns the price file at path. It does not read it.
func New(path string) *Source { return &Source{path: path} }

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
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.text != nil && bytes.Equal(text, s.text) {
		return s.book, s.err
	}
	s.text = text
	if s.book, s.err = Parse(text); s.err != nil {
		s.err = fmt.Errorf("price file %s:\n%w", s.path, s.err)
	}
	return s.book, s.err
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
