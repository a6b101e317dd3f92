package api_test

import (
	"crypto/sha256"
	"math/bits"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/members"
	"github.com/archibot/archibotchat/hosts/api"
	"github.com/archibot/archibotchat/ports/identity"
	"github.com/archibot/archibotchat/ports/store"
)

// signed returns the session token of somebody who signs in at acme, by name.
func (h *house) signed(t *testing.T, name, query string, groups ...access.Group) string {
	t.Helper()
	h.acme.Put(identity.Identity{Subject: name, Email: name + "@acme.example", EmailVerified: true, Groups: access.NewGroups(groups...)})
	b := h.browser()
	b.signIn(t, query, name)
	return b.cookies[sessionCookie]
}

func (h *house) invite(t *testing.T, email, role string) api.NewInvitation {
	t.Helper()
	r := h.call(t, h.admin, "POST", "/api/invitations", `{"email":"`+email+`","role":"`+role+`"}`)
	require.Equal(t, http.StatusCreated, r.StatusCode, r.text)
	return into[api.NewInvitation](t, r)
}

func accepting(v api.NewInvitation) string { return `{"token":"` + v.Token + `"}` }

func TestInvitations(t *testing.T) { // A7
	t.Parallel()
	h := build(t)
	v := h.invite(t, "Ann@ACME.example", "admin")
	require.Equal(t, "https://chat.example/invitation#"+v.Token, v.Link)
	require.NotContains(t, h.call(t, h.admin, "GET", "/api/invitations", "").text, v.Token, "shown once")

	ann, other := h.signed(t, "ann", "", access.GroupAPI), h.signed(t, "other", "", access.GroupAPI)
	problem(t, h.call(t, ann, "GET", "/api/account", ""), http.StatusForbidden, "account_pending")
	problem(t, h.call(t, other, "POST", "/api/invitations/accept", accepting(v)), http.StatusForbidden, "invitation_for_another")
	r := h.call(t, ann, "POST", "/api/invitations/accept", accepting(v))
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	require.Equal(t, api.Accepted{Account: h.account.ID, Role: "admin"}, into[api.Accepted](t, r))
	problem(t, h.call(t, ann, "POST", "/api/invitations/accept", accepting(v)), http.StatusConflict, "invitation_over")
	list := into[api.InvitationList](t, h.call(t, ann, "GET", "/api/invitations", "")) // an admin from now on, in the same session
	require.Equal(t, "accepted", list.Data[0].State)

	revoked := h.invite(t, "other@acme.example", "member")
	problem(t, h.call(t, h.foreignUser, "DELETE", "/api/invitations/"+revoked.ID, ""), http.StatusNotFound, "not_found")
	require.Equal(t, http.StatusNoContent, h.call(t, ann, "DELETE", "/api/invitations/"+revoked.ID, "").StatusCode)
	problem(t, h.call(t, other, "POST", "/api/invitations/accept", accepting(revoked)), http.StatusConflict, "invitation_over")

	late := h.invite(t, "other@acme.example", "member")
	h.now = h.now.Add(members.InvitationLife)
	problem(t, h.call(t, h.signed(t, "other", ""), "POST", "/api/invitations/accept", accepting(late)), http.StatusConflict, "invitation_over")
}

