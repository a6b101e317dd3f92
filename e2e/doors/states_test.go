//go:build e2e

package doors_test

import (
	"slices"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/billing"
)

// The states of each dimension, by name. Those that no release knows are among
// them: what is unknown is closed (G3).
var (
	groupSets = map[string][]access.Group{
		"chat": {"chat"}, "api": {"api"}, "both": {"chat", "api"}, "others": {"workspace", "operator"},
	}
	// users are the rule of the user's provider, and the groups it names.
	users = map[string]struct {
		rule   string
		groups []access.Group
	}{
		"no groups sent":  {"none", nil},
		"required, none":  {"required", nil},
		"required, chat":  {"required", []access.Group{"chat"}},
		"required, api":   {"required", []access.Group{"api"}},
		"required, both":  {"required", []access.Group{"chat", "api"}},
		"rule of no sort": {"odd", []access.Group{"chat", "api"}},
	}
	billings = []billing.State{"none", "incomplete", "trial", "active", "operator_approved", "past_due", "review", "cancelled", "odd"}
	statuses = []access.Status{"pending", "active", "suspended", "closed", "odd"}
	// acknowledged are the versions of the data boundary that accounts have
	// acknowledged last: none, one before, and the environment's.
	acknowledged = []string{"", boundaryBefore, boundaryNow}
	// environments are what servers offer and ask for.
	environments = []environment{{"chat,api", false}, {"api", false}, {"chat", false}, {"workspace", false}, {"chat,api", true}, {"api", true}}
)

const (
	boundaryBefore = "2026-01"
	boundaryNow    = "2026-02"
)

// environment is how a server is configured.
type environment struct {
	areas    string
	boundary bool // must be acknowledged
}

// stands returns where an account stands towards the data boundary.
func (e environment) stands(acknowledged string) string {
	switch {
	case !e.boundary:
		return "not asked for"
	case acknowledged == boundaryNow:
		return "acknowledged"
	case acknowledged != "":
		return "another version"
	default:
		return "missing"
	}
}

// state is one combination.
type state struct {
	groups  string // of groupSets
	user    string // of users
	areas   string // what the environment offers
	billing billing.State
	status  access.Status
	credits bool
	// boundary is where the account stands, as the environment sees it.
	boundary string
}

// open is the whole list of what opens a door, written out by hand: a door is
// open in the combinations of these, and in no other (A4, G3, G4, G5).
type open struct {
	groups, users, areas []string
	billing              []billing.State
	status               []access.Status
	credits              []bool
	boundary             []string
}

var (
	usable = []billing.State{"trial", "active", "operator_approved"}
	live   = []access.Status{"active"}
	agreed = []string{"not asked for", "acknowledged"}

	chatArea = open{
		groups: []string{"chat", "both"}, users: []string{"no groups sent", "required, chat", "required, both"}, areas: []string{"chat,api", "chat"},
		billing: usable, status: live, credits: []bool{true}, boundary: agreed,
	}
	apiArea = open{
		groups: []string{"api", "both"}, users: []string{"no groups sent", "required, api", "required, both"}, areas: []string{"chat,api", "api"},
		billing: usable, status: live, credits: []bool{true}, boundary: agreed,
	}
	workspaceArea = open{
		groups: []string{"others"}, users: []string{"no groups sent"}, areas: []string{"workspace"},
		billing: usable, status: live, credits: []bool{true}, boundary: agreed,
	}
	// Looking at models costs nothing (W1).
	apiForFree = open{
		groups: apiArea.groups, users: apiArea.users, areas: apiArea.areas, billing: usable, status: live, credits: []bool{true, false}, boundary: agreed,
	}
)

// lets reports whether the door is open in a state.
func (o open) lets(s state) bool { return len(o.reasons(s)) == 0 }

// why is the reason code of each state that closes (G2), written out by hand.
var (
	whyBilling = map[billing.State]string{
		"none": "billing_incomplete", "incomplete": "billing_incomplete", "past_due": "billing_incomplete", "review": "payment_review",
		"cancelled": "billing_incomplete", "odd": "billing_incomplete",
	}
	whyStatus = map[access.Status]string{"pending": "account_pending", "suspended": "account_suspended", "closed": "account_closed", "odd": "account_pending"}
)

// reasons returns why the door is closed, the one that sets the status first.
func (o open) reasons(s state) []string {
	list := []string{}
	if !slices.Contains(o.status, s.status) {
		list = append(list, whyStatus[s.status])
	}
	if !slices.Contains(o.groups, s.groups) || !slices.Contains(o.users, s.user) {
		list = append(list, "no_product_group")
	}
	if !slices.Contains(o.areas, s.areas) {
		list = append(list, "area_disabled")
	}
	if !slices.Contains(o.billing, s.billing) {
		list = append(list, whyBilling[s.billing])
	}
	if !slices.Contains(o.boundary, s.boundary) {
		list = append(list, "boundary_unacknowledged")
	}
	if !slices.Contains(o.credits, s.credits) {
		list = append(list, "credits_exhausted")
	}
	return list
}
