package audit

import (
	"context"

	"github.com/archibot/archibotchat/core/access"
)

// By returns the actor of a context's principal.
func By(ctx context.Context) Actor {
	p := access.By(ctx)
	switch p.Kind {
	case access.PrincipalUser, access.PrincipalKey, access.PrincipalOperator, access.PrincipalService:
		return Actor{ActorKind(p.Kind), p.ID}
	}
	return Actor{Kind: ActorUnknown}
}
