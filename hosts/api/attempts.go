package api

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/hosts/edge"
	"github.com/archibot/archibotchat/ports/limits"
)

// attempt is what strangers may try, how often.
type attempt struct {
	name string // in events
	rule limits.Rule
}

// attempts lists, by the pattern of its route, what anybody may try again and
// again: what needs no session, and what takes a secret that could be guessed.
// The rule is for each route and each network, which one party is taken to
// have: an address of IPv4, 64 bits of IPv6. Many people may share one.
var attempts = map[string]attempt{
	"POST " + leakPath: {"leak_report", limits.Rule{Burst: 60, Every: time.Second}}, // scanners send bursts of reports

	// People try a link a few times; a token cannot be guessed anyway.
	"POST " + acceptPath: {"accept_invitation", limits.Rule{Burst: 30, Every: 10 * time.Second}},
	// A form is filled in by hand.
	"GET " + challengePath: {"access_challenge", limits.Rule{Burst: 60, Every: 5 * time.Second}},
	"POST " + requestsPath: {"access_request", limits.Rule{Burst: 10, Every: time.Minute}},
	// An office may have one address, and all of it comes in at nine.
	"GET /api/providers": {"providers", limits.Rule{Burst: 200, Every: 100 * time.Millisecond}},
	startRoute:           {"sign_in_start", limits.Rule{Burst: 100, Every: 200 * time.Millisecond}},
	callbackRoute:        {"sign_in_callback", limits.Rule{Burst: 100, Every: 200 * time.Millisecond}},
	linkRoute:            {"sign_in_link", limits.Rule{Burst: 20, Every: time.Second}},
	logoutRoute:          {"back_channel_logout", limits.Rule{Burst: 200, Every: 50 * time.Millisecond}}, // a provider tells of all at once
}

// attempted reports whether a request may go on, or answers it: with 429 if its
// network has tried too often, with 503 if that cannot be told.
func (s *server) attempted(w http.ResponseWriter, r *http.Request, pattern string) bool {
	what, bounded := attempts[pattern]
	if !bounded {
		return true
	}
	refuse := s.fail
	if isSignIn(r.URL.Path) { // people read it
		refuse = func(w http.ResponseWriter, r *http.Request, err error) { s.failSignIn(w, r, "", err) }
	}
	from := edge.Client(r.Context())
	v, err := s.Attempts.Take(r.Context(), pattern+" "+party(from).String(), what.rule)
	switch {
	case err != nil:
		refuse(w, r, err)
	case !v.OK:
		s.Recorder.RefusedFrom(audit.Event{
			Kind: audit.GateDenied, Actor: audit.Actor{Kind: audit.ActorUnknown}, Request: access.Request(r.Context()),
			Reason: string(gates.RateLimited), Subject: what.name,
		}, from)
		refuse(w, r, &fault.Error{Kind: fault.Limited, Code: string(gates.RateLimited), Message: "Your network has tried this too often in a short time.", RetryAfter: max(v.Wait, time.Second)})
	}
	return err == nil && v.OK
}

// party returns the network that an address is in; all addresses that nobody
// could tell are one.
func party(a netip.Addr) netip.Prefix {
	bits := 64
	if a.Is4() {
		bits = 32
	}
	p, _ := a.Prefix(bits) // the zero Prefix for the zero Addr
	return p
}
