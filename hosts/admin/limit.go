package admin

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/archibot/archibotchat/core/app/credits"
	"github.com/archibot/archibotchat/core/app/keyring"
	"github.com/archibot/archibotchat/core/app/limits"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

type limitCommands struct {
	Set   limitSet   `cmd:"" help:"Set what an account, one of its members or one of its keys may spend; what is not named stays as it is."`
	List  limitList  `cmd:"" help:"List an account's limits, with what has counted against them this month."`
	Clear limitClear `cmd:"" help:"Take a limit away."`
}

// bounds are the flags that say what may be spent.
type bounds struct {
	Monthly  *string `placeholder:"CREDITS" help:"Credits in a calendar month of UTC, a decimal with at most six places; 0 for no bound."`
	Requests *int64  `placeholder:"N" help:"Requests per minute; 0 for no bound."`
	Tokens   *int64  `placeholder:"N" help:"Tokens per minute; 0 for no bound."`
}

func (b bounds) change() (ledger.LimitChange, error) {
	c := ledger.LimitChange{Requests: b.Requests, Tokens: b.Tokens}
	if b.Monthly != nil {
		n, err := credits.ParseCredits(*b.Monthly)
		if err != nil {
			return c, err
		}
		c.Monthly = &n
	}
	_, err := c.Apply(ledger.Limit{})
	return c, err
}

// target is the account that a limit is set on, or one of its members or keys.
type target struct {
	Account string `arg:"" help:"Account, acct_…; the limit is the operator's, which the account cannot change."`
	Key     string `xor:"of" placeholder:"ID" help:"The account's key that it is for, key_…"`
	User    string `xor:"of" placeholder:"ID" help:"The account's member that it is for, user_…"`
}

func (t target) whose() limits.Whose {
	if t.User != "" {
		return limits.Whose{Kind: limits.Member, ID: t.User}
	}
	return limits.Whose{Kind: limits.Operator}
}

// limitView is a limit in JSON. A bound that is 0 is none.
type limitView struct {
	RequestID string      `json:"request_id,omitempty"`
	Account   string      `json:"account,omitempty"`
	Of        limits.Kind `json:"of"`
	ID        string      `json:"id,omitempty"`
	Monthly   int64       `json:"monthly"`
	Requests  int64       `json:"requests_per_minute"`
	Tokens    int64       `json:"tokens_per_minute"`
	Spent     int64       `json:"spent"`
	Held      int64       `json:"held"`
	ResetsAt  *time.Time  `json:"resets_at"`
	UpdatedAt *time.Time  `json:"updated_at"`
}

func viewLimit(v limits.View) limitView {
	return limitView{
		Of: v.Kind, ID: v.ID, Monthly: v.Monthly, Requests: v.Requests, Tokens: v.Tokens, Spent: v.Spent, Held: v.Held,
		ResetsAt: instant(v.Until), UpdatedAt: instant(v.UpdatedAt),
	}
}

func (e *Env) limit(account string, v limits.View) error {
	out := viewLimit(v)
	out.RequestID, out.Account = e.Request, account
	return e.print(out, func(w io.Writer) {
		row(w, "Account", account)
		row(w, "Of", string(v.Kind))
		row(w, "ID", v.ID)
		row(w, "Monthly", bound(v.Monthly, amount))
		row(w, "Requests per minute", bound(v.Requests, number))
		row(w, "Tokens per minute", bound(v.Tokens, number))
		row(w, "Spent this month", amount(v.Spent))
		row(w, "Held", amount(v.Held))
	})
}

// bound writes a bound, or that there is none.
func bound(n int64, write func(int64) string) string {
	if n == 0 {
		return "none"
	}
	return write(n)
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

type limitSet struct {
	target
	bounds
}

// errNothing means that a command was given nothing to do.
var errNothing = fault.New(fault.Invalid, "nothing_to_set", "Name what to set: --monthly, --requests or --tokens.")

// Run sets the limit and shows it.
func (c *limitSet) Run(ctx context.Context, env *Env) error {
	change, err := c.change()
	if err != nil {
		return err
	}
	if change.None() {
		return errNothing
	}
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	if c.Key != "" {
		return env.cap(ctx, desk, c.Account, c.Key, change)
	}
	v, err := desk.Limits.Set(ctx, c.Account, c.whose(), change)
	if err != nil {
		return err
	}
	return env.limit(c.Account, v)
}

// cap sets the limit of a key and shows it.
func (e *Env) cap(ctx context.Context, desk *Desk, account, key string, change ledger.LimitChange) error {
	k, err := desk.Keyring.Change(ctx, account, key, keyring.Change{Limits: change})
	if err != nil {
		return err
	}
	found, err := desk.Keyring.Limits(ctx, account, k)
	if err != nil {
		return err
	}
	l := found[k.ID]
	v := limits.View{Whose: limits.Whose{Kind: limits.Key, ID: k.Root()}, Limit: l.Limit, UpdatedAt: l.UpdatedAt, Spent: l.Counter.Spent, Held: l.Counter.Reserved}
	if !l.Counter.Window.IsZero() {
		v.Until = l.Counter.Window.AddDate(0, 1, 0)
	}
	return e.limit(account, v)
}

type limitList struct {
	Account string `arg:"" help:"Account, acct_…"`
	paging
}

// Run lists the limits.
func (c *limitList) Run(ctx context.Context, env *Env) error {
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	if _, err := desk.Accounts.Show(ctx, c.Account); err != nil {
		return err
	}
	found, err := desk.Limits.List(ctx, c.Account, store.Page{Limit: c.Limit, After: c.After})
	if err != nil {
		return err
	}
	out := struct {
		RequestID string      `json:"request_id"`
		Account   string      `json:"account"`
		Limits    []limitView `json:"limits"`
	}{env.Request, c.Account, []limitView{}}
	for _, v := range found {
		out.Limits = append(out.Limits, viewLimit(v))
	}
	return env.table(out, len(found), c.empty("No limits are set."), []string{"OF", "ID", "MONTHLY", "SPENT", "HELD", "REQUESTS/MIN", "TOKENS/MIN"}, func(w io.Writer) {
		for _, v := range found {
			row(w, string(v.Kind), v.ID, bound(v.Monthly, amount), amount(v.Spent), amount(v.Held), bound(v.Requests, number), bound(v.Tokens, number))
		}
	})
}

type limitClear struct{ target }

// Run clears the limit.
func (c *limitClear) Run(ctx context.Context, env *Env) error {
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	if c.Key != "" {
		none := int64(0)
		return env.cap(ctx, desk, c.Account, c.Key, ledger.LimitChange{Monthly: &none, Requests: &none, Tokens: &none})
	}
	if err := desk.Limits.Clear(ctx, c.Account, c.whose()); err != nil {
		return err
	}
	return env.limit(c.Account, limits.View{Whose: c.whose()})
}
