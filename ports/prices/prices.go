// Package prices is the port to an environment's price book.
package prices

import (
	"context"

	"github.com/archibot/archibotchat/core/pricing"
)

// Source brings the price book.
type Source interface {
	// Book returns the whole book, or an error that lists all that is wrong
	// with it.
	Book(ctx context.Context) (pricing.Book, error)
}
