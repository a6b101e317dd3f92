package keyring

import (
	"regexp"
	"strings"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/fault"
)

// secretForms are the shapes that give a secret away. They lean towards
// refusal: a name can always be put otherwise.
var secretForms = []*regexp.Regexp{
	regexp.MustCompile(`(?i)(^|[^a-z0-9])(abk_|sk-|sk_|pk_|rk_|gh[opsur]_|github_pat_|glpat-|xox[a-z]-|akia|aiza|whsec_|hf_|npm_)[a-z0-9_\-]{8,}`),
	regexp.MustCompile(`eyJ[A-Za-z0-9_\-]{8,}`),                 // JSON Web Token
	regexp.MustCompile(`-----BEGIN`),                            // private key
	regexp.MustCompile(`(?i)\bbearer\s+\S{8,}`),                 // credential with its scheme
	regexp.MustCompile(`(?i)(password|passwd|pwd)\s*[:=]`),      // password
	regexp.MustCompile(`(?i)(^|[^0-9a-f])[0-9a-f]{32,}`),        // hexadecimal
	regexp.MustCompile(`(^|[^0-9])([0-9][ -]?){13,19}($|\D)`),   // card number
	regexp.MustCompile(`(?i)(__host-|session|cookie)\S*=\S{8}`), // cookie
}

// longRun is text without a break, as long as secrets are.
var longRun = regexp.MustCompile(`[A-Za-z0-9+/_\-]{24,}`)

// CheckText returns the text as access.CheckName does, and refuses text that
// looks like a secret (S2), which it does not repeat. Faults: invalid_name,
// looks_like_secret.
func CheckText(text, param string) (string, error) {
	text, err := access.CheckName(text, param)
	if err != nil {
		return "", err
	}
	if looksSecret(text) {
		f := fault.New(fault.Invalid, "looks_like_secret", "This looks like a key, token, password or card number. It was not stored; choose another name.")
		f.Param = param
		return "", f
	}
	return text, nil
}

func looksSecret(text string) bool {
	for _, form := range secretForms {
		if form.MatchString(text) {
			return true
		}
	}
	for _, run := range longRun.FindAllString(text, -1) { // words do not mix all three
		if strings.ContainsAny(run, "0123456789") && strings.ToLower(run) != run && strings.ToUpper(run) != run {
			return true
		}
	}
	return false
}
