package access

import (
	"slices"
	"strings"

	"github.com/archibot/archibotchat/core/fault"
)

// Group is a product group: membership that opens an area.
type Group string

// The product groups.
const (
	GroupAPI       Group = "api"
	GroupChat      Group = "chat"
	GroupOperator  Group = "operator"
	GroupWorkspace Group = "workspace"
)

// AllGroups lists every group, sorted.
var AllGroups = []Group{GroupAPI, GroupChat, GroupOperator, GroupWorkspace}

// Known reports whether g is one of AllGroups.
func (g Group) Known() bool { return slices.Contains(AllGroups, g) }

// Groups is a sorted set of known groups. The zero value is the empty set.
type Groups struct{ list []Group }

// NewGroups returns the set of the known groups among gs; unknown names are
// dropped, because an unknown group opens nothing.
func NewGroups(gs ...Group) Groups {
	var list []Group
	for _, g := range gs {
		if g.Known() && !slices.Contains(list, g) {
			list = append(list, g)
		}
	}
	slices.Sort(list)
	return Groups{list}
}

// ParseGroups reads a comma-separated list. An unknown name is an error: a
// person typed it and means something by it.
func ParseGroups(text string) (Groups, error) {
	var list []Group
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		if !Group(name).Known() {
			f := fault.New(fault.Invalid, "unknown_group", "There is no product group named "+strings.ToValidUTF8(name, "?")+". Use chat, api, workspace or operator.")
			f.Param = "groups"
			return Groups{}, f
		}
		list = append(list, Group(name))
	}
	return NewGroups(list...), nil
}

// Has reports whether g is in the set.
func (s Groups) Has(g Group) bool { return slices.Contains(s.list, g) }

// Empty reports whether the set has no group.
func (s Groups) Empty() bool { return len(s.list) == 0 }

// List returns the groups in order. The caller owns the slice.
func (s Groups) List() []Group { return slices.Clone(s.list) }

// Intersect returns the groups in both sets.
func (s Groups) Intersect(o Groups) Groups {
	var list []Group
	for _, g := range s.list {
		if o.Has(g) {
			list = append(list, g)
		}
	}
	return Groups{list}
}

// Equal reports whether both sets hold the same groups.
func (s Groups) Equal(o Groups) bool { return slices.Equal(s.list, o.list) }

// String returns the groups, comma-separated, as ParseGroups reads them.
func (s Groups) String() string {
	names := make([]string, len(s.list))
	for i, g := range s.list {
		names[i] = string(g)
	}
	return strings.Join(names, ",")
}