func TestMembers(t *testing.T) { // A7
	t.Parallel()
	h := build(t)
	ann, mo := h.signed(t, "ann", "", access.GroupAPI), h.signed(t, "mo", "", access.GroupAPI)
	for token, v := range map[string]api.NewInvitation{ann: h.invite(t, "ann@acme.example", "admin"), mo: h.invite(t, "mo@acme.example", "member")} {
		require.Equal(t, http.StatusOK, h.call(t, token, "POST", "/api/invitations/accept", accepting(v)).StatusCode)
	}
	id := map[string]string{}
	for _, m := range into[api.MemberList](t, h.call(t, ann, "GET", "/api/members", "")).Data {
		id[m.Email] = m.User
	}
	annID, moID := id["ann@acme.example"], id["mo@acme.example"]
	problem(t, h.call(t, mo, "GET", "/api/members", ""), http.StatusForbidden, "admin_required")
	problem(t, h.call(t, mo, "DELETE", "/api/members/"+annID, ""), http.StatusForbidden, "admin_required")
	problem(t, h.call(t, h.foreignUser, "DELETE", "/api/members/"+moID, ""), http.StatusNotFound, "not_found")
	problem(t, h.call(t, h.foreignUser, "PATCH", "/api/members/"+moID, `{"role":"admin"}`), http.StatusNotFound, "not_found")
	problem(t, h.call(t, ann, "DELETE", "/api/members/"+annID, ""), http.StatusConflict, "last_admin")
	problem(t, h.call(t, ann, "PATCH", "/api/members/"+annID, `{"role":"member"}`), http.StatusConflict, "last_admin")

	made := h.call(t, mo, "POST", "/api/keys", `{"name":"mine"}`)
	require.Equal(t, http.StatusCreated, made.StatusCode, made.text)
	require.Equal(t, http.StatusNoContent, h.call(t, ann, "DELETE", "/api/members/"+moID, "").StatusCode)
	problem(t, h.call(t, mo, "GET", "/api/me", ""), http.StatusUnauthorized, "not_signed_in")
	ks, err := h.store.Keys().OfUser(t.Context(), h.account.ID, moID, store.Page{})
	require.NoError(t, err)
	require.Len(t, ks, 1)
	require.False(t, ks[0].RevokedAt.IsZero())
}

func TestSetup(t *testing.T) { // A8
	t.Parallel()
	h := build(t)
	s := into[api.Setup](t, h.call(t, h.member, "GET", "/api/setup", ""))
	require.Equal(t, api.Setup{Boundary: api.Boundary{Version: "v1", Text: "Read this."}}, s)
	problem(t, h.call(t, h.admin, "POST", "/api/setup/acknowledgement", `{"version":"v0"}`), http.StatusConflict, "boundary_changed")
	s = into[api.Setup](t, h.call(t, h.admin, "POST", "/api/setup/acknowledgement", `{"version":"v1"}`))
	require.True(t, s.Boundary.Acknowledged)
	require.Equal(t, "user_admin", s.Boundary.AcknowledgedBy)
	require.False(t, into[api.Setup](t, h.call(t, h.foreignUser, "GET", "/api/setup", "")).Boundary.Acknowledged)
	s = into[api.Setup](t, h.call(t, h.admin, "PUT", "/api/setup", `{"intended_use":"notes","notifications":"essential","files":"metadata"}`))
	require.Equal(t, []string{"notes", "essential", "metadata"}, []string{s.IntendedUse, s.Notifications, s.Files})
}

// form asks for a challenge and works on it.
func (h *house) form(t *testing.T, email string) string {
	t.Helper()
	c := into[api.RequestChallenge](t, h.call(t, "", "GET", "/api/access-requests/challenge", ""))
	h.now = h.now.Add(3 * time.Second)
	n := 0
	for ; ; n++ {
		sum := sha256.Sum256([]byte(c.Challenge + "." + strconv.Itoa(n)))
		if bits.LeadingZeros8(sum[0]) >= c.Difficulty {
			break
		}
	}
	return `{"company":"Acme","products":["api"],"intended_use":"notes","email":"` + email + `","challenge":"` + c.Challenge + `","proof":"` + strconv.Itoa(n) + `"}`
}

