// Package prices is the port to the price book that a server is configured
// with. The books that are in force lie in the database; see store.PriceBooks.
package prices

import (
	"context"

	"github.com/archibot/archibotchat/core/pricing"
)

// Source brings the price book.
type Source interface {
	// Book returns the whole book as it is now, or an error that lists all that
	// is wrong with it. It is asked every few seconds.
	Book(ctx context.Context) (pricing.Book, error)
}
