package access

// Area is a part of the service that a gate guards.
type Area string

// The areas. Each is opened by the group of the same name.
const (
	AreaChat      Area = "chat"
	AreaAPI       Area = "api"
	AreaWorkspace Area = "workspace"
	AreaOperator  Area = "operator"
)

// Group returns the group that opens the area, or "" for an unknown area.
func (a Area) Group() Group {
	switch a {
	case AreaChat, AreaAPI, AreaWorkspace, AreaOperator:
		return Group(a)
	}
	return ""
}
