package guard

import "regexp"

// nameForms are what gives a secret away in a name. They lean towards refusal,
// as Find does not: a name can always be put otherwise.
var nameForms = []*regexp.Regexp{
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

// CheckName is Check for names, a few words that tell one thing from others: it
// refuses also what only might be a secret.
func CheckName(text, param string) error {
	if err := Check(text, param); err != nil {
		return err
	}
	if looksSecret(fold(text)) {
		return refusal("something like a key, a token, a password or a card number", param)
	}
	return nil
}

func looksSecret(text string) bool {
	for _, form := range nameForms {
		if form.MatchString(text) {
			return true
		}
	}
	for _, run := range longRun.FindAllString(text, -1) { // words do not mix all three
		if varied(run) {
			return true
		}
	}
	return false
}
