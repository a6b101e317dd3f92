package guard

import (
	"regexp"
	"slices"
	"strings"
)

const (
	assigns = `["'\]]{0,2}[ \t]*(=>|:=|[:=])[ \t]*`
	value   = `("[^"\n]{1,200}"|'[^'\n]{1,200}'|[^\s"']{1,200})`
)

var (
	// password is one that is given a value, as in a form, a file or a sentence.
	password = regexp.MustCompile(`(?i)(?:password|passwd|passwort|passphrase|kennwort|\bpwd|\bpass)` + assigns + value)
	// login is a password in an address.
	login = regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@?#]*:([^\s/@?#]{3,200})@`)
	// spoken is one that follows on a word or two.
	spoken = regexp.MustCompile(`(?i)\b(?:password|passwort|passphrase|kennwort|pwd) (?:is|ist|was|lautet)[ \t:]+` + value)
	// secret is a key or a token that is given a value.
	secret = regexp.MustCompile(`(?i)(?:secret|api[_ -]?key|apikey|access[_ -]?key|secret[_ -]?key|account[_ -]?key|private[_ -]?key|client[_ -]?secret|auth[_ -]?token|access[_ -]?token|refresh[_ -]?token|\btoken)` + assigns + value)
)

func hasPassword(text string) bool {
	is := func(sign, given string) bool {
		given, quoted := unquote(given)
		if !quoted {
			given = strings.TrimRight(given, ".,;:!?)]}>")
		}
		if placeholder(given) || !quoted && expression(given) {
			return false
		}
		return strong(given) || len(given) >= 6 && (quoted || sign == "=") && !strings.Contains(given, " ")
	}
	return some(password, text, func(m []string) bool {
		loose := m[1] == "=" && strings.Contains(m[0], "= ") // prose and code; a file has no blank there
		if loose {
			return is(":", m[2])
		}
		return is(m[1], m[2])
	}) || some(login, text, func(m []string) bool { return !placeholder(m[1]) && !expression(m[1]) }) ||
		some(spoken, text, func(m []string) bool { return is(":", m[1]) })
}

func hasAssignedKey(text string) bool {
	return some(secret, text, func(m []string) bool {
		given, quoted := unquote(m[2])
		if !quoted {
			given = strings.TrimRight(given, ".,;:!?)]}>")
		}
		return len(given) >= 12 && mixed(given) && !strings.Contains(given, " ") && !ownID(given) && !placeholder(given) && (quoted || !expression(given))
	})
}

func unquote(text string) (inner string, quoted bool) {
	if len(text) >= 2 && (text[0] == '"' || text[0] == '\'') && text[len(text)-1] == text[0] {
		return text[1 : len(text)-1], true
	}
	return text, false
}

// strong reports whether a text is what rules for passwords ask for: letters
// with digits or signs among them.
func strong(text string) bool {
	letters, others := false, false
	for i := range len(text) {
		switch classOf(text[i]) {
		case 'a', 'A':
			letters = true
		case '0':
			others = true
		default:
			others = others || strings.IndexByte("!@#$%^&*+?~", text[i]) >= 0
		}
	}
	return letters && others && len(text) >= 6 && !strings.Contains(text, " ")
}

// idle are words that stand where a password would.
var idle = []string{
	"password", "passwd", "passwort", "pass", "secret", "username", "user", "value", "string", "text", "varchar", "null", "none", "nil", "undefined", "true", "false",
	"required", "optional", "missing", "invalid", "incorrect", "wrong", "empty", "expired", "changed", "redacted", "hidden", "unknown", "forgotten", "changeme",
	"example", "placeholder", "yourpassword", "your_password", "your-password", "mypassword", "my_password",
}

// yours is what examples say.
var yours = regexp.MustCompile(`^your[_-]|^your(?:password|secret|key|token|apikey)`)

// placeholder reports whether a text stands for a password and is none.
func placeholder(text string) bool {
	if text == "" || strings.ContainsAny(text[:1], "$<{%[") || strings.Trim(text, "*.xX-_…•?") == "" {
		return true
	}
	text = strings.ToLower(text)
	return slices.Contains(idle, strings.TrimRight(text, ".,;:!?)]}>\"'")) || yours.MatchString(text) || strings.HasPrefix(text, "=") || strings.HasPrefix(text, "http")
}

// code is what a program gets a password from.
var code = regexp.MustCompile(`^(?:[A-Za-z_][A-Za-z0-9_]*\.)+[A-Za-z_]|^[A-Za-z_][A-Za-z0-9_.]*[(\[]|^(?:self|this|os|process|env|config|settings)\b|^&|^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$`)

func expression(text string) bool { return code.MatchString(text) }
