package guard

import (
	"regexp"
	"strings"
)

// pem begins a private key of any sort.
var pem = regexp.MustCompile(`-----\s?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY( BLOCK)?\s?-----|PuTTY-User-Key-File-\d|AGE-SECRET-KEY-1[A-Z0-9]{20}`)

func hasPrivateKey(text string) bool { return pem.MatchString(text) }

// known are the forms of API keys that nothing else has. The first is our own.
var known = regexp.MustCompile(`\b(` + strings.Join([]string{
	`abk_[0-9A-Za-z]{20,}`,
	`sk-[0-9a-f]{32,}`,
	`(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{16,}`,
	`whsec_[0-9A-Za-z+/=]{16,}`,
	`gh[opusr]_[0-9A-Za-z]{30,}`,
	`github_pat_[0-9A-Za-z_]{22,}`,
	`glpat-[0-9A-Za-z_-]{20,}`,
	`(?:AKIA|ASIA)[0-9A-Z]{16}\b`,
	`AIza[0-9A-Za-z_-]{35}`,
	`GOCSPX-[0-9A-Za-z_-]{20,}`,
	`ya29\.[0-9A-Za-z_-]{20,}`,
	`xox[abeoprs]-[0-9A-Za-z-]{10,}`,
	`xapp-\d-[0-9A-Za-z-]{20,}`,
	`hf_[0-9A-Za-z]{30,}`,
	`gsk_[0-9A-Za-z]{30,}`,
	`xai-[0-9A-Za-z]{40,}`,
	`pplx-[0-9A-Za-z]{40,}`,
	`r8_[0-9A-Za-z]{30,}`,
	`npm_[0-9A-Za-z]{36}`,
	`pypi-AgE[0-9A-Za-z_-]{20,}`,
	`SG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}`,
	`re_[0-9A-Za-z]{6,}_[0-9A-Za-z]{16,}`,
	`dop_v1_[0-9a-f]{64}`,
	`shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}`,
	`key-[0-9a-f]{32}\b`,
	`dckr_pat_[0-9A-Za-z_-]{20,}`,
	`lin_api_[0-9A-Za-z]{30,}`,
	`secret_[0-9A-Za-z]{40,}`,
	`[0-9]{8,10}:AA[0-9A-Za-z_-]{33}`,
	`(?:hvs|hvb)\.[0-9A-Za-z_-]{24,}`,
	`tskey-[a-z]+-[0-9A-Za-z-]{16,}`,
}, "|") + `)`)

// dashed are keys whose form a list of words could have too.
var dashed = regexp.MustCompile(`\bsk-[0-9A-Za-z_-]{20,}`)

func hasKey(text string) bool {
	return known.MatchString(text) || some(dashed, text, func(m []string) bool { return chance(longest(m[0])) || varied(m[0]) })
}

// varied reports whether a text has letters of both cases and digits.
func varied(text string) bool {
	return mixed(text) && strings.ToLower(text) != text && strings.ToUpper(text) != text
}

// longest returns the longest part of a text between its dashes and low lines.
func longest(text string) string {
	best := ""
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '-' || r == '_' }) {
		if len(part) > len(best) {
			best = part
		}
	}
	return best
}

var (
	// jwt is a JSON Web Token: its first part is a JSON object in base64url.
	jwt = regexp.MustCompile(`\beyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{4,}(\.[0-9A-Za-z_-]*)+`)
	// bearer and authorization are what headers carry.
	bearer        = regexp.MustCompile(`(?i)\bbearer[ \t:]+["']?([0-9a-z._~+/=-]{12,})`)
	authorization = regexp.MustCompile(`(?i)\bauthorization["']?[ \t]*[:=][ \t]*["']?(?:basic|bearer|token|digest|apikey)?[ \t]*([0-9a-z._~+/=-]{12,})`)
	// query is a token in an address.
	query = regexp.MustCompile(`(?i)[?&#](?:access_token|id_token|refresh_token|auth_token|sig|signature|x-amz-signature|x-amz-security-token)=([0-9a-z._~+/%=-]{12,})`)
)

func hasToken(text string) bool {
	if jwt.MatchString(text) {
		return true
	}
	for _, form := range []*regexp.Regexp{bearer, authorization, query} {
		if some(form, text, func(m []string) bool { return mixed(m[1]) && !ownID(m[1]) || chance(m[1]) }) {
			return true
		}
	}
	return false
}

// opaque is a long text without a blank: a token if chance made it.
var opaque = regexp.MustCompile(`[0-9A-Za-z_-]{40,}`)

func hasOpaque(text string) bool {
	for _, at := range opaque.FindAllStringIndex(text, -1) {
		before := strings.ToLower(text[max(0, at[0]-1):at[0]])
		found := strings.ToLower(text[at[0]:at[1]])
		if strings.HasPrefix(found, "sha256-") || strings.HasPrefix(found, "sha384-") || strings.HasPrefix(found, "sha512-") || before == "/" || before == "." {
			continue // a digest of something public, a part of an address or of a file's content
		}
		if chance(text[at[0]:at[1]]) {
			return true
		}
	}
	return false
}

var (
	cookieHeader = regexp.MustCompile(`(?i)\b(?:set-)?cookie["']?[ \t]*:[ \t]*["']?[^\s=;,]{1,100}=[^\s;]{6,}`)
	cookieValue  = regexp.MustCompile(`(?i)(?:\b|_)(?:session|sess|sessionid|session_id|sessid|sid|phpsessid|jsessionid|connect\.sid|csrftoken|xsrf-token|remember_token)=["']?([0-9a-z._~+/%=:-]{12,})`)
)

func hasCookie(text string) bool {
	return cookieHeader.MatchString(text) || some(cookieValue, text, func(m []string) bool { return mixed(m[1]) && !ownID(m[1]) || chance(m[1]) })
}

// own is the form of our IDs, which are no secrets.
var own = regexp.MustCompile(`^[a-z]{2,6}_[0-9a-v]{26}[.]?$`)

func ownID(text string) bool { return own.MatchString(text) }

// some reports whether one of the matches of a form is one indeed.
func some(form *regexp.Regexp, text string, is func(match []string) bool) bool {
	for _, m := range form.FindAllStringSubmatch(text, -1) {
		if is(m) {
			return true
		}
	}
	return false
}
