package access_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/fault"
)

func TestStatus_Known(t *testing.T) {
	t.Parallel()
	for s, want := range map[access.Status]bool{
		access.StatusPending: true, access.StatusActive: true, access.StatusSuspended: true, access.StatusClosed: true, "": false, "Active": false, "gone": false,
	} {
		require.Equal(t, want, s.Known(), s)
	}
}

func TestCheckName(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Acme": "Acme", "  Acme & Søn  ": "Acme & Søn", "名前": "名前", strings.Repeat("名", 100): strings.Repeat("名", 100),
		"👩‍💻 team": "👩‍💻 team", "<script>": "<script>", "a  b": "a  b",
	} {
		got, err := access.CheckName(text, "name")
		require.NoError(t, err, "%q", text)
		require.Equal(t, want, got)
	}
	for _, text := range []string{
		"", "   ", "\t\n", "\u00a0", strings.Repeat("a", 101), strings.Repeat("名", 101), "a\x00b", "a\nb", "a\x7fb", "a\u0085b",
		"a\u202eb", "a\u2066b", "a\u200eb", "a\u061cb", "a\u2028b", "a\u2029b", "a\xffb", "\xc3\x28",
	} {
		got, err := access.CheckName(text, "label")
		require.Equal(t, "invalid_name", fault.CodeOf(err), "%q", text)
		require.Equal(t, "label", fault.From(err).Param)
		require.Empty(t, got)
	}
}

func FuzzCheckName(f *testing.F) {
	f.Add(" a\u202e\xff ")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := access.CheckName(text, "name")
		if err != nil {
			return
		}
		again, err := access.CheckName(got, "name")
		require.NoError(t, err, "%q", text)
		require.Equal(t, got, again)
		require.NotContains(t, got, "\x00")
		require.NotContains(t, got, "\u202e")
	})
}

func TestPrincipal_Admin(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind access.PrincipalKind
		role access.Role
		want bool
	}{
		{access.PrincipalUser, access.RoleAdmin, true},
		{access.PrincipalUser, access.RoleMember, false},
		{access.PrincipalUser, "", false},
		{access.PrincipalKey, access.RoleAdmin, false},
		{access.PrincipalService, access.RoleAdmin, false},
		{access.PrincipalOperator, "", true},
		{"", access.RoleAdmin, false},
	} {
		require.Equal(t, c.want, access.Principal{Kind: c.kind, Role: c.role}.Admin(), c)
	}
}

func TestContext(t *testing.T) {
	t.Parallel()
	require.Empty(t, access.Request(context.Background()))
	require.Zero(t, access.By(context.Background()), "nobody")
	p := access.Principal{Kind: access.PrincipalUser, ID: "user_1", Account: "acct_1"}
	ctx := access.WithPrincipal(access.WithRequest(t.Context(), "req_1"), p)
	require.Equal(t, "req_1", access.Request(ctx))
	require.Equal(t, p, access.By(ctx))
	inner := access.WithRequest(ctx, "req_2")
	require.Equal(t, "req_2", access.Request(inner))
	require.Equal(t, "req_1", access.Request(ctx))
}

func TestPrincipal_Key(t *testing.T) {
	t.Parallel()
	for _, kind := range []access.PrincipalKind{access.PrincipalUser, access.PrincipalOperator, access.PrincipalService, ""} {
		require.Empty(t, access.Principal{Kind: kind, ID: "x"}.Key())
	}
	require.Equal(t, "key_1", access.Principal{Kind: access.PrincipalKey, ID: "key_1"}.Key())
}
