package store

import (
	"context"
	"time"
)

// Flow is a sign-in that a browser has begun and not brought back yet.
type Flow struct {
	State     [32]byte // SHA-256 of the state that the provider hands back
	Provider  string
	Nonce     string
	Verifier  string   // of PKCE
	Binding   [32]byte // SHA-256 of the secret in the browser's cookie
	ReturnTo  string   // a path of this site
	Fresh     bool     // the person is to prove themselves anew
	Link      string   // the session that asked for that; may be empty
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Flows keeps sign-ins under way, and what must happen once.
type Flows interface {
	// Add keeps a flow; ErrTaken if there is one of that state.
	Add(ctx context.Context, f Flow) error
	// Take removes a flow and returns it: one caller gets it, all others
	// ErrNotFound. It does not judge whether the flow is still good.
	Take(ctx context.Context, state [32]byte) (Flow, error)
	// Once notes what was seen; ErrTaken if that was noted before. It fails no
	// transaction that it is called in.
	Once(ctx context.Context, what [32]byte, until time.Time) error
	// Sweep removes flows and notes, at most limit of each, whose time is
	// over at now; more tells that there may be others.
	Sweep(ctx context.Context, now time.Time, limit int) (more bool, err error)
}
