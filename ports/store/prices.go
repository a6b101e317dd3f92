package store

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
)

// PriceNotice is how long before it takes effect a price book is published, so
// that every server has it by then (HOTPATH 24).
const PriceNotice = 60 * time.Second

// MaxPriceBook bounds a book's content, in bytes.
const MaxPriceBook = 4 << 20

// MaxPriceBooksAhead is how many books may be waiting to take effect.
const MaxPriceBooksAhead = 100

// Faults of publishing prices.
var (
	ErrPriceNotice = fault.New(fault.Invalid, "price_notice_too_short", "Prices take effect 60 seconds after they are published at the earliest, so that every server has them by then.")
	ErrPricesAhead = fault.New(fault.Conflict, "too_many_prices_ahead", "Too many price books are waiting to take effect. Let some of them do so first.")
	ErrPriceSize   = fault.New(fault.TooLarge, "price_book_too_large", "The price book is larger than 4 MiB.")
)

// PriceBook is a book of prices as it was published. The same book may be
// published again and again.
type PriceBook struct {
	Seq       int64  // in the order of publication, from 1
	Hash      string // the SHA-256 of the book's content in 64 hex digits
	Effective time.Time
	Added     time.Time
	AddedBy   audit.Actor
}

// Publication is a book to be published.
type Publication struct {
	Content []byte
	// Effective is when it takes effect; zero: as soon as may be.
	Effective time.Time
	By        audit.Actor
}

// PriceBooks keeps the books of prices and when each takes effect, by the
// store's clock. Rows cannot be changed or deleted: the database refuses it.
//
// At any instant the book holds that took effect last; of several that took
// effect at the same instant, the one that was published last.
type PriceBooks interface {
	// Publish adds a book, to take effect PriceNotice after now or later, the
	// first of all also at once; ErrPriceNotice if that is too soon. A book that
	// is to take effect as soon as may be, and was the last to be published
	// already for then or earlier, is not added again: added is false. Publications
	// wait for each other; what can be read has the number that it was given.
	Publish(ctx context.Context, p Publication) (b PriceBook, added bool, err error)
	// Current returns the present time, the book that holds, if there is one,
	// and those to come, in the order in which they take effect.
	Current(ctx context.Context) (now time.Time, list []PriceBook, err error)
	// Content returns the content with a hash; ErrNotFound if no such book was
	// ever published.
	Content(ctx context.Context, hash string) ([]byte, error)
	// List returns all publications, the last one first; the cursor is the Seq.
	List(ctx context.Context, p Page) ([]PriceBook, error)
}
