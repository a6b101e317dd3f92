package boot

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// MaxUpstreams is how many upstreams there may be.
const MaxUpstreams = 8

// UpstreamText is an upstream as it is configured.
type UpstreamText struct {
	Name, URL       string
	Key             Secret
	Timeout, Models string
	set             bool
}

// Upstream is an upstream, checked.
type Upstream struct {
	Name    string
	URL     string // ends in /v1
	Key     Secret // may be empty in local
	Timeout time.Duration
	Models  []string // exact IDs or prefixes that end in *; empty: all
}

// defaultUpstreamTimeout is that of the flag.
const defaultUpstreamTimeout = "120s"

// Upstreams returns the second upstream and those after it: from variables
// such as ARCHIBOT_UPSTREAM_2_URL, else from the file's list of upstreams. The
// first has flags. Ask once the command line was parsed, and for the faults
// after that.
func (s *Source) Upstreams() []UpstreamText {
	var out []UpstreamText
	for n := 2; n <= 2*MaxUpstreams; n++ {
		t := s.upstream("upstream-" + strconv.Itoa(n) + "-")
		switch {
		case !t.set:
			continue
		case n > MaxUpstreams:
			s.fault("%s and the like are too many; there may be %d upstreams", Variable("upstream-"+strconv.Itoa(n)), MaxUpstreams)
			return out
		case len(out) < n-2:
			s.fault("%s and the like are set, but no upstream %d is", Variable("upstream-"+strconv.Itoa(n)), len(out)+2)
			return out
		}
		out = append(out, t)
	}
	return out
}

// upstream finds the settings that begin with prefix.
func (s *Source) upstream(prefix string) (t UpstreamText) {
	find := func(name string, secret bool) (string, bool) {
		text, ok := s.find(prefix+name, secret)
		t.set = t.set || ok
		return text, ok
	}
	t.Name, _ = find("name", false)
	t.URL, _ = find("url", false)
	if text, ok := find("key", true); ok {
		t.Key = NewSecret(text)
	}
	t.Timeout = defaultUpstreamTimeout
	if text, ok := find("timeout", false); ok {
		t.Timeout = text
	}
	t.Models, _ = find("models", false)
	return t
}

// upstreamList is the file's list of upstreams.
var upstreamList = list{name: "upstreams", item: "upstream", article: "an", fields: []string{"name", "url", "key", "key_file", "timeout", "models"}}

// upstreams checks all upstreams, that of the flags first. None means the demo
// upstream.
func (c Config) upstreams(f *faults, env Environment, more []UpstreamText) []Upstream {
	first := UpstreamText{Name: c.UpstreamName, URL: c.UpstreamURL, Key: c.UpstreamKey, Timeout: c.UpstreamTimeout, Models: c.UpstreamModels}
	if c.UpstreamURL == "" && env == Local && len(more) == 0 {
		if c.UpstreamKey.set {
			f.add("upstream-url", "is missing, although an upstream key is set; set both, or neither for the demo upstream")
			f.upstreamKey("upstream-key", c.UpstreamKey, env)
		}
		f.upstreamTimeout("upstream-timeout", c.UpstreamTimeout)
		return nil
	}
	var out []Upstream
	names := map[string]bool{}
	for i, t := range append([]UpstreamText{first}, more...) {
		prefix := "upstream-"
		if i > 0 {
			prefix += strconv.Itoa(i+1) + "-"
			if t.Name == "" {
				t.Name = "upstream-" + strconv.Itoa(i+1)
			}
		}
		if !isName(t.Name) {
			f.add(prefix+"name", "is 1 to 64 letters, digits and the characters . _ -")
		} else if names[t.Name] {
			f.add(prefix+"name", "is that of another upstream already")
		}
		names[t.Name] = true
		out = append(out, Upstream{
			Name: t.Name, URL: f.upstreamURL(prefix, t.URL), Key: f.upstreamKey(prefix+"key", t.Key, env),
			Timeout: f.upstreamTimeout(prefix+"timeout", t.Timeout), Models: f.models(prefix+"models", t.Models),
		})
	}
	return out
}

func isName(name string) bool {
	return name != "" && len(name) <= 64 && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r))
	})
}

func (f *faults) upstreamURL(prefix, text string) string {
	flag := prefix + "url"
	if text == "" {
		f.missing(flag, "the models' OpenAI base URL, which ends in /v1")
		return ""
	}
	base := strings.TrimSuffix(text, "/")
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "":
		f.add(flag, "must be an http or https address without query, such as https://models.example.com/v1")
	case u.User != nil:
		f.add(flag, "must not hold a user or password; set "+Variable(prefix+"key"))
	case !strings.HasSuffix(u.Path, "/v1"):
		f.add(flag, "must end in /v1")
	}
	return base
}

func (f *faults) upstreamKey(flag string, key Secret, env Environment) Secret {
	switch {
	case key.Empty() && (env != Local || key.set):
		f.missing(flag, "the key that the upstream expects")
	case strings.ContainsFunc(key.text, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		f.add(flag, "holds a blank, a line break or a character that no header can carry")
	}
	return key
}

func (f *faults) upstreamTimeout(flag, text string) time.Duration {
	before := len(f.list)
	d := f.duration(flag, text)
	if d == 0 && len(f.list) == before {
		f.add(flag, "must leave the upstream some time, such as 120s")
	}
	return d
}

// models reads a list of models.
func (f *faults) models(flag, text string) []string {
	if text == "" {
		return nil
	}
	var out []string
	for id := range strings.SplitSeq(text, ",") {
		id = strings.TrimSpace(id)
		if id == "" || strings.ContainsAny(strings.TrimSuffix(id, "*"), "* \t\r\n") {
			f.add(flag, "must list models, each by its exact ID or by a prefix that ends in one *")
			return nil
		}
		out = append(out, id)
	}
	return out
}
