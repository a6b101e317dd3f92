package gates_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/keys"
)

var (
	areas       = []access.Area{access.AreaChat, access.AreaAPI, access.AreaWorkspace, access.AreaOperator, "", "attic"}
	credentials = []gates.Credential{gates.NoCredential, gates.Session, gates.Key, 9}
	keyStates   = []keys.State{"", keys.StateActive, keys.StateExpired, keys.StateRevoked, keys.StateElsewhere}
	statuses    = []access.Status{"", access.StatusPending, access.StatusActive, access.StatusSuspended, access.StatusClosed, "odd"}
	rules       = []gates.GroupRule{gates.GroupsUnknown, gates.GroupsRequired, gates.GroupsNone, 9}
	billings    = []billing.State{
		"", billing.None, billing.Incomplete, billing.Trial, billing.Active, billing.OperatorApproved, billing.PastDue,
		billing.Review, billing.Cancelled, "odd",
	}
	boundaries = []gates.Boundary{gates.BoundaryUnknown, gates.BoundaryNotRequired, gates.BoundaryAcknowledged, gates.BoundaryMissing}
	credits    = []gates.Credits{gates.CreditsUnknown, gates.CreditsUnchecked, gates.CreditsAvailable, gates.CreditsNone}
)

// sets are the two that matter to an area: every group but its own, and its own alone.
func sets(a access.Area) []access.Groups {
	own := access.Group(a)
	rest := slices.DeleteFunc(slices.Clone(access.AllGroups), func(g access.Group) bool { return g == own })
	return []access.Groups{access.NewGroups(rest...), access.NewGroups(own)}
}

// entry is what a combination is looked up by. Groups are the index in sets:
// 1 holds the area's own group.
type entry struct {
	area       access.Area
	credential gates.Credential
	keyState   keys.State
	status     access.Status
	rule       gates.GroupRule
	billing    billing.State
	boundary   gates.Boundary
	credits    gates.Credits
	account    uint8
	user       uint8
	enabled    uint8
}

// allowed is the whole list of what opens a product area, written out by
// hand: whatever is not here is closed (A4, G3, G4).
var allowed = struct {
	areas       []access.Area
	credentials []gates.Credential // a key only while it is active
	groups      []struct {
		rule          gates.GroupRule
		account, user []uint8
	}
	billing  []billing.State
	boundary []gates.Boundary
	credits  []gates.Credits
}{
	areas:       []access.Area{"chat", "api", "workspace"},
	credentials: []gates.Credential{gates.Session, gates.Key},
	groups: []struct {
		rule          gates.GroupRule
		account, user []uint8
	}{
		{gates.GroupsRequired, []uint8{1}, []uint8{1}},
		{gates.GroupsNone, []uint8{1}, []uint8{0, 1}},
	},
	billing:  []billing.State{"active", "trial", "operator_approved"},
	boundary: []gates.Boundary{gates.BoundaryNotRequired, gates.BoundaryAcknowledged},
	credits:  []gates.Credits{gates.CreditsUnchecked, gates.CreditsAvailable},
}

// allowList expands the list into the set of open combinations.
func allowList() map[entry]bool {
	open := map[entry]bool{}
	add := func(e entry) {
		for _, k := range keyStates {
			if e.credential == gates.Key && k != "active" {
				continue
			}
			e.keyState = k
			open[e] = true
		}
	}
	for _, area := range allowed.areas {
		for _, c := range allowed.credentials {
			for _, g := range allowed.groups {
				for _, b := range allowed.billing {
					for _, bd := range allowed.boundary {
						for _, cr := range allowed.credits {
							for _, acc := range g.account {
								for _, user := range g.user {
									add(entry{area, c, "", "active", g.rule, b, bd, cr, acc, user, 1})
								}
							}
						}
					}
				}
			}
		}
	}
	// The operator area: a session whose user has the group, and nothing else
	// about the account matters.
	for _, status := range statuses {
		for _, b := range billings {
			for _, bd := range boundaries {
				for _, cr := range credits {
					for acc := range uint8(2) {
						add(entry{"operator", gates.Session, "", status, gates.GroupsRequired, b, bd, cr, acc, 1, 1})
					}
				}
			}
		}
	}
	return open
}

