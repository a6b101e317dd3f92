package admin

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/archibot/archibotchat/core/app/keyring"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

type keyCommands struct {
	Create keyCreate `cmd:"" help:"Make an API key. It is printed this once and cannot be shown again."`
	Set    keySet    `cmd:"" help:"Change where and for which models a key may be used; what is not named stays as it is. See limits for what it may spend."`
	List   keyList   `cmd:"" help:"List an account's keys, newest first."`
	Revoke keyRevoke `cmd:"" help:"End a key for good."`
	Rotate keyRotate `cmd:"" help:"Make a key's successor; the old key works on for the overlap."`

	Usage  keyUsage  `cmd:"" help:"Show what a key used by day."`
	Leaked keyLeaked `cmd:"" help:"End a key that was found where it should not be; the whole key is read from the standard input."`

	Peppers keyPeppers `cmd:"" help:"Count the working keys under each pepper: one without any can be removed."`
}

// keyView is a key in JSON. Key is the whole key, where it was just made.
type keyView struct {
	RequestID  string       `json:"request_id,omitempty"`
	ID         string       `json:"id"`
	Key        string       `json:"key,omitempty"`
	Account    string       `json:"account"`
	User       string       `json:"user,omitempty"`
	Name       string       `json:"name"`
	Start      string       `json:"start"`
	Last4      string       `json:"last4"`
	State      keys.State   `json:"state"`
	Scopes     []keys.Scope `json:"scopes"`
	Models     []string     `json:"models"`
	Networks   []string     `json:"networks"`
	CreatedAt  *time.Time   `json:"created_at"`
	ExpiresAt  *time.Time   `json:"expires_at"`
	LastUsedAt *time.Time   `json:"last_used_at"`
	RevokedAt  *time.Time   `json:"revoked_at"`
	Successor  string       `json:"successor,omitempty"`
	Replaces   string       `json:"replaces,omitempty"`
}

func (e *Env) viewKey(k keys.Key) keyView {
	networks := []string{}
	for _, n := range k.Networks {
		networks = append(networks, n.String())
	}
	return keyView{
		ID: k.ID, Account: k.Account, User: k.User, Name: k.Name, Start: k.Start, Last4: k.Last4, State: k.State(e.Now()), Scopes: list(k.Scopes), Models: list(k.Models), Networks: networks,
		CreatedAt: instant(k.CreatedAt), ExpiresAt: instant(k.ExpiresAt), LastUsedAt: instant(k.LastUsedAt), RevokedAt: instant(k.RevokedAt), Successor: k.Successor,
	}
}

// made prints a key that was just made, whole.
func (e *Env) made(k keys.Key, token keys.Token, replaces string) error {
	v := e.viewKey(k)
	v.RequestID, v.Key, v.Replaces = e.Request, token.Reveal(), replaces
	return e.print(v, func(w io.Writer) {
		row(w, "ID", k.ID)
		row(w, "Account", k.Account)
		row(w, "Name", k.Name)
		row(w, "Expires", stamp(k.ExpiresAt))
		if replaces != "" {
			row(w, "Replaces", replaces)
		}
		row(w, "Key", token.Reveal())
		row(w, "Note", "Keep it now: it cannot be shown again.")
	})
}

type keyCreate struct {
	Account   string        `required:"" placeholder:"ID" help:"Account, acct_…"`
	Name      string        `required:"" help:"Name, at most 100 characters."`
	ExpiresIn time.Duration `placeholder:"DURATION" help:"Life, such as 24h; one minute to one year. A year unless named."`
	Models    []string      `placeholder:"ID" help:"Models it may use, exact or a prefix that ends in *; all unless named."`
	Scopes    []string      `placeholder:"SCOPE" help:"models, chat.completions, responses, embeddings; all unless named."`
	Networks  []string      `placeholder:"CIDR" help:"Networks it may be used from, such as 192.0.2.0/24; anywhere unless named."`
	bounds
}

// Run makes the key and prints it.
func (c *keyCreate) Run(ctx context.Context, env *Env) error {
	limits, err := c.change()
	if err != nil {
		return err
	}
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	ring, err := desk.Minting()
	if err != nil {
		return err
	}
	k, token, err := ring.Create(ctx, keyring.Draft{
		Account: c.Account, Name: c.Name, ExpiresIn: c.ExpiresIn, Scopes: c.Scopes, Models: c.Models, Networks: c.Networks, Limits: limits,
	})
	if err != nil {
		return err
	}
	return env.made(k, token, "")
}

