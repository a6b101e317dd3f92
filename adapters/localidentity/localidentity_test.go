package localidentity_test

import (
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/localidentity"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/ports/identity"
	"github.com/archibot/archibotchat/ports/identity/identitytest"
)

// console is where links are printed, and a clock.
type console struct {
	mu    sync.Mutex
	links []string
	clock time.Time
}

func (c *console) print(link string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.links = append(c.links, link)
}

func (c *console) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clock
}

func (c *console) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock = c.clock.Add(d)
}

// callback is what the latest link brings.
func (c *console) callback(t *testing.T) url.Values {
	c.mu.Lock()
	defer c.mu.Unlock()
	require.NotEmpty(t, c.links)
	ticket, ok := strings.CutPrefix(c.links[len(c.links)-1], "http://127.0.0.1:8080/auth/local/")
	require.True(t, ok)
	require.Len(t, ticket, 43, "256 bits")
	return url.Values{"ticket": {ticket}}
}

func start(t *testing.T) (*localidentity.Provider, *console) {
	t.Helper()
	c := &console{clock: time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)}
	p, err := localidentity.New(localidentity.Config{Environment: "local", Listen: "127.0.0.1:8080", Public: "http://127.0.0.1:8080", Print: c.print, Now: c.now})
	require.NoError(t, err)
	return p, c
}

func TestProvider_Conformance(t *testing.T) {
	t.Parallel()
	identitytest.Run(t, func(t *testing.T) identitytest.Harness {
		p, c := start(t)
		return identitytest.Harness{
			Provider: p, Subject: localidentity.Subject, Now: c.now,
			Approve: func(t *testing.T, _ string) url.Values { return c.callback(t) },
		}
	})
}

func TestProvider_Finish(t *testing.T) {
	t.Parallel()
	p, c := start(t)
	p.PrintLink()
	address, err := p.Begin(t.Context(), identity.Flow{})
	require.NoError(t, err)
	require.NotContains(t, address, c.callback(t).Get("ticket"), "the link is for the console, not for the browser that asked")
	got, err := p.Finish(t.Context(), identity.Flow{}, c.callback(t))
	require.NoError(t, err)
	require.Equal(t, identity.Identity{
		Issuer: "urn:archibotchat:local", Subject: "owner", Name: "Owner of this machine", Groups: access.NewGroups("api", "chat", "operator", "workspace"),
		Rule: "required", AuthAt: c.now(),
	}, got)
}

func TestProvider_Finish_Refuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(p *localidentity.Provider, c *console, q url.Values){
		"ten minutes later": func(_ *localidentity.Provider, c *console, _ url.Values) { c.pass(localidentity.Life) },
		"twice":             func(_ *localidentity.Provider, _ *console, q url.Values) { q.Add("ticket", q.Get("ticket")) },
		"cut":               func(_ *localidentity.Provider, _ *console, q url.Values) { q.Set("ticket", q.Get("ticket")[:42]) },
		"longer":            func(_ *localidentity.Provider, _ *console, q url.Values) { q.Set("ticket", q.Get("ticket")+"A") },
		"a state":           func(_ *localidentity.Provider, _ *console, q url.Values) { q.Set("state", "x") },
		"32 later": func(p *localidentity.Provider, _ *console, _ url.Values) {
			for range 32 {
				p.PrintLink()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, c := start(t)
			p.PrintLink()
			q := c.callback(t)
			change(p, c, q)
			_, err := p.Finish(t.Context(), identity.Flow{}, q)
			require.ErrorIs(t, err, identity.ErrFailed)
		})
	}
	p, c := start(t)
	p.PrintLink()
	q := c.callback(t)
	c.pass(localidentity.Life - time.Second)
	for range 31 {
		p.PrintLink()
	}
	_, err := p.Finish(t.Context(), identity.Flow{}, q)
	require.NoError(t, err, "until its last second")
}

// One link, many browsers at once: one gets in.
func TestProvider_Finish_Once(t *testing.T) {
	t.Parallel()
	p, c := start(t)
	p.PrintLink()
	q := c.callback(t)
	got := make(chan error, 32)
	for range cap(got) {
		go func() {
			_, err := p.Finish(t.Context(), identity.Flow{}, q)
			got <- err
		}()
	}
	in := 0
	for range cap(got) {
		if <-got == nil {
			in++
		}
	}
	require.Equal(t, 1, in)
}

func TestNew_Refuses(t *testing.T) {
	t.Parallel()
	good := localidentity.Config{Environment: "local", Listen: "127.0.0.1:0", Public: "http://localhost:8080", Print: func(string) {}}
	require.NoError(t, good.Validate())
	for name, change := range map[string]func(c *localidentity.Config){
		"hosted":             func(c *localidentity.Config) { c.Environment = "hosted" },
		"no environment":     func(c *localidentity.Config) { c.Environment = "" },
		"all addresses":      func(c *localidentity.Config) { c.Listen = ":8080" },
		"all of IPv4":        func(c *localidentity.Config) { c.Listen = "0.0.0.0:8080" },
		"all of IPv6":        func(c *localidentity.Config) { c.Listen = "[::]:8080" },
		"a private one":      func(c *localidentity.Config) { c.Listen = "192.168.1.2:8080" },
		"a name":             func(c *localidentity.Config) { c.Listen = "chat.example.com:8080" },
		"no port":            func(c *localidentity.Config) { c.Listen = "127.0.0.1" },
		"public elsewhere":   func(c *localidentity.Config) { c.Public = "https://chat.example.com" },
		"public looks local": func(c *localidentity.Config) { c.Public = "http://localhost.example.com" },
		"public with user":   func(c *localidentity.Config) { c.Public = "http://localhost@example.com" },
		"public with a path": func(c *localidentity.Config) { c.Public = "http://localhost/x" },
		"no public":          func(c *localidentity.Config) { c.Public = "" },
		"nowhere to print":   func(c *localidentity.Config) { c.Print = nil },
	} {
		c := good
		change(&c)
		_, err := localidentity.New(c)
		require.Error(t, err, name)
	}
	for _, listen := range []string{"localhost:1", "[::1]:1", "127.0.0.9:1", "[::ffff:127.0.0.1]:1"} {
		c := good
		c.Listen = listen
		require.NoError(t, c.Validate(), listen)
	}
}
