package store

import (
	"context"
	"time"
)

// Response is a response that an upstream keeps, and whose it is (W4). Nothing
// of its content is here.
type Response struct {
	ID        string // the upstream's: resp_…
	Account   string
	Request   string // req_…, that made it
	Key       string // key_…, that made it
	Model     string // as asked for
	Upstream  string // the name of the one that keeps it
	CreatedAt time.Time
	DeletedAt time.Time // zero: not deleted
	// Ended says that its answer came to an end here and was paid for as such.
	Ended bool
	// Tokens is its input and output together, as the upstream counted them; 0
	// where that is not known.
	Tokens int64
}

// ResponseEnd says that a response has ended.
type ResponseEnd struct {
	ID      string
	Account string
	Tokens  int64 // 0: not known
}

// Responses keeps whose each response is. An ID belongs to the account that
// claimed it first, for as long as its row lives. All times are the store's clock.
type Responses interface {
	// Claim adds responses and returns an error for each, nil if it is its
	// account's now. ErrTaken means that the ID was claimed before by another
	// request, of whichever account; the same request's claim may be repeated.
	// CreatedAt and DeletedAt are not taken from here. If Claim itself fails,
	// nothing was claimed, or (after a lost reply) all was. One round trip, save
	// where an ID was claimed before.
	Claim(ctx context.Context, rs []Response) ([]error, error)
	// End notes that responses have ended. One that is not there, or is another
	// account's, is passed over.
	End(ctx context.Context, ends []ResponseEnd) error
	// Get returns a response of the account, deleted or not.
	Get(ctx context.Context, account, id string) (Response, error)
	// Delete marks a response of the account as deleted; changed is false if it
	// was already.
	Delete(ctx context.Context, account, id string) (changed bool, err error)
	// Prune removes the oldest responses, at most limit, that are older than keep,
	// and returns how many.
	Prune(ctx context.Context, keep time.Duration, limit int) (int, error)
}