func TestDecide_Matrix(t *testing.T) { // G1, G3, A4
	t.Parallel()
	open := allowList()
	want := len(open)
	seen := 0
	for _, area := range areas {
		groups := sets(area)
		for _, c := range credentials {
			for _, k := range keyStates {
				for _, s := range statuses {
					for _, r := range rules {
						for _, b := range billings {
							for _, bd := range boundaries {
								for _, cr := range credits {
									for g := range uint8(8) {
										e := entry{area, c, k, s, r, b, bd, cr, g & 1, g >> 1 & 1, g >> 2}
										in := gates.Input{
											Area: area, Credential: c, KeyState: k, Account: s, Groups: groups[e.account], UserRule: r,
											UserGroups: groups[e.user], Enabled: groups[e.enabled], Billing: b, Boundary: bd, Credits: cr,
										}
										d := gates.Decide(in)
										if d.Allowed != open[e] || d.Allowed != (len(d.Reasons) == 0) {
											t.Fatalf("%+v: allowed %v for %v", in, d.Allowed, d.Reasons)
										}
										if d.Allowed {
											seen++
										}
									}
								}
							}
						}
					}
				}
			}
		}
	}
	require.Equal(t, want, seen, "every line of the list was met")
}

func good() gates.Input {
	all := access.NewGroups(access.AllGroups...)
	return gates.Input{
		Area: access.AreaAPI, Credential: gates.Key, KeyState: keys.StateActive, Account: access.StatusActive, Groups: all,
		UserRule: gates.GroupsRequired, UserGroups: all, Enabled: all, Billing: billing.Active, Boundary: gates.BoundaryAcknowledged, Credits: gates.CreditsAvailable,
	}
}

func TestDecide_Reasons(t *testing.T) { // G2
	t.Parallel()
	require.Equal(t, gates.Decision{Allowed: true}, gates.Decide(good()))
	without := access.NewGroups(access.GroupChat)
	for name, c := range map[string]struct {
		change func(in *gates.Input)
		want   []gates.Reason
	}{
		"no credential":      {func(in *gates.Input) { in.Credential = gates.NoCredential }, []gates.Reason{"not_signed_in"}},
		"unknown credential": {func(in *gates.Input) { in.Credential = 9 }, []gates.Reason{"not_signed_in"}},
		"unknown key":        {func(in *gates.Input) { in.KeyState = "" }, []gates.Reason{"not_signed_in"}},
		"revoked key":        {func(in *gates.Input) { in.KeyState = keys.StateRevoked }, []gates.Reason{"key_revoked"}},
		"expired key":        {func(in *gates.Input) { in.KeyState = keys.StateExpired }, []gates.Reason{"key_expired"}},
		"elsewhere":          {func(in *gates.Input) { in.KeyState = keys.StateElsewhere }, []gates.Reason{"network_not_allowed"}},
		"closed":             {func(in *gates.Input) { in.Account = access.StatusClosed }, []gates.Reason{"account_closed"}},
		"suspended":          {func(in *gates.Input) { in.Account = access.StatusSuspended }, []gates.Reason{"account_suspended"}},
		"pending":            {func(in *gates.Input) { in.Account = access.StatusPending }, []gates.Reason{"account_pending"}},
		"unknown status":     {func(in *gates.Input) { in.Account = "" }, []gates.Reason{"account_pending"}},
		"account's groups":   {func(in *gates.Input) { in.Groups = without }, []gates.Reason{"no_product_group"}},
		"user's groups":      {func(in *gates.Input) { in.UserGroups = without }, []gates.Reason{"no_product_group"}},
		"unknown rule":       {func(in *gates.Input) { in.UserRule = gates.GroupsUnknown }, []gates.Reason{"no_product_group"}},
		"disabled":           {func(in *gates.Input) { in.Enabled = without }, []gates.Reason{"area_disabled"}},
		"unknown area":       {func(in *gates.Input) { in.Area = "attic" }, []gates.Reason{"no_product_group", "area_disabled"}},
		"past due":           {func(in *gates.Input) { in.Billing = billing.PastDue }, []gates.Reason{"billing_incomplete"}},
		"unknown billing":    {func(in *gates.Input) { in.Billing = "" }, []gates.Reason{"billing_incomplete"}},
		"review":             {func(in *gates.Input) { in.Billing = billing.Review }, []gates.Reason{"payment_review"}},
		"boundary missing":   {func(in *gates.Input) { in.Boundary = gates.BoundaryMissing }, []gates.Reason{"boundary_unacknowledged"}},
		"boundary unknown":   {func(in *gates.Input) { in.Boundary = gates.BoundaryUnknown }, []gates.Reason{"boundary_unacknowledged"}},
		"no credits":         {func(in *gates.Input) { in.Credits = gates.CreditsNone }, []gates.Reason{"credits_exhausted"}},
		"unknown credits":    {func(in *gates.Input) { in.Credits = gates.CreditsUnknown }, []gates.Reason{"credits_exhausted"}},
		"nothing known": {func(in *gates.Input) { *in = gates.Input{} }, []gates.Reason{
			"not_signed_in", "account_pending", "no_product_group",
			"area_disabled", "billing_incomplete", "boundary_unacknowledged", "credits_exhausted",
		}},
		"all wrong, in order": {func(in *gates.Input) {
			*in = gates.Input{Area: access.AreaChat, Credential: gates.Key, KeyState: keys.StateRevoked, Account: access.StatusSuspended, Billing: billing.Review}
		}, []gates.Reason{"key_revoked", "account_suspended", "no_product_group", "area_disabled", "payment_review", "boundary_unacknowledged", "credits_exhausted"}},
	} {
		in := good()
		c.change(&in)
		d := gates.Decide(in)
		require.False(t, d.Allowed, name)
		require.Equal(t, c.want, d.Reasons, name)
		require.Equal(t, c.want[0], d.First(), name)
		for _, r := range c.want {
			require.True(t, d.Has(r))
		}
		require.False(t, d.Has("no such reason"))
	}
	require.Empty(t, gates.Decide(good()).First())
}

