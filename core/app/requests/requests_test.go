package requests_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/requests"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

func TestService_Submit(t *testing.T) { // A6
	each(t, func(t *testing.T, h *house) {
		r := h.ask(t, "guest@example.org")
		require.Equal(t, store.RequestOpen, r.State)
		require.Equal(t, "Example Ltd", r.Company)
		require.Equal(t, "Summaries of\nour notes", r.Use)
		require.Equal(t, "api,chat", r.Products.String())
		again := h.ask(t, "GUEST@example.org")
		require.Equal(t, r.ID, again.ID, "folded")
		require.EqualValues(t, 2, again.Times)
		require.Equal(t, []string{"access.requested " + r.ID}, h.unowned(t))
		list, err := h.store.Accounts().List(t.Context(), store.Page{})
		require.NoError(t, err)
		require.Empty(t, list, "it grants nothing")
	})
}

func TestService_Submit_trap(t *testing.T) { // A6: who fills in what people do not see hears nothing of it
	each(t, func(t *testing.T, h *house) {
		f := h.form("bot@example.org")
		f.Trap = "https://example.org"
		require.NoError(t, h.Submit(t.Context(), f))
		require.Empty(t, h.all(t))
	})
}

func TestService_Submit_refused(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for want, change := range map[string]func(f *requests.Form){
			"invalid_email":          func(f *requests.Form) { f.Email = "a@b@c" },
			"invalid_name":           func(f *requests.Form) { f.Company = strings.Repeat("x", 101) },
			"invalid_text":           func(f *requests.Form) { f.Use = strings.Repeat("x", requests.MaxUse+1) },
			"invalid_text (bidi)":    func(f *requests.Form) { f.Use = "a\u202eb" },
			"invalid_text (none)":    func(f *requests.Form) { f.Use = " " },
			"secret_in_text":         func(f *requests.Form) { f.Use = "Our password: hunter2" }, // S2
			"secret_in_text (name)":  func(f *requests.Form) { f.Company = "4111 1111 1111 1111" },
			"invalid_groups":         func(f *requests.Form) { f.Products = nil },
			"invalid_groups (staff)": func(f *requests.Form) { f.Products = []string{"chat", "operator"} },
			"invalid_groups (other)": func(f *requests.Form) { f.Products = []string{"shop"} },
		} {
			f := h.form("guest@example.org")
			change(&f)
			want, _, _ = strings.Cut(want, " ")
			require.Equal(t, want, fault.CodeOf(h.Submit(t.Context(), f)))
		}
		require.Empty(t, h.all(t))
	})
}

func TestService_Approve(t *testing.T) { // A6, U1
	each(t, func(t *testing.T, h *house) {
		r := h.ask(t, "guest@example.org")
		got, err := h.Approve(operator(t), r.ID, requests.Terms{Groups: access.NewGroups(access.GroupChat), Billing: billing.Trial})
		require.NoError(t, err)
		require.Equal(t, store.RequestApproved, got.Request.State)
		require.Equal(t, "pat", got.Request.DecidedBy)
		a, err := h.store.Accounts().Get(t.Context(), got.Account.ID)
		require.NoError(t, err)
		require.Equal(t, []string{"Example Ltd", "chat", "trial", "active"}, []string{a.Name, a.Groups.String(), string(a.Billing), string(a.Status)})
		require.Equal(t, got.Request.Account, a.ID)

		list, err := h.store.Events().List(t.Context(), store.EventQuery{Account: a.ID})
		require.NoError(t, err)
		var kinds []string
		for _, e := range list {
			kinds = append(kinds, string(e.Kind))
			requireNoText(t, e)
		}
		require.Equal(t, []string{"access.approved", "invitation.created", "account.created"}, kinds)

		_, _, err = h.store.Users().SignedIn(t.Context(), store.User{ID: "user_1", Issuer: "i", Subject: "1", Email: "Guest@example.org", EmailVerified: true, Rule: "none", CreatedAt: h.now})
		require.NoError(t, err)
		applicant := access.WithPrincipal(t.Context(), access.Principal{Kind: access.PrincipalUser, ID: "user_1", User: "user_1"})
		m, err := h.members.Accept(applicant, got.Token.Reveal())
		require.NoError(t, err)
		require.Equal(t, access.RoleAdmin, m.Role)

		_, err = h.Approve(operator(t), r.ID, requests.Terms{})
		require.Equal(t, "already_decided", fault.CodeOf(err))
		_, err = h.Deny(operator(t), r.ID, "because")
		require.Equal(t, "already_decided", fault.CodeOf(err))
		_, err = h.Reopen(operator(t), r.ID)
		require.Equal(t, "not_denied", fault.CodeOf(err))
		all, err := h.store.Accounts().List(t.Context(), store.Page{})
		require.NoError(t, err)
		require.Len(t, all, 1, "a refused approval leaves no account behind")
	})
}

