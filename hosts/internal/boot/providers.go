package boot

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/ports/identity"
)

// MaxProviders is how many identity providers there may be.
const MaxProviders = 8

// localProvider is the ID of the sign-in by printed links.
const localProvider = "local"

// ProviderText is an identity provider as it is configured.
type ProviderText struct {
	Prefix                 string // of its settings: provider- or provider-2-
	ID, Name, Issuer       string
	ClientID               string
	ClientSecret           Secret
	Groups                 string
	GroupsClaim, GroupMap  string
	Scopes, Fresh          string
	set, mapped, claimsSet bool
}

// Provider is an identity provider, checked.
type Provider struct {
	ID, Name, Issuer string
	ClientID         string
	ClientSecret     Secret                   // may be empty in local
	Rule             string                   // identity.RuleRequired or identity.RuleNone
	GroupsClaims     []string                 // where groups are read from
	GroupMap         map[string]access.Groups // by the provider's names; nil: those named like ours
	Scopes           []string                 // empty: the usual ones
	Fresh            string                   // what proves a fresh sign-in: auth_time or return
}

// Providers returns the identity providers: from variables such as
// ARCHIBOT_PROVIDER_ISSUER and ARCHIBOT_PROVIDER_2_ISSUER, else from the file's
// list of providers. They have no flags. Ask once the command line was parsed,
// put them into the Config, and ask for the faults after that.
func (s *Source) Providers() []ProviderText {
	var out []ProviderText
	for n := 1; n <= 2*MaxProviders; n++ {
		t := s.provider(numbered("provider", n))
		switch {
		case !t.set:
			continue
		case n > MaxProviders:
			s.fault("%s and the like are too many; there may be %d providers", Variable("provider-"+strconv.Itoa(n)), MaxProviders)
			return out
		case len(out) < n-1:
			s.fault("%s and the like are set, but no provider %d is", Variable("provider-"+strconv.Itoa(n)), len(out)+1)
			return out
		}
		out = append(out, t)
	}
	return out
}

// numbered returns the prefix of the settings of the nth thing of its kind.
func numbered(kind string, n int) string {
	if n == 1 {
		return kind + "-"
	}
	return kind + "-" + strconv.Itoa(n) + "-"
}

// provider finds the settings that begin with prefix.
func (s *Source) provider(prefix string) ProviderText {
	t := ProviderText{Prefix: prefix, Groups: identity.RuleRequired, Fresh: "auth_time"}
	find := func(name string, to *string) bool {
		text, ok := s.find(prefix+name, false)
		if ok {
			*to, t.set = text, true
		}
		return ok
	}
	find("id", &t.ID)
	find("name", &t.Name)
	find("issuer", &t.Issuer)
	find("client-id", &t.ClientID)
	find("groups", &t.Groups)
	t.claimsSet = find("groups-claim", &t.GroupsClaim)
	t.mapped = find("group-map", &t.GroupMap)
	find("scopes", &t.Scopes)
	find("fresh", &t.Fresh)
	if text, ok := s.find(prefix+"client-secret", true); ok {
		t.ClientSecret, t.set = NewSecret(text), true
	}
	return t
}

// providerList is the file's list of providers.
var providerList = list{
	name: "providers", item: "provider", article: "a",
	fields: []string{"id", "name", "issuer", "client_id", "client_secret", "client_secret_file", "groups", "groups_claim", "group_map", "scopes", "fresh"},
}

