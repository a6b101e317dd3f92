package upstreams

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/inference"
)

// member is an upstream with what is known of it.
type member struct {
	Member
	name    string
	breaker breaker
	budget  *budget

	mu     sync.Mutex
	listed []inference.Model // the last list it gave
}

// takes reports whether r may go to this upstream.
func (m *member) takes(r *inference.Request) bool {
	if r.Keeper != "" {
		return r.Keeper == m.name
	}
	return m.serves(r.Model)
}

// serves reports whether the model is one of its own.
func (m *member) serves(model string) bool {
	for _, id := range m.Models {
		if prefix, is := strings.CutSuffix(id, "*"); id == model || is && strings.HasPrefix(model, prefix) {
			return true
		}
	}
	return len(m.Models) == 0
}

// elsewhere reports whether a call that failed like this did no work and may
// do better at another upstream.
func elsewhere(err error) bool {
	if errors.Is(err, inference.ErrUnsent) {
		return true
	}
	var refusal *inference.Refusal
	if !errors.As(err, &refusal) {
		return false
	}
	switch refusal.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return true
	}
	return false
}

// worse returns which of two failures to tell the client: the later one,
// unless the earlier says when to come back.
func worse(earlier, later error) error {
	if limited(earlier) && !limited(later) {
		return earlier
	}
	return later
}

func limited(err error) bool {
	var refusal *inference.Refusal
	return errors.As(err, &refusal) && refusal.Status == http.StatusTooManyRequests
}

// verdict is what the end of a call says about the upstream.
type verdict uint8

const (
	unknown verdict = iota // nothing: it was called off
	well                   // it answers, if only to say no
	ill                    // it failed at the work, which may be the work's fault
	absent                 // it is not there to answer, or not with our key
)

// judge returns the verdict on an upstream whose call ended with err.
func judge(ctx context.Context, err error) verdict {
	var refusal *inference.Refusal
	switch {
	case err == nil:
		return well
	case errors.As(err, &refusal):
		return judgeStatus(refusal.Status)
	case ctx.Err() != nil:
		return unknown
	}
	switch fault.KindOf(err) {
	case fault.BadUpstream, fault.Timeout:
		return absent
	default:
		return unknown // a fault of ours
	}
}

func judgeStatus(status int) verdict {
	switch status {
	case http.StatusUnauthorized, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return absent
	}
	if status >= http.StatusInternalServerError {
		return ill
	}
	return well
}

// Between a call that did not arrive and the next try.
const (
	minPause = 50 * time.Millisecond
	maxPause = 150 * time.Millisecond
)

// pause waits a moment; false if there is no sense in going on.
func pause(ctx context.Context, r *inference.Request) bool {
	t := time.NewTimer(minPause + rand.N(maxPause-minPause)) //nolint:gosec // spreads retries; guards nothing
	defer t.Stop()
	select {
	case <-t.C:
		return over(ctx, r, nil) == nil
	case <-ctx.Done():
	case <-r.Left:
	}
	return false
}