func TestBoundary_Of(t *testing.T) { // A8, G3
	t.Parallel()
	for _, c := range []struct {
		of                    gates.Boundary
		version, acknowledged string
		want                  gates.Boundary
	}{
		{gates.BoundaryMissing, "v1", "v1", gates.BoundaryAcknowledged},
		{gates.BoundaryMissing, "v2", "v1", gates.BoundaryMissing},
		{gates.BoundaryMissing, "v1", "", gates.BoundaryMissing},
		{gates.BoundaryMissing, "", "", gates.BoundaryMissing},
		{gates.BoundaryUnknown, "v1", "v1", gates.BoundaryUnknown},
		{gates.BoundaryNotRequired, "v1", "", gates.BoundaryNotRequired},
		{9, "v1", "v1", 9},
	} {
		require.Equal(t, c.want, c.of.Of(c.version, c.acknowledged), c)
	}
}

func TestDecide_OperatorArea(t *testing.T) { // A4
	t.Parallel()
	operator := access.NewGroups(access.GroupOperator)
	bare := gates.Input{Area: access.AreaOperator, Credential: gates.Session, UserRule: gates.GroupsRequired, UserGroups: operator, Enabled: operator}
	require.True(t, gates.Decide(bare).Allowed, "neither account nor billing counts")
	for name, c := range map[string]struct {
		change func(in *gates.Input)
		want   []gates.Reason
	}{
		"never a key":                  {func(in *gates.Input) { in.Credential, in.KeyState = gates.Key, keys.StateActive }, []gates.Reason{"no_product_group"}},
		"never by the account's group": {func(in *gates.Input) { in.UserGroups, in.Groups = access.Groups{}, operator }, []gates.Reason{"no_product_group"}},
		"never without user groups":    {func(in *gates.Input) { in.UserRule, in.Groups = gates.GroupsNone, operator }, []gates.Reason{"no_product_group"}},
		"other groups": {
			func(in *gates.Input) {
				in.UserGroups = access.NewGroups(access.GroupAPI, access.GroupChat, access.GroupWorkspace)
			},
			[]gates.Reason{"no_product_group"},
		},
		"disabled": {func(in *gates.Input) { in.Enabled = access.Groups{} }, []gates.Reason{"area_disabled"}},
	} {
		in := bare
		c.change(&in)
		require.Equal(t, c.want, gates.Decide(in).Reasons, name)
	}
}

func TestReason_Texts(t *testing.T) { // G2
	t.Parallel()
	all := []gates.Reason{
		"not_signed_in", "account_pending", "account_suspended", "account_closed", "no_product_group", "area_disabled", "billing_incomplete",
		"payment_review", "boundary_unacknowledged", "credits_exhausted", "budget_reached", "key_expired", "key_revoked", "model_not_allowed", "rate_limited", "network_not_allowed",
	}
	seen := map[string]gates.Reason{}
	for _, r := range all {
		for _, text := range []string{r.Sentence(), r.NextStep()} {
			require.Greater(t, len(text), 10, r)
			require.Equal(t, byte('.'), text[len(text)-1], r)
		}
		require.Empty(t, seen[r.Sentence()], "two reasons read alike")
		seen[r.Sentence()] = r
	}
	require.Empty(t, gates.Reason("odd").Sentence())
}
