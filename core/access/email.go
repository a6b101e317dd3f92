package access

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/archibot/archibotchat/core/fault"
)

// InvitationPath is the page where an invitation is accepted; its token follows
// as the fragment, which browsers send to nobody.
const InvitationPath = "/invitation"

// maxEmail bounds e-mail addresses, in bytes (RFC 5321, 4.5.3.1.3).
const maxEmail = 254

// CheckEmail returns the address without surrounding space, or a fault if it
// is none. It looks at the form only, and leaves quoted local parts out.
func CheckEmail(text, param string) (string, error) {
	text = strings.TrimSpace(text)
	local, domain, _ := strings.Cut(text, "@")
	good := len(text) <= maxEmail && utf8.ValidString(text) && local != "" && len(local) <= 64 &&
		!strings.ContainsAny(text, `"(),:;<>[\]`) && !strings.Contains(domain, "@") && !strings.HasPrefix(domain, ".") &&
		strings.Contains(strings.TrimSuffix(domain, "."), ".") && !strings.Contains(text, "..")
	for _, r := range text {
		good = good && unicode.IsGraphic(r) && !unicode.IsSpace(r)
	}
	if !good {
		f := fault.New(fault.Invalid, "invalid_email", "This is not an e-mail address.")
		f.Param = param
		return "", f
	}
	return text, nil
}

// FoldEmail returns what two spellings of an address have in common. Only
// ASCII letters are folded: other scripts have letters that look alike, or that
// become another's in lower case.
func FoldEmail(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, strings.TrimSpace(text))
}