func TestService_Approve_terms(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		r := h.ask(t, "guest@example.org")
		for want, terms := range map[string]requests.Terms{
			"invalid_groups":        {Groups: access.NewGroups(access.GroupOperator)},
			"unknown_billing_state": {Billing: "paid"},
			"invalid_name":          {Name: strings.Repeat("x", 101)},
		} {
			_, err := h.Approve(operator(t), r.ID, terms)
			require.Equal(t, want, fault.CodeOf(err))
		}
		got, err := h.Approve(operator(t), r.ID, requests.Terms{Name: "Other"})
		require.NoError(t, err)
		require.Equal(t, "api,chat", got.Account.Groups.String())
		require.Equal(t, billing.OperatorApproved, got.Account.Billing)
		require.Equal(t, "Other", got.Account.Name)
	})
}

func TestService_Deny(t *testing.T) { // A6
	each(t, func(t *testing.T, h *house) {
		r := h.ask(t, "guest@example.org")
		_, err := h.Deny(operator(t), r.ID, "")
		require.Equal(t, "invalid_text", fault.CodeOf(err))
		_, err = h.Deny(operator(t), r.ID, "your password: hunter2")
		require.Equal(t, "secret_in_text", fault.CodeOf(err))
		denied, err := h.Deny(operator(t), r.ID, "because we do not know you")
		require.NoError(t, err)
		require.Equal(t, store.RequestDenied, denied.State)
		require.Equal(t, h.now, denied.DecidedAt)
		open, err := h.Reopen(operator(t), r.ID)
		require.NoError(t, err)
		require.Equal(t, store.RequestOpen, open.State)
		require.Empty(t, open.Reason+open.DecidedBy)
		_, err = h.Deny(operator(t), r.ID, "because")
		require.NoError(t, err)
		next := h.ask(t, "guest@example.org")
		require.NotEqual(t, r.ID, next.ID, "may ask again")
		_, err = h.Reopen(operator(t), r.ID)
		require.Equal(t, "asked_again", fault.CodeOf(err))
		require.Equal(t, []string{"access.requested " + r.ID, "access.denied " + r.ID, "access.reopened " + r.ID, "access.denied " + r.ID, "access.requested " + next.ID}, h.unowned(t))
		h.wait(400 * 24 * time.Hour)
		_, err = h.Forget(t.Context(), 100)
		require.NoError(t, err)
		_, err = h.Show(operator(t), r.ID)
		require.ErrorIs(t, err, store.ErrNotFound)
		_, err = h.Show(operator(t), next.ID)
		require.NoError(t, err)
	})
}

func TestService_Mine(t *testing.T) { // A6: by an address that somebody has verified, and no other
	each(t, func(t *testing.T, h *house) {
		r := h.ask(t, "guest@example.org")
		as := func(email string, verified bool) context.Context {
			_, _, err := h.store.Users().SignedIn(t.Context(), store.User{ID: "user_1", Issuer: "i", Subject: "1", Email: email, EmailVerified: verified, Rule: "none", CreatedAt: h.now})
			require.NoError(t, err)
			return access.WithPrincipal(t.Context(), access.Principal{Kind: access.PrincipalUser, ID: "user_1", User: "user_1"})
		}
		got, err := h.Mine(as("GUEST@example.org", true))
		require.NoError(t, err)
		require.Equal(t, r.ID, got.ID)
		for _, ctx := range []context.Context{as("guest@example.org", false), as("other@example.org", true), as("", true), t.Context(), operator(t)} {
			_, err := h.Mine(ctx)
			require.ErrorIs(t, err, store.ErrNotFound)
		}
	})
}

func TestService_allowed(t *testing.T) { // A6: operators alone
	each(t, func(t *testing.T, h *house) {
		r := h.ask(t, "guest@example.org")
		for name, ctx := range map[string]context.Context{
			"admin":  access.WithPrincipal(t.Context(), access.Principal{Kind: access.PrincipalUser, ID: "user_1", User: "user_1", Account: "acct_1", Role: access.RoleAdmin}),
			"key":    access.WithPrincipal(t.Context(), access.Principal{Kind: access.PrincipalKey, ID: "key_1", Account: "acct_1"}),
			"nobody": t.Context(),
		} {
			for what, do := range map[string]func() error{
				"list":    func() error { _, err := h.List(ctx, "", store.Page{}); return err },
				"show":    func() error { _, err := h.Show(ctx, r.ID); return err },
				"approve": func() error { _, err := h.Approve(ctx, r.ID, requests.Terms{}); return err },
				"deny":    func() error { _, err := h.Deny(ctx, r.ID, "because"); return err },
				"reopen":  func() error { _, err := h.Reopen(ctx, r.ID); return err },
			} {
				require.Equal(t, "operators_only", fault.CodeOf(do()), "%s: %s", name, what)
			}
		}
	})
}