type keySet struct {
	ID       string    `arg:"" help:"Key, key_…"`
	Models   *[]string `placeholder:"ID" help:"Models it may use, exact or a prefix that ends in *; \"\" for all."`
	Networks *[]string `placeholder:"CIDR" help:"Networks it may be used from, such as 192.0.2.0/24; \"\" for anywhere."`
}

// Run changes the key and shows it.
func (c *keySet) Run(ctx context.Context, env *Env) error {
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	k, err := desk.Keyring.Change(ctx, "", c.ID, keyring.Change{Models: given(c.Models), Networks: given(c.Networks)})
	if err != nil {
		return err
	}
	v := env.viewKey(k)
	v.RequestID = env.Request
	return env.print(v, func(w io.Writer) {
		row(w, "ID", k.ID)
		row(w, "Name", k.Name)
		row(w, "Models", strings.Join(v.Models, ", "))
		row(w, "Networks", strings.Join(v.Networks, ", "))
	})
}

// given returns a list as it was named; one empty text is an empty list.
func given(l *[]string) *[]string {
	if l != nil && len(*l) == 1 && (*l)[0] == "" {
		return &[]string{}
	}
	return l
}

type keyList struct {
	Account string `required:"" placeholder:"ID" help:"Account, acct_…"`
	paging
}

// Run lists the keys (K3).
func (c *keyList) Run(ctx context.Context, env *Env) error {
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	if _, err := desk.Accounts.Show(ctx, c.Account); err != nil {
		return err
	}
	found, err := desk.Keyring.List(ctx, c.Account, store.Page{Limit: c.Limit, After: c.After})
	if err != nil {
		return err
	}
	out := struct {
		RequestID string    `json:"request_id"`
		Account   string    `json:"account"`
		Keys      []keyView `json:"keys"`
	}{env.Request, c.Account, []keyView{}}
	for _, k := range found {
		out.Keys = append(out.Keys, env.viewKey(k))
	}
	return env.table(out, len(out.Keys), c.empty("The account has no keys."), []string{"ID", "NAME", "OWNER", "KEY", "SCOPES", "STATE", "CREATED", "EXPIRES", "LAST USED"}, func(w io.Writer) {
		for _, k := range out.Keys {
			row(w, k.ID, k.Name, k.User, k.Start+"…"+k.Last4, scopes(k.Scopes), string(k.State), stamp(*k.CreatedAt), stamp(*k.ExpiresAt), lastUsed(k.LastUsedAt))
		}
	})
}

func scopes(list []keys.Scope) string {
	if len(list) == len(keys.AllScopes) {
		return "all"
	}
	texts := make([]string, len(list))
	for i, s := range list {
		texts[i] = string(s)
	}
	return strings.Join(texts, ",")
}

func lastUsed(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return stamp(*t)
}

type keyRevoke struct {
	ID string `arg:"" help:"Key, key_…"`
}

// Run revokes the key and shows it.
func (c *keyRevoke) Run(ctx context.Context, env *Env) error {
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	k, err := desk.Keyring.Revoke(ctx, "", c.ID)
	if err != nil {
		return err
	}
	v := env.viewKey(k)
	v.RequestID = env.Request
	return env.print(v, func(w io.Writer) {
		row(w, "ID", k.ID)
		row(w, "Name", k.Name)
		row(w, "Revoked", stamp(k.RevokedAt))
	})
}

type keyRotate struct {
	ID      string        `arg:"" help:"Key, key_…"`
	Overlap time.Duration `default:"24h" placeholder:"DURATION" help:"How long the old key works on, 0s to 168h (${default})."`
}

// Run makes the successor and prints it.
func (c *keyRotate) Run(ctx context.Context, env *Env) error {
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	ring, err := desk.Minting()
	if err != nil {
		return err
	}
	k, token, err := ring.Rotate(ctx, "", c.ID, c.Overlap)
	if err != nil {
		return err
	}
	return env.made(k, token, c.ID)
}