func TestRequests(t *testing.T) { // A6
	t.Parallel()
	h := build(t)
	form := h.form(t, "ann@acme.example")
	quick := h.call(t, "", "GET", "/api/access-requests/challenge", "")
	problem(t, h.call(t, "", "POST", "/api/access-requests", strings.ReplaceAll(form, field(form, "challenge"), into[api.RequestChallenge](t, quick).Challenge)), http.StatusUnprocessableEntity, "too_quick")
	first := h.call(t, "", "POST", "/api/access-requests", form)
	require.Equal(t, http.StatusAccepted, first.StatusCode, first.text)
	problem(t, h.call(t, "", "POST", "/api/access-requests", form), http.StatusConflict, "challenge_used")
	require.Equal(t, first.text, h.call(t, "", "POST", "/api/access-requests", h.form(t, "ann@acme.example")).text, "whether somebody asked before is not told")

	ann := h.signed(t, "ann", "", access.GroupAPI)
	own := into[api.OwnRequest](t, h.call(t, ann, "GET", "/api/access-requests/mine", ""))
	require.Equal(t, "open", own.State)
	problem(t, h.call(t, h.signed(t, "other", ""), "GET", "/api/access-requests/mine", ""), http.StatusNotFound, "not_found")

	staff := h.signed(t, "staff", "", access.GroupOperator)
	list := into[api.AccessRequestList](t, h.call(t, staff, "GET", "/api/operator/access-requests", ""))
	require.Len(t, list.Data, 1)
	require.EqualValues(t, 2, list.Data[0].Times)
	at := "/api/operator/access-requests/" + list.Data[0].ID
	for path, method := range map[string]string{"/api/operator/access-requests": "GET", at: "GET", at + "/approve": "POST", at + "/deny": "POST", at + "/reopen": "POST"} {
		body := map[string]string{"GET": "", "POST": `{}`}[method]
		if strings.HasSuffix(path, "/deny") {
			body = `{"reason":"no"}`
		}
		problem(t, h.call(t, "", method, path, body), http.StatusUnauthorized, "not_signed_in")
		for who, token := range map[string]string{"admin": h.admin, "applicant": ann, "member": h.member} {
			require.Equal(t, http.StatusForbidden, h.call(t, token, method, path, body).StatusCode, "%s %s", who, path)
		}
	}
	problem(t, h.call(t, staff, "POST", at+"/approve", `{}`), http.StatusForbidden, "fresh_sign_in_required")
	fresh := h.signed(t, "staff", "?fresh=1", access.GroupOperator)
	problem(t, h.call(t, fresh, "POST", "/api/operator/access-requests/acr_none/approve", `{}`), http.StatusNotFound, "not_found")

	denied := into[api.AccessRequest](t, h.call(t, staff, "POST", at+"/deny", `{"reason":"Who are you?"}`))
	require.Equal(t, "denied", denied.State)
	require.Equal(t, "Who are you?", into[api.OwnRequest](t, h.call(t, ann, "GET", "/api/access-requests/mine", "")).Reason)
	problem(t, h.call(t, fresh, "POST", at+"/approve", `{}`), http.StatusConflict, "already_decided")
	require.Equal(t, "open", into[api.AccessRequest](t, h.call(t, staff, "POST", at+"/reopen", "{}")).State)

	r := h.call(t, fresh, "POST", at+"/approve", `{"groups":["api","chat"],"billing":"trial"}`)
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	approved := into[api.ApprovedRequest](t, r)
	require.Equal(t, []string{"api", "chat"}, approved.Account.Groups)
	require.Equal(t, "trial", approved.Account.Billing)
	require.Equal(t, http.StatusOK, h.call(t, ann, "POST", "/api/invitations/accept", accepting(approved.Invitation)).StatusCode)
	require.Equal(t, approved.Account.ID, into[api.Account](t, h.call(t, ann, "GET", "/api/account", "")).ID)
	es, err := h.store.Events().List(t.Context(), store.EventQuery{Account: approved.Account.ID})
	require.NoError(t, err)
	for _, e := range es {
		require.NotContains(t, string(e.Canonical()), "acme.example", "U2")
	}
}

// field returns the text of a field in JSON.
func field(text, name string) string {
	_, rest, _ := strings.Cut(text, `"`+name+`":"`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

func TestRequests_spam(t *testing.T) { // A6: by network, whatever is sent
	t.Parallel()
	h := build(t)
	for range 10 {
		require.Equal(t, http.StatusUnprocessableEntity, h.call(t, "", "POST", "/api/access-requests", `{}`).StatusCode)
	}
	p := h.call(t, "", "POST", "/api/access-requests", h.form(t, "ann@acme.example"))
	problem(t, p, http.StatusTooManyRequests, "rate_limited")
	require.NotEmpty(t, p.Header.Get("Retry-After"))
}
