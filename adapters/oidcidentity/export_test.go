package oidcidentity

import (
	"encoding/json"

	"github.com/archibot/archibotchat/ports/identity"
)

// ReadClaims reads claims as those of a checked token, for fuzzing.
func ReadClaims(raw []byte, paths []string) identity.Identity {
	var c claims
	if json.Unmarshal(raw, &c) != nil {
		return identity.Identity{}
	}
	out := identity.Identity{Groups: c.groups(paths, nil)}
	c.describe(&out)
	out.AuthAt, _ = c.time("auth_time")
	return out
}

// ReadToken reads what can be read of a token that nobody checked.
func ReadToken(raw string) (algorithm string, claims int) {
	return header(raw).Algorithm, len(unverified(raw))
}