// providers checks all identity providers.
func (c Config) providers(f *faults, env Environment) []Provider {
	var out []Provider
	ids, issuers := map[string]bool{localProvider: true}, map[string]bool{}
	for i, t := range c.Providers {
		if t.ID == "" {
			t.ID = "sso"
			if i > 0 {
				t.ID += "-" + strconv.Itoa(i+1)
			}
		}
		if !isProviderID(t.ID) {
			f.add(t.Prefix+"id", "is 1 to 32 lower-case letters, digits and -; it stands in addresses")
		} else if ids[t.ID] {
			f.add(t.Prefix+"id", "is that of another provider already, or local, which is that of links")
		}
		ids[t.ID] = true
		p := Provider{ID: t.ID, Name: t.Name, Issuer: f.issuer(t.Prefix+"issuer", t.Issuer), ClientID: t.ClientID, ClientSecret: t.ClientSecret, Rule: t.Groups, Fresh: t.Fresh}
		if p.Issuer != "" && issuers[p.Issuer] {
			f.add(t.Prefix+"issuer", "is that of another provider already: people are told apart by issuer and subject")
		}
		issuers[p.Issuer] = true
		if p.Name == "" {
			p.Name = host(p.Issuer)
		} else if _, err := access.CheckName(p.Name, ""); err != nil {
			f.add(t.Prefix+"name", "is 1 to 100 characters that can be shown")
		}
		if p.ClientID == "" || strings.ContainsFunc(p.ClientID, unprintable) {
			f.missing(t.Prefix+"client-id", "what the provider calls this service")
		}
		f.clientSecret(t.Prefix+"client-secret", t.ClientSecret, env)
		f.groups(t, &p)
		p.Scopes = strings.FieldsFunc(t.Scopes, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
		if slices.ContainsFunc(p.Scopes, func(s string) bool { return strings.ContainsFunc(s, unprintable) }) {
			f.add(t.Prefix+"scopes", "lists scopes, such as openid email profile")
		}
		if p.Fresh != "auth_time" && p.Fresh != "return" {
			f.add(t.Prefix+"fresh", "is auth_time, or return for a provider that never sends that claim")
		}
		out = append(out, p)
	}
	if len(out) > 0 && env != Local && c.PublicURL == "" {
		f.missing("public-url", "where browsers reach this service; identity providers send them back there")
	}
	return out
}

func isProviderID(id string) bool {
	return len(id) <= 32 && !strings.ContainsFunc(id, func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-') })
}

func unprintable(r rune) bool { return r <= ' ' || r >= 0x7f }

func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// issuer checks an issuer and leaves it as it is: it is compared letter by
// letter, a slash at the end too.
func (f *faults) issuer(flag, text string) string {
	u, err := url.Parse(text)
	switch {
	case text == "":
		f.missing(flag, "the provider's issuer, exactly as its discovery document writes it")
	case err != nil || u.Host == "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http":
		f.add(flag, "must be an https address without query, such as https://login.example.com/realms/main")
	case u.User != nil:
		f.add(flag, "must not hold a user or password")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		f.add(flag, "must begin with https://; http is for a provider on this machine")
	default:
		return text
	}
	return ""
}

func (f *faults) clientSecret(flag string, secret Secret, env Environment) {
	switch {
	case secret.Empty() && (env != Local || secret.set):
		f.missing(flag, "the secret that the provider gave for this client")
	case strings.ContainsFunc(secret.text, unprintable):
		f.add(flag, "holds a blank, a line break or a character outside ASCII")
	}
}

// groups reads how a provider's groups become ours.
func (f *faults) groups(t ProviderText, p *Provider) {
	switch {
	case p.Rule != identity.RuleRequired && p.Rule != identity.RuleNone:
		f.add(t.Prefix+"groups", "is required, or none for a provider that sends no groups")
	case p.Rule == identity.RuleNone && (t.mapped || t.claimsSet):
		f.add(t.Prefix+"groups", "is none, although a claim or a map of groups is set; set required, or neither")
	}
	for path := range strings.SplitSeq(t.GroupsClaim, ",") {
		if path = strings.TrimSpace(path); path != "" {
			p.GroupsClaims = append(p.GroupsClaims, path)
		}
	}
	if len(p.GroupsClaims) == 0 {
		p.GroupsClaims = []string{"groups"}
		if t.claimsSet {
			f.add(t.Prefix+"groups-claim", "names a claim, such as groups or realm_access.roles; several are separated by commas")
		}
	}
	if t.mapped {
		p.GroupMap = f.groupMap(t.Prefix+"group-map", t.GroupMap)
	}
}

// groupMap reads theirs=ours;theirs2=ours,ours2. Their names may hold = and
// commas, as those of directories do.
func (f *faults) groupMap(flag, text string) map[string]access.Groups {
	out := map[string]access.Groups{}
	sound := true
	for pair := range strings.SplitSeq(text, ";") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		at := strings.LastIndex(pair, "=")
		theirs := strings.TrimSpace(pair[:max(at, 0)])
		ours, err := access.ParseGroups(pair[at+1:])
		_, twice := out[theirs]
		sound = sound && err == nil && !ours.Empty() && theirs != "" && !twice
		out[theirs] = ours
	}
	if !sound || len(out) == 0 {
		f.add(flag, "maps the provider's groups to chat, api, workspace or operator, each of theirs once: staff=chat,api;admins=operator")
		return nil
	}
	return out
}
