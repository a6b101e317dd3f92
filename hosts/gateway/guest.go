package gateway

import (
	"context"

	"github.com/archibot/archibotchat/core/app/admit"
	"github.com/archibot/archibotchat/core/app/relay"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/core/pricing"
)

// guest is an admitted request that wants a model.
type guest struct {
	*Gateway
	visit admit.Visit
	grant admit.Grant
	model string
	stay  admit.Stay
}

var _ relay.Gate = (*guest)(nil)

// quote returns the price of the model, if the key may use it.
func (g *guest) quote(ctx context.Context) (pricing.Quote, error) {
	q, err := g.cfg.Models.Quote(g.grant.Key, g.model)
	if err != nil {
		g.cfg.Admit.Refuse(ctx, g.grant, "model_not_allowed")
	}
	return q, err
}

// Watch implements relay.Gate.
func (g *guest) Watch(cut func(error)) { g.stay.Watch(cut) }

// Again implements relay.Gate. All that was decided by the key is decided anew.
func (g *guest) Again(ctx context.Context, refused int64) (int64, []ledger.Limit, error) {
	grant, err := g.cfg.Admit.Again(ctx, g.visit, g.grant.Account.ID, refused)
	if err != nil {
		return 0, nil, err
	}
	g.grant = grant
	if _, err := g.quote(ctx); err != nil {
		return 0, nil, err
	}
	return grant.Account.Epoch, grant.Limits, nil
}
