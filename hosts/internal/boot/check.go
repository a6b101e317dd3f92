package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/seal"
	"github.com/archibot/archibotchat/core/keys"
)

// Base checks the settings that every command needs. The error lists all
// faults; found are those of the [Source], which lead the list.
func (c Config) Base(found []error) (Base, error) {
	f := &faults{list: found}
	b := c.base(f)
	return b, f.err()
}

// Settings checks all settings. In local, missing peppers are generated in
// the data folder. The error lists all faults; found are those of the [Source],
// more the upstreams beyond the first.
func (c Config) Settings(found []error, more ...UpstreamText) (Settings, error) {
	f := &faults{list: found}
	s := Settings{Base: c.base(f), MetricsToken: c.MetricsToken, Prices: c.Prices}
	local := s.Environment == Local
	s.Listen = c.listen(f, "listen", c.Listen, local)
	s.PublicURL = c.publicURL(f, s.Environment)
	s.TrustedProxies = c.trustedProxies(f)
	if c.MetricsListen != "" {
		s.MetricsListen = c.listen(f, "metrics-listen", c.MetricsListen, local)
	}
	if c.MetricsToken.set && len(c.MetricsToken.text) < 16 {
		f.add("metrics-token", "is shorter than 16 characters; use a long random text or leave it out")
	}
	c.leaks(f, &s)
	s.Providers = c.providers(f, s.Environment)
	s.Upstreams = c.upstreams(f, s.Environment, more)
	if n, err := strconv.Atoi(c.UpstreamBreaker); err != nil || n < 0 || n > 1000 {
		f.add("upstream-breaker", "is a number from 0 to 1000")
	} else {
		s.UpstreamBreaker = n
	}
	c.prices(f, s.Environment)
	if areas, err := access.ParseGroups(c.Areas); err != nil || areas.Empty() {
		f.add("areas", "must list one or more of chat, api, workspace, operator")
	} else {
		s.Areas = areas
	}
	s.Boundary = c.boundary(f)
	drain := c.Drain
	if drain == "" {
		drain = "5s"
		if local {
			drain = "0s"
		}
	}
	s.Drain, s.Grace = f.duration("drain", drain), f.duration("grace", c.Grace)
	recheck, err := time.ParseDuration(c.Recheck)
	if s.Recheck = recheck; err != nil || recheck < time.Second || recheck > maxRecheck {
		f.add("recheck", "is a time from 1s to 15m, such as 15m")
	}
	keep, err := time.ParseDuration(c.KeepResponses)
	if s.KeepResponses = keep; err != nil || keep < time.Hour || keep > maxKeep {
		f.add("keep-responses", "is a time from 1h to 87600h, such as 720h")
	}
	sound := len(f.list) == 0 // else nothing is made up
	s.Peppers = c.peppers(f, s.Base, sound)
	s.Audit = c.auditKey(f, s.Base, sound)
	private, _, _ := strings.Cut(c.AuditKey.text, ",")
	s.auditText = NewSecret(strings.TrimSpace(private))
	for part := range strings.SplitSeq(c.Peppers.text, ",") {
		_, secret, _ := strings.Cut(part, ":")
		s.pepperTexts = append(s.pepperTexts, NewSecret(strings.TrimSpace(secret)))
	}
	return s, f.err()
}

// KeyPeppers returns the peppers for commands that make keys; see Settings.
func (c Config) KeyPeppers(b Base) (keys.Peppers, error) {
	f := &faults{}
	p := c.peppers(f, b, true)
	return p, f.err()
}

// Auditing returns the key that signs checkpoints, for commands that do; see
// Settings.
func (c Config) Auditing(b Base) (AuditKey, error) {
	f := &faults{}
	k := c.auditKey(f, b, true)
	return k, f.err()
}

// Proving returns a key that verifies checkpoints: of the given verifiers, or
// of the configured key if there are none. It makes no key.
func (c Config) Proving(b Base, verifiers []string) (AuditKey, error) {
	if len(verifiers) > 0 {
		return ParseVerifiers(verifiers)
	}
	if b.Environment == Local && !c.AuditKey.set {
		secret, err := readSecret(filepath.Join(b.Data, auditFile))
		if errors.Is(err, fs.ErrNotExist) {
			return AuditKey{}, errors.New("nothing was signed in " + b.Data + " yet: no server has run with this data folder. To verify another's log, name its key with --key")
		}
		if err != nil {
			return AuditKey{}, err
		}
		return ParseAuditKey(secret.text)
	}
	if c.AuditKey.Empty() {
		return AuditKey{}, errors.New("name the verifier of the key that signed with --key, or set " + Variable("audit-key"))
	}
	return c.Auditing(b)
}

func (c Config) base(f *faults) Base {
	b := Base{Environment: Environment(c.Environment), Data: c.Data}
	switch b.Environment {
	case Local, Hosted, Dedicated:
	default:
		f.add("environment", "is local, hosted or dedicated")
	}
	if abs, err := filepath.Abs(c.Data); c.Data == "" || err != nil {
		f.add("data", "must name a folder")
	} else {
		b.Data = abs
	}
	c.database(f, &b)
	if n, err := strconv.Atoi(c.DatabaseConns); err != nil || n < 1 || n > 1000 {
		f.add("database-conns", "is a number from 1 to 1000")
	} else {
		b.Conns = n
	}
	if err := b.LogLevel.UnmarshalText([]byte(c.LogLevel)); err != nil || strings.ContainsAny(c.LogLevel, "+-") {
		f.add("log-level", "is debug, info, warn or error")
	}
	return b
}

