package oidcidentity

import (
	"encoding/json"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/ports/identity"
)

const (
	// maxGroups is how many groups a person may have at the provider. Whoever has
	// more has none here: a list of that size is a mistake or an attack.
	maxGroups = 1000
	maxEmail  = 320 // bytes
	maxName   = 100 // characters
)

// claims are those of a token or of userinfo, by their exact names.
type claims map[string]json.RawMessage

// text returns a claim that is a string, and whether the claim is there at all.
func (c claims) text(name string) (string, bool) {
	raw, ok := c[name]
	var s string
	if ok && json.Unmarshal(raw, &s) != nil {
		return "", true
	}
	return s, ok
}

// is reports whether a claim of this very name is want, or missing if that is
// empty. encoding/json takes names in any case for the same, providers do not.
func (c claims) is(name, want string) bool {
	s, _ := c.text(name)
	return s == want
}

// time returns a claim that is a number of seconds.
func (c claims) time(name string) (time.Time, bool) {
	var n float64
	if json.Unmarshal(c[name], &n) != nil || n < 1 || n > math.MaxInt32*64 {
		return time.Time{}, false
	}
	return time.Unix(int64(n), 0).UTC(), true
}

// names reports whether a claim is, or lists, want.
func (c claims) names(name, want string) bool {
	var list []string
	if s, _ := c.text(name); s == want {
		return true
	}
	_ = json.Unmarshal(c[name], &list)
	for _, s := range list {
		if s == want {
			return true
		}
	}
	return false
}

// find returns what is at a path: a claim of that very name, else one within a
// claim that is named by the beginning of the path.
func (c claims) find(path string) (json.RawMessage, bool) {
	if raw, ok := c[path]; ok {
		return raw, true
	}
	for i, r := range path {
		if r != '.' {
			continue
		}
		var inner claims
		if raw, ok := c[path[:i]]; ok && json.Unmarshal(raw, &inner) == nil {
			if raw, ok := inner.find(path[i+1:]); ok {
				return raw, true
			}
		}
	}
	return nil, false
}

// overage reports that the provider has more groups than it sends: Entra names
// a place to fetch them, or only says so.
func (c claims) overage(path string) bool {
	var elsewhere claims
	_ = json.Unmarshal(c["_claim_names"], &elsewhere)
	if _, ok := elsewhere[path]; ok {
		return true
	}
	raw, ok := c["hasgroups"]
	return ok && path == "groups" && string(raw) != "false"
}

// says reports whether the claims speak of groups at all, however badly.
func (c claims) says(paths []string) bool {
	for _, path := range paths {
		if _, ok := c.find(path); ok || c.overage(path) {
			return true
		}
	}
	return false
}

// groups maps the groups at all paths to ours. Whatever is not a list of texts
// of a sound size holds none (A3).
func (c claims) groups(paths []string, to map[string]access.Groups) access.Groups {
	var out []access.Group
	for _, path := range paths {
		raw, ok := c.find(path)
		var list []*string
		if !ok || c.overage(path) || json.Unmarshal(raw, &list) != nil || len(list) > maxGroups {
			continue
		}
		var ours []access.Group
		for _, theirs := range list {
			if theirs == nil { // null is no text
				ours = nil
				break
			}
			if to == nil {
				ours = append(ours, access.Group(*theirs))
			} else {
				ours = append(ours, to[*theirs].List()...)
			}
		}
		out = append(out, ours...)
	}
	return access.NewGroups(out...)
}

// describe fills in what is kept of a person beside the groups (A2).
func (c claims) describe(i *identity.Identity) {
	if s, _ := c.text("email"); i.Email == "" && s != "" && len(s) <= maxEmail && utf8.ValidString(s) && strings.Contains(s, "@") && !strings.ContainsFunc(s, hidden) && !strings.ContainsFunc(s, unicode.IsSpace) {
		i.Email, i.EmailVerified = s, c.truth("email_verified")
	}
	if s, _ := c.text("name"); i.Name == "" {
		i.Name = shown(s)
	}
}

// truth reads a claim that is true, also as text, as some providers send it.
func (c claims) truth(name string) bool {
	raw := string(c[name])
	return raw == "true" || raw == `"true"`
}

// hidden reports characters that cannot be shown, or that mislead.
func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError
}

// shown is a name without what cannot be shown, and not too long.
func shown(name string) string {
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if hidden(r) {
			return -1
		}
		return r
	}, name))
	if runes := []rune(name); len(runes) > maxName {
		name = strings.TrimSpace(string(runes[:maxName]))
	}
	return name
}
