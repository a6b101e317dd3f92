// Package edge is the outermost layer of every surface: who is calling, under
// which name the service was called, what every answer carries, and what
// becomes of a panic.
//
// It keeps true that
//   - the caller's address is that of the connection, or what trusted proxies
//     say of it; no header of anybody else ever changes it;
//   - X-Forwarded-Host, X-Forwarded-Proto and the like decide nothing: the
//     service's own address is the configured one;
//   - an answer for a browser carries the security headers, the same ones
//     everywhere, and an ID of ours.
//
// It knows no session, no account and no route. An embedder wraps a handler of
// its own like this, and gives the same Edge to api.Config and the same Proxies
// to gateway.Config:
//
//	e := edge.New(edge.Config{PublicURL: public, Proxies: proxies, NewRequestID: newID, Log: log})
//	mux.Handle("/", e.Browser(pages))
package edge
