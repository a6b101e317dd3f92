package sessions

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

// FreshFor is how long after somebody proved themselves they may do what
// needs a fresh sign-in.
const FreshFor = 5 * time.Minute

// ErrNotFresh means that the person must prove themselves again first.
var ErrNotFresh = fault.New(fault.Forbidden, "fresh_sign_in_required", "This needs a sign-in within the last 5 minutes, so that nobody else does it in your place.")

// Fresh returns nil if the person of the session that ctx carries has proved
// themselves lately, ErrNotFresh if not, ErrNotSignedIn without a session.
func (s *Service) Fresh(ctx context.Context) error {
	c, ok := From(ctx)
	switch {
	case !ok:
		return ErrNotSignedIn
	case s.d.Now().Before(FreshUntil(c.Session)):
		return nil
	}
	return ErrNotFresh
}

// FreshUntil returns until when a session counts as fresh; the zero time if it
// never did.
func FreshUntil(s store.Session) time.Time {
	if s.FreshAt.IsZero() {
		return time.Time{}
	}
	return s.FreshAt.Add(FreshFor)
}
