package store

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/fault"
)

// RequestState is what became of a request for access.
type RequestState string

// The states.
const (
	RequestOpen     RequestState = "open"
	RequestApproved RequestState = "approved"
	RequestDenied   RequestState = "denied"
)

// ErrFull means that there is no room for one more of them just now.
var ErrFull = fault.New(fault.Unavailable, "too_many_open", "There are too many open requests just now. Try again tomorrow.")

// AccessRequest is somebody's wish to be let in (A6). It grants nothing.
type AccessRequest struct {
	ID        string // acr_…
	Email     string // as it was typed; nobody has verified it
	Company   string
	Use       string
	Products  access.Groups
	State     RequestState
	Times     int64 // how often it was asked
	CreatedAt time.Time
	AskedAt   time.Time // last time
	DecidedAt time.Time // zero while it is open
	DecidedBy string    // the actor's ID
	Reason    string    // of a denial, for the applicant
	Account   string    // that an approval opened
}

// AccessRequests keeps requests for access. Addresses are compared as
// access.FoldEmail leaves them.
type AccessRequests interface {
	// Ask adds an open request, or counts one more where the address has an
	// open one, which stays as it was written first. It returns what is kept.
	// ErrFull if most are open already and this would be a new one.
	Ask(ctx context.Context, r AccessRequest, most int64) (kept AccessRequest, created bool, err error)
	// Get returns a request.
	Get(ctx context.Context, id string) (AccessRequest, error)
	// Latest returns the newest request of an address.
	Latest(ctx context.Context, email string) (AccessRequest, error)
	// List returns requests in a state, or all for "", newest first; the cursor
	// is the ID.
	List(ctx context.Context, state RequestState, p Page) ([]AccessRequest, error)
	// Decide writes state, decision, reason and account of a request that is in
	// the state from; changed is false if it is in another. ErrTaken if it
	// is to be open again and its address has another open one.
	Decide(ctx context.Context, r AccessRequest, from RequestState) (changed bool, err error)
	// Forget removes requests, at most limit, that were decided before a time;
	// more tells that there may be others.
	Forget(ctx context.Context, before time.Time, limit int) (more bool, err error)
}