// database sets where the data is: an URL, and for SQLite the path in it.
func (c Config) database(f *faults, b *Base) {
	text := c.DatabaseURL.text
	if !c.DatabaseURL.set && b.Environment == Local {
		text = "sqlite:archibotchat.db"
	}
	b.Database = NewSecret(text)
	file, sqlite := strings.CutPrefix(text, "sqlite:")
	if strings.HasPrefix(file, "///") { // sqlite:///absolute/file says the same
		file = file[2:]
	}
	switch {
	case text == "":
		f.missing("database-url", "postgres://… or sqlite:FILE")
	case sqlite && (file == "" || strings.ContainsAny(file, "?#\x00") || strings.HasPrefix(file, "//") || strings.HasPrefix(file, ":") || strings.HasSuffix(file, "/")):
		f.add("database-url", "must name a plain file after sqlite:, such as sqlite:archibotchat.db")
	case sqlite:
		if !filepath.IsAbs(file) {
			file = filepath.Join(b.Data, file)
		}
		b.File = file
		b.Database = NewSecret((&url.URL{Scheme: "sqlite", Path: file, OmitHost: true}).String())
	case !strings.HasPrefix(text, "postgres://") && !strings.HasPrefix(text, "postgresql://"):
		f.add("database-url", "must start with postgres:// or sqlite:")
	}
}

func (c Config) prices(f *faults, env Environment) {
	switch {
	case c.Prices != "":
	case env != Local:
		f.missing("prices", "the file that lists what each model costs")
	case c.UpstreamURL != "":
		f.missing("prices", "the file that lists what each model of your upstream costs; only the demo upstream brings its own prices")
	}
}

// leaks sets whose reports of leaked keys are believed.
func (c Config) leaks(f *faults, s *Settings) {
	if s.LeakToken = c.LeakToken; c.LeakToken.set && len(c.LeakToken.text) < 16 {
		f.add("leak-token", "is shorter than 16 characters; use a long random text or leave it out")
	}
	if c.LeakKeys == "" {
		return
	}
	text, err := readFile(c.LeakKeys)
	if err == nil {
		s.Reporters, err = keys.ParseReporters(text)
	}
	if err != nil {
		f.add("leak-keys", "must name a file of public keys: "+err.Error())
	}
}

func (c Config) peppers(f *faults, b Base, generate bool) keys.Peppers {
	text := c.Peppers.text
	switch {
	case b.Environment == Local && !c.Peppers.set:
		if !generate {
			return nil
		}
		secret, err := GeneratedSecret(b.Data, "pepper", RandomText)
		if err != nil {
			f.list = append(f.list, err)
			return nil
		}
		text = "v1:" + secret.text
	case text == "":
		f.missing("peppers", "v1: and a random text of at least 32 characters, and keep it: API keys are digested under it")
		return nil
	}
	ps, err := keys.ParsePeppers(text)
	if err != nil { // whose text could repeat a part of the secret
		f.add("peppers", fmt.Sprintf("must be version:secret pairs, separated by commas; each version once, each secret of at least %d bytes", keys.MinPepper))
	}
	return ps
}

// auditFile is where a local server keeps its key, in the data folder.
const auditFile = "audit-key"

func (c Config) auditKey(f *faults, b Base, generate bool) AuditKey {
	text := c.AuditKey.text
	switch {
	case b.Environment == Local && !c.AuditKey.set:
		if !generate {
			return AuditKey{}
		}
		secret, err := GeneratedSecret(b.Data, auditFile, func() (string, error) {
			key, _, err := NewAuditKey(seal.Origin(string(b.Environment)))
			return key.text, err
		})
		if err != nil {
			f.list = append(f.list, err)
			return AuditKey{}
		}
		text = secret.text
	case text == "":
		f.missing("audit-key", "a key that archibotchat audit key makes, and keep it: it signs the evidence")
		return AuditKey{}
	}
	k, err := ParseAuditKey(text)
	if err != nil {
		f.add("audit-key", err.Error())
	}
	return k
}

func (c Config) listen(f *faults, flag, address string, local bool) string {
	host, port, err := net.SplitHostPort(address)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n > 65535 {
		f.add(flag, "is host:port, such as 127.0.0.1:8080")
	} else if ip, err := netip.ParseAddr(host); local && host != "localhost" && (err != nil || !ip.Unmap().IsLoopback()) {
		f.add(flag, "must be an address of this machine alone (127.0.0.1, ::1, localhost) while "+Variable("environment")+" is local")
	}
	return address
}

// maxRecheck is how seldom providers may be asked (A5).
const maxRecheck = 15 * time.Minute

// maxKeep is ten years.
const maxKeep = 87600 * time.Hour

// faults collects what is wrong, each with the variable to mend.
type faults struct{ list []error }

func (f *faults) add(flag, text string) {
	f.list = append(f.list, errors.New(Variable(flag)+" "+text))
}

func (f *faults) missing(flag, what string) {
	f.add(flag, "is missing or empty: set it to "+what)
}

func (f *faults) duration(flag, text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > time.Hour {
		f.add(flag, "is a time from 0s to 1h, such as 5s")
	}
	return d
}

func (f *faults) err() error { return errors.Join(f.list...) }
