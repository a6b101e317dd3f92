// Package localidentity signs in whoever sits at the machine: by a link that
// the server prints, in the environment local only.
//
// It keeps true that a link is 256 random bits, works once and for ten minutes,
// and is kept as its SHA-256 in memory only; and that the provider cannot be
// made for a server that others can reach. It is no way to try out other people.
package localidentity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/identity"
)

const (
	// ID is the provider's ID, in paths.
	ID = "local"
	// Issuer is whom its identities come from.
	Issuer = "urn:archibotchat:local"
	// Subject is its only person.
	Subject = "owner"
	// Life is how long a link works.
	Life = 10 * time.Minute
	// Ticket is the parameter of a callback that holds what a link ends in.
	Ticket = "ticket"
	// Path is where links lead: this and the ticket.
	Path = "/auth/local/"

	maxTickets = 32 // the oldest goes
	ticketLen  = 32
)

// Config says for which server links are made.
type Config struct {
	Environment string // must be local
	Listen      string // host:port that the server listens on; this machine only
	Public      string // scheme and host that links begin with; this machine only
	// Print shows a link to whoever runs the server, and to nobody else.
	Print func(link string)
	Now   func() time.Time // nil: time.Now
}

// Validate reports everything that is wrong with c.
func (c Config) Validate() error {
	var found []error
	if c.Environment != "local" {
		found = append(found, errors.New("sign-in links exist in the environment local only"))
	}
	if host, _, err := net.SplitHostPort(c.Listen); err != nil || !isLoopback(host) {
		found = append(found, errors.New("sign-in links need a server that listens on this machine only"))
	}
	u, err := url.Parse(c.Public)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" || !isLoopback(u.Hostname()) {
		found = append(found, errors.New("sign-in links need a public address of this machine, without a path"))
	}
	if c.Print == nil {
		found = append(found, errors.New("sign-in links need somewhere to be printed"))
	}
	return errors.Join(found...)
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// Provider signs in by links.
type Provider struct {
	cfg Config

	mu      sync.Mutex
	tickets []ticket // oldest first
}

type ticket struct {
	hash  [sha256.Size]byte
	until time.Time
}

var _ identity.Provider = (*Provider)(nil)

// New returns the provider of a server that only this machine can reach.
func New(c Config) (*Provider, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Provider{cfg: c}, nil
}

// Describe implements identity.Provider.
func (p *Provider) Describe() identity.Description {
	return identity.Description{ID: ID, Name: "This machine", Issuer: Issuer, Rule: identity.RuleRequired}
}

// PrintLink prints a new link. An earlier one stays good.
func (p *Provider) PrintLink() {
	raw := make([]byte, ticketLen)
	_, _ = rand.Read(raw) // never fails
	text := base64.RawURLEncoding.EncodeToString(raw)
	p.mu.Lock()
	p.tickets = append(p.tickets, ticket{sha256.Sum256([]byte(text)), p.cfg.Now().Add(Life)})
	if n := len(p.tickets); n > maxTickets {
		p.tickets = append([]ticket(nil), p.tickets[n-maxTickets:]...)
	}
	p.mu.Unlock()
	p.cfg.Print(p.cfg.Public + Path + text)
}

// Begin prints a new link, and returns a page that says where to look for it.
func (p *Provider) Begin(context.Context, identity.Flow) (string, error) {
	p.PrintLink()
	return p.cfg.Public + "/?sign_in=printed", nil
}

// Finish takes the ticket of a link. The flow matters only where the callback
// names a state, for a link may be opened before any sign-in was begun.
func (p *Provider) Finish(ctx context.Context, f identity.Flow, callback url.Values) (identity.Identity, error) {
	if ctx.Err() != nil {
		return identity.Identity{}, fault.Wrap(ctx.Err(), fault.Canceled, "canceled", "The request was given up before it was done.")
	}
	if callback.Has("state") && callback.Get("state") != f.State {
		return identity.Identity{}, identity.ErrState
	}
	if given := callback[Ticket]; len(given) != 1 || !p.use(given[0]) {
		return identity.Identity{}, identity.Failed(identity.ReasonTicket, nil)
	}
	return identity.Identity{
		Issuer: Issuer, Subject: Subject, Name: "Owner of this machine", Groups: access.NewGroups(access.AllGroups...), Rule: identity.RuleRequired, AuthAt: p.cfg.Now(),
	}, nil
}

// use reports whether a ticket is good, and ends it.
func (p *Provider) use(text string) bool {
	hash := sha256.Sum256([]byte(text))
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, t := range p.tickets {
		if t.hash == hash {
			p.tickets = append(p.tickets[:i:i], p.tickets[i+1:]...)
			return p.cfg.Now().Before(t.until)
		}
	}
	return false
}

// Recheck cannot say: nobody but the machine's owner vouches.
func (p *Provider) Recheck(context.Context, identity.Grant) (identity.Identity, identity.Grant, error) {
	return identity.Identity{}, identity.Grant{}, identity.ErrNoRecheck
}

// LogoutURL returns nothing: there is nowhere else to sign out.
func (p *Provider) LogoutURL(context.Context, identity.Grant, string) (string, error) { return "", nil }

// ParseLogout knows no logout tokens.
func (p *Provider) ParseLogout(context.Context, string) (identity.Logout, error) {
	return identity.Logout{}, identity.Failed(identity.ReasonLogout, nil)
}
