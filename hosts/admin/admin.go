// Package admin is the operator's command line: accounts, credits, keys, limits,
// sessions, activity and the audit log of the configured database, also while servers run on
// it. Each command group has a file; each command is a struct that kong fills.
//
// It keeps true that every command acts as an operator under a request ID of
// its own, so that what it does is found in Activity; that a secret is printed
// once, by the command that makes it; and that --json has a stable form, in
// which all amounts are integer microcredits and all times RFC 3339.
//
// It decides nothing: it calls the same use cases as the servers. It opens no
// database; a main does, through [Env].
package admin

import (
	"context"
	"io"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/accounts"
	"github.com/archibot/archibotchat/core/app/activity"
	"github.com/archibot/archibotchat/core/app/credits"
	"github.com/archibot/archibotchat/core/app/keyring"
	"github.com/archibot/archibotchat/core/app/limits"
	"github.com/archibot/archibotchat/core/app/members"
	"github.com/archibot/archibotchat/core/app/requests"
	"github.com/archibot/archibotchat/core/app/seal"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/app/setup"
)

// Command is the whole of `admin`, to be embedded in a kong command line.
// Bind a context.Context and an *[Env] for its commands.
type Command struct {
	Account        accountCommands `cmd:"" help:"Open, show, change and list accounts."`
	Credits        creditsCommands `cmd:"" help:"Grant and correct credits; show balance and lots."`
	Key            keyCommands     `cmd:"" help:"Create, list, change, revoke and rotate API keys, and see what they used."`
	Limits         limitCommands   `cmd:"" help:"Bound what accounts, members and keys may spend."`
	Member         memberCommands  `cmd:"" help:"List, add, change and remove the members of accounts."`
	Invite         inviteCommand   `cmd:"" help:"Invite somebody to an account by e-mail. The link is printed this once."`
	AccessRequests requestCommands `cmd:"" help:"List, show, approve and deny requests for access."`
	Setup          setupCommands   `cmd:"" help:"Show what accounts settled before they began."`
	Session        sessionCommands `cmd:"" help:"Mint sign-in sessions."`
	Activity       activityCommand `cmd:"" help:"Show what happened on an account, newest first."`
	Backup         backupCommand   `cmd:"" help:"Copy a SQLite database to a file, also while a server uses it."`
}

// Desk is the use cases on an open database.
type Desk struct {
	Accounts *accounts.Service
	Credits  *credits.Service
	Keyring  *keyring.Service // lists, changes and revokes
	Limits   *limits.Service
	Members  *members.Service
	Requests *requests.Service
	Setup    *setup.Service
	Sessions *sessions.Service
	Activity *activity.Service
	Seal     *seal.Service // reads the log of the events
	// Minting returns a keyring that can make keys, which takes the peppers.
	Minting func() (*keyring.Service, error)
	// Sealing returns the log with the key that signs it.
	Sealing func() (*seal.Service, error)
	// Proving returns the log, and what opens checkpoints that were signed by
	// the keys of the verifiers, or by the configured key if there are none.
	Proving func(verifiers []string) (service *seal.Service, open func(note []byte) (string, error), err error)
}

// Env is what a command runs in.
type Env struct {
	In      io.Reader // nil: nothing comes in
	Out     io.Writer
	JSON    bool
	Request string // the command's request ID
	Cookie  string // name of the session cookie
	Now     func() time.Time
	Open    func(ctx context.Context) (*Desk, error)
	// Site returns where browsers reach the service, without a slash at the end;
	// empty if that is not known.
	Site func() string
	// Backup copies the database as it is, whatever its schema, to a new file
	// and returns the copy's size in bytes. Faults: backup_exists,
	// backup_by_pg_dump, not_found.
	Backup func(ctx context.Context, to string) (int64, error)
}

// open returns the desk and a context in which the operator acts.
func (e *Env) open(ctx context.Context) (context.Context, *Desk, error) {
	ctx = access.WithPrincipal(access.WithRequest(ctx, e.Request), Operator())
	desk, err := e.Open(ctx)
	return ctx, desk, err
}

// Operator returns who runs this process: an operator with the name that the
// operating system knows, or uid-N where it knows none.
func Operator() access.Principal {
	name := "uid-" + strconv.Itoa(os.Getuid())
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	if before, _, ok := strings.Cut(name, "@"); ok { // evidence holds no e-mail address
		name = before
	}
	return access.Principal{Kind: access.PrincipalOperator, ID: name}
}
