//go:build unix

package harness

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"testing"
	"time"

	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/hosts/api"
	"github.com/archibot/archibotchat/ports/store"
)

// NewPerson says whom to make. Empty fields take what lets them use all that
// the account may.
type NewPerson struct {
	Account string
	Role    access.Role   // member unless said
	Rule    string        // whether the provider's groups count: none unless said
	Groups  access.Groups // as the provider says
	// Staff gives a session the limits of operators.
	Staff bool
}

// Person is a user who is signed in, with a key of their own.
type Person struct {
	Account string
	User    string
	Session string // its ID
	Cookie  string // name=token
	KeyID   string
	Key     string

	made NewPerson
}

// Issuer is who vouches for the people that a Desk makes. There is no such
// provider, so that nobody asks it again.
const Issuer = "https://people.example"

// Person makes a user and member, as a sign-in a moment ago left them.
func (d *Desk) Person(t testing.TB, n NewPerson) Person {
	t.Helper()
	return d.People(t, n)[0]
}

// People is Person for many, in one transaction.
func (d *Desk) People(t testing.TB, ns ...NewPerson) []Person {
	t.Helper()
	var made []Person
	err := d.Store.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
		made = make([]Person, len(ns))
		for i, n := range ns {
			if err := d.enrol(ctx, tx, n, &made[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("make people: %v", err)
	}
	return made
}

// Again signs somebody in once more, elsewhere.
func (d *Desk) Again(t testing.TB, p Person) Person {
	t.Helper()
	if err := d.session(t.Context(), d.Store, system.Now(), &p); err != nil {
		t.Fatalf("sign somebody in again: %v", err)
	}
	return p
}

func (d *Desk) enrol(ctx context.Context, tx store.Stores, n NewPerson, p *Person) error {
	if n.Role == "" {
		n.Role = access.RoleMember
	}
	if n.Rule == "" {
		n.Rule = sessions.RuleNone
	}
	now := system.Now()
	user, _, err := tx.Users().SignedIn(ctx, store.User{
		ID: d.NewID("user"), Issuer: Issuer, Subject: rand.Text(), Provider: "people", Name: "E2E", Rule: n.Rule, Groups: n.Groups,
		CreatedAt: now, UpdatedAt: now, SeenAt: now,
	})
	if err != nil {
		return err
	}
	p.Account, p.User, p.made = n.Account, user.ID, n
	if n.Account != "" {
		if err := tx.Members().Add(ctx, store.Member{Account: n.Account, User: user.ID, Role: n.Role, CreatedAt: now}); err != nil {
			return err
		}
		if err := d.key(ctx, tx, now, p); err != nil {
			return err
		}
	}
	return d.session(ctx, tx, now, p)
}

func (d *Desk) key(ctx context.Context, tx store.Stores, now time.Time, p *Person) error {
	var raw [keys.EntropyLen]byte
	_, _ = rand.Read(raw[:])
	token := keys.Mint(raw)
	k := keys.Key{
		ID: d.NewID("key"), Account: p.Account, User: p.User, Name: "e2e", Start: token.Start(), Last4: token.Last4(),
		Digest: d.pepper.Digest(token), Pepper: d.pepper.Version, Scopes: keys.AllScopes, CreatedAt: now, ExpiresAt: now.AddDate(0, 1, 0),
	}
	p.Key, p.KeyID = token.Reveal(), k.ID
	return tx.Keys().Create(ctx, k)
}

func (d *Desk) session(ctx context.Context, tx store.Stores, now time.Time, p *Person) error {
	n := p.made
	var raw [32]byte
	_, _ = rand.Read(raw[:])
	token := base64.RawURLEncoding.EncodeToString(raw[:])
	p.Session, p.Cookie = d.NewID("ses"), api.CookieName(true)+"="+token
	return tx.Sessions().Create(ctx, store.Session{
		ID: p.Session, Hash: sha256.Sum256([]byte(token)), Account: n.Account, User: p.User, Role: n.Role, UserRule: n.Rule, Groups: n.Groups,
		CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(sessions.OperatorAbsolute), Operator: n.Staff,
		Provider: "people", Issuer: Issuer, SID: rand.Text(), FreshAt: now, CheckedAt: now,
	})
}
