package access

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/archibot/archibotchat/core/fault"
)

// Status is where an account is in its life.
type Status string

// The statuses. Anything else, the empty one too, opens nothing.
const (
	StatusPending   Status = "pending"
	StatusActive    Status = "active"
	StatusSuspended Status = "suspended"
	StatusClosed    Status = "closed"
)

// Known reports whether s is one of the statuses.
func (s Status) Known() bool {
	switch s {
	case StatusPending, StatusActive, StatusSuspended, StatusClosed:
		return true
	}
	return false
}

// Account is the customer: it owns credits, keys, artifacts and events.
type Account struct {
	ID        string // acct_…
	Name      string
	Status    Status
	Groups    Groups
	Epoch     int64 // raised by each change that a gate could see
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Role is what a member may do within an account.
type Role string

// The roles.
const (
	RoleMember Role = "member"
	RoleAdmin  Role = "admin"
)

// Member is a user of an account. Groups are those last seen at sign-in.
type Member struct {
	Account string
	User    string // user_…
	Role    Role
	Groups  Groups
}

// MaxName bounds account names and key names, in characters.
const MaxName = 100

// CheckName returns the name without surrounding space, or a fault if it is
// empty, too long, or holds control or bidirectional formatting characters.
func CheckName(name, param string) (string, error) {
	name = strings.TrimSpace(name)
	bad := func(msg string) (string, error) {
		f := fault.New(fault.Invalid, "invalid_name", msg)
		f.Param = param
		return "", f
	}
	switch {
	case name == "":
		return bad("Give a name.")
	case !utf8.ValidString(name):
		return bad("The name is not valid text (UTF-8).")
	case utf8.RuneCountInString(name) > MaxName:
		return bad("The name is too long; use at most 100 characters.")
	}
	for _, r := range name {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return bad("The name holds a character that cannot be shown.")
		}
	}
	return name, nil
}
