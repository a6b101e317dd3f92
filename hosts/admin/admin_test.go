package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/hosts/admin"
)

func TestOperator(t *testing.T) {
	t.Parallel()
	p := admin.Operator()
	require.Equal(t, access.PrincipalOperator, p.Kind)
	require.NotEmpty(t, p.ID)
	require.NotContains(t, p.ID, "@")
}

func TestAuditCommand(t *testing.T) {
	t.Parallel()
	var cli admin.AuditCommand
	parser, err := kong.New(&cli, kong.BindTo(t.Context(), (*context.Context)(nil)))
	require.NoError(t, err)
	run := func(env *admin.Env, args ...string) error {
		parsed, err := parser.Parse(args)
		require.NoError(t, err, args)
		return parsed.Run(env)
	}
	shut := errors.New("no database")
	closed := &admin.Env{Open: func(context.Context) (*admin.Desk, error) { return nil, shut }}
	for _, args := range [][]string{{"verify"}, {"checkpoint"}, {"seal"}} {
		require.ErrorIs(t, run(closed, args...), shut)
	}
	require.ErrorIs(t, run(closed, "verify", "--key=a+b+c/=", "--key=d,e"), shut)
	require.Equal(t, []string{"a+b+c/=", "d,e"}, cli.Verify.Key)
	require.ErrorIs(t, run(closed, "verify", "--since=/nowhere"), fs.ErrNotExist)

	var out bytes.Buffer
	require.NoError(t, run(&admin.Env{Out: &out, JSON: true}, "key", "--name=example.com"), "needs no database")
	var made struct{ Key, Verifier string }
	require.NoError(t, json.Unmarshal(out.Bytes(), &made))
	require.Regexp(t, `^PRIVATE\+KEY\+example\.com\+`, made.Key)
	require.Regexp(t, `^example\.com\+`, made.Verifier)
	for _, name := range []string{"", "not a name", "a,b", "a+b"} {
		require.Error(t, run(&admin.Env{Out: &out}, "key", "--name="+name), name)
	}
}

// TestCommand_Open proves that each command checks its values before it opens
// the database, and opens it as an operator under the command's request ID.
func TestCommand_Open(t *testing.T) {
	t.Parallel()
	shut := errors.New("no database")
	for _, c := range []struct {
		args   []string
		refuse string // code of the fault before anything is opened; empty: it is opened
	}{
		{[]string{"account", "create", "--name=a", "--groups=chat,api", "--billing=active", "--credits=0.5"}, ""},
		{[]string{"account", "create", "--name=a", "--groups=shop"}, "unknown_group"},
		{[]string{"account", "create", "--name=a", "--billing=paid"}, "unknown_billing_state"},
		{[]string{"account", "create", "--name=a", "--credits=1e3"}, "invalid_credits"},
		{[]string{"account", "show", "acct_1"}, ""},
		{[]string{"account", "set", "acct_1", "--groups="}, ""},
		{[]string{"account", "set", "acct_1", "--groups=shop"}, "unknown_group"},
		{[]string{"account", "set", "acct_1", "--billing="}, "unknown_billing_state"},
		{[]string{"account", "list"}, ""},
		{[]string{"credits", "grant", "acct_1", "--credits=1", "--reason=r"}, ""},
		{[]string{"credits", "grant", "acct_1", "--credits=-1", "--reason=r"}, "invalid_credits"},
		{[]string{"credits", "balance", "acct_1"}, ""},
		{[]string{"credits", "lots", "acct_1"}, ""},
		{[]string{"key", "create", "--account=acct_1", "--name=n", "--expires-in=24h", "--models=a,b*"}, ""},
		{[]string{"key", "list", "--account=acct_1"}, ""},
		{[]string{"key", "peppers"}, ""},
		{[]string{"key", "revoke", "key_1"}, ""},
		{[]string{"key", "rotate", "key_1", "--overlap=0s"}, ""},
		{[]string{"key", "create", "--account=acct_1", "--name=n", "--networks=10.0.0.0/8,::1", "--monthly=1.5", "--requests=1", "--tokens=2"}, ""},
		{[]string{"key", "create", "--account=acct_1", "--name=n", "--monthly=x"}, "invalid_credits"},
		{[]string{"key", "create", "--account=acct_1", "--name=n", "--requests=-1"}, "invalid_limit"},
		{[]string{"key", "set", "key_1", "--models=", "--networks=10.0.0.0/8"}, ""},
		{[]string{"limits", "set", "acct_1", "--monthly=100"}, ""},
		{[]string{"limits", "set", "acct_1", "--user=user_1", "--requests=60"}, ""},
		{[]string{"limits", "set", "acct_1", "--key=key_1", "--tokens=0"}, ""},
		{[]string{"limits", "set", "acct_1"}, "nothing_to_set"},
		{[]string{"limits", "set", "acct_1", "--monthly=-1"}, "invalid_credits"},
		{[]string{"limits", "set", "acct_1", "--tokens=-1"}, "invalid_limit"},
		{[]string{"limits", "list", "acct_1"}, ""},
		{[]string{"limits", "clear", "acct_1", "--user=user_1"}, ""},
		{[]string{"member", "list", "acct_1"}, ""},
		{[]string{"member", "add", "acct_1", "--user=user_1", "--role=admin"}, ""},
		{[]string{"member", "add", "acct_1", "--issuer=https://id.example", "--subject=1"}, ""},
		{[]string{"member", "add", "acct_1", "--issuer=https://id.example"}, "whose"},
		{[]string{"member", "add", "acct_1"}, "whose"},
		{[]string{"member", "role", "acct_1", "user_1", "member"}, ""},
		{[]string{"member", "remove", "acct_1", "user_1"}, ""},
		{[]string{"invite", "acct_1", "pat@example.org"}, ""},
		{[]string{"setup", "show", "acct_1"}, ""},
		{[]string{"access-requests", "list", "--state=all"}, ""},
		{[]string{"access-requests", "show", "acr_1"}, ""},
		{[]string{"access-requests", "approve", "acr_1", "--groups=chat", "--billing=trial"}, ""},
		{[]string{"access-requests", "approve", "acr_1", "--groups=shop"}, "unknown_group"},
		{[]string{"access-requests", "approve", "acr_1", "--billing=paid"}, "unknown_billing_state"},
		{[]string{"access-requests", "deny", "acr_1", "--reason=r"}, ""},
		{[]string{"access-requests", "deny", "acr_1", "--reason="}, "invalid_text"},
		{[]string{"access-requests", "reopen", "acr_1"}, ""},
		{[]string{"session", "create", "--account=acct_1", "--role=admin"}, ""},
		{[]string{"activity", "--account=acct_1", "--request=req_1", "--limit=5"}, ""},
	} {
		var cli admin.Command
		opened := false
		env := &admin.Env{Out: &bytes.Buffer{}, Request: "req_1", Open: func(ctx context.Context) (*admin.Desk, error) {
			opened = true
			require.Equal(t, "req_1", access.Request(ctx))
			require.Equal(t, access.PrincipalOperator, access.By(ctx).Kind)
			return nil, shut
		}}
		parser, err := kong.New(&cli, kong.BindTo(t.Context(), (*context.Context)(nil)))
		require.NoError(t, err)
		parsed, err := parser.Parse(c.args)
		require.NoError(t, err, c.args)
		err = parsed.Run(env)
		require.Equal(t, c.refuse == "", opened, c.args)
		if c.refuse == "" {
			require.ErrorIs(t, err, shut, c.args)
		} else {
			require.Equal(t, c.refuse, fault.CodeOf(err), c.args)
		}
	}
}
