package access

import "context"

// PrincipalKind says what sort of party acts.
type PrincipalKind string

// The kinds. The zero value is nobody.
const (
	PrincipalUser     PrincipalKind = "user"     // a signed-in session
	PrincipalKey      PrincipalKind = "key"      // an API key
	PrincipalOperator PrincipalKind = "operator" // staff, or the command line
	PrincipalService  PrincipalKind = "service"  // the service itself
)

// Principal is who acts, as a host has verified it.
type Principal struct {
	Kind    PrincipalKind
	ID      string // user_…, key_…, the operator's name, or empty
	Account string // the account acted in; empty for operators
	User    string // empty where no user is known
	Role    Role
	Session string // ses_…
}

// Key returns the ID of the API key that acts, "" for anybody else.
func (p Principal) Key() string {
	if p.Kind == PrincipalKey {
		return p.ID
	}
	return ""
}

// Admin reports whether the principal may manage the account.
func (p Principal) Admin() bool {
	return p.Kind == PrincipalOperator || p.Kind == PrincipalUser && p.Role == RoleAdmin
}

type contextKey uint8

const (
	requestKey contextKey = iota
	principalKey
)

// WithRequest returns a context that carries the request ID.
func WithRequest(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey, id)
}

// Request returns the request ID in ctx, or "".
func Request(ctx context.Context) string {
	id, _ := ctx.Value(requestKey).(string)
	return id
}

// WithPrincipal returns a context that carries who acts.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey, p)
}

// By returns who acts in ctx; nobody if no host has said so.
func By(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey).(Principal)
	return p
}
