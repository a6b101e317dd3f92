package gateway

import (
	"context"
	"net/http"

	"github.com/archibot/archibotchat/core/app/relay"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
)

// gate asks again for a request whose account was changed while it came in.
type gate struct {
	*Gateway
	header  http.Header
	scope   keys.Scope
	account string
	model   string
}

var _ relay.Gate = (*gate)(nil)

// Again implements relay.Gate. What was decided by the key is decided anew.
func (g *gate) Again(ctx context.Context, refused int64) (int64, []ledger.Limit, error) {
	grant, err := g.cfg.Admit.Again(ctx, bearer(g.header), g.scope, g.account, refused)
	if err != nil {
		return 0, nil, err
	}
	if _, err := g.cfg.Models.Quote(grant.Key, g.model); err != nil {
		g.cfg.Admit.Refuse(ctx, grant, "model_not_allowed")
		return 0, nil, err
	}
	return grant.Account.Epoch, grant.Limits, nil
}
