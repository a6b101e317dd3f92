package api

import (
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

// Party is the network whose attempts are counted together.
func Party(a netip.Addr) string { return party(a).String() }

// Bounded lists the routes whose attempts are bounded, with their bursts.
func Bounded() map[string]int {
	out := map[string]int{}
	for pattern, a := range attempts {
		out[pattern] = a.rule.Burst
	}
	return out
}

var wildcard = regexp.MustCompile(`{[^}]*}`)

// Unrouted lists the patterns among them that no route has, or whose rule is
// not valid or has no name.
func Unrouted(c Config) (out []string) {
	s := newServer(c)
	for pattern, a := range attempts {
		method, path, _ := strings.Cut(pattern, " ")
		r := &http.Request{Method: method, URL: &url.URL{Path: wildcard.ReplaceAllString(path, "x")}}
		if _, got := s.route(r); got != pattern || a.rule.Validate() != nil || a.name == "" {
			out = append(out, pattern)
		}
	}
	return out
}
