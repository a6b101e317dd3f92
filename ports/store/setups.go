package store

import (
	"context"
	"time"
)

// Setup is what an account has said of itself (A8). It grants nothing.
type Setup struct {
	Account       string
	IntendedUse   string
	Notifications string
	Files         string
	UpdatedAt     time.Time
	UpdatedBy     string // the actor's ID
}

// Acknowledgement is that somebody has read where an environment's data goes,
// in one version, and agreed for their account.
type Acknowledgement struct {
	Account     string
	Environment string
	Version     string
	User        string // the actor's ID
	At          time.Time
}

// MaxAcknowledgements is how many of an account are listed.
const MaxAcknowledgements = 100

// Setups keeps what accounts said of themselves and acknowledged.
// Acknowledgements cannot be changed or deleted: the database refuses it.
type Setups interface {
	// Get returns an account's setup, ErrNotFound if it has none yet.
	Get(ctx context.Context, account string) (Setup, error)
	// Save writes it, in place of the one there was; ErrNotFound if there is no
	// such account.
	Save(ctx context.Context, s Setup) error
	// Acknowledge adds an acknowledgement and makes its version the one that the
	// account acknowledged last. first is false if it had acknowledged that
	// version before, which stays as it was. It is a Change. ErrNotFound if
	// there is no such account.
	Acknowledge(ctx context.Context, a Acknowledgement) (first bool, err error)
	// Acknowledgements returns those of an account, the newest first,
	// MaxAcknowledgements at most.
	Acknowledgements(ctx context.Context, account string) ([]Acknowledgement, error)
}
