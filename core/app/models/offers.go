package models

import (
	"context"
	"slices"

	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/pricing"
	port "github.com/archibot/archibotchat/ports/inference"
)

// Offer is a model that can chat, with its price in force.
type Offer struct {
	port.Model

	Price pricing.Price
	// Default says that it is asked where nobody chose one: the first that has a
	// price of its own, or else the first. One of them is.
	Default bool
}

// Offers returns the models that can chat and that a key may use, by ID. It fails
// as Prices does.
func (s *Service) Offers(ctx context.Context, k keys.Key) ([]Offer, error) {
	edition, err := s.deps.Prices.InForce()
	if err != nil {
		return nil, err
	}
	listed, err := s.List(ctx, k)
	if err != nil {
		return nil, err
	}
	var out []Offer
	first := -1
	for _, m := range listed {
		q, priced := edition.Find(m.ID)
		if !priced || !speaks(q.Price) {
			continue
		}
		if first < 0 && q.Entry == m.ID {
			first = len(out)
		}
		out = append(out, Offer{Model: m, Price: q.Price})
	}
	if len(out) > 0 {
		out[max(first, 0)].Default = true
	}
	return out, nil
}

// Default returns the ID of the model that is asked where nobody chose one.
// ErrUnknown: there is none. Otherwise it fails as Prices does.
func (s *Service) Default(ctx context.Context, k keys.Key) (string, error) {
	offers, err := s.Offers(ctx, k)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(offers, func(o Offer) bool { return o.Default })
	if i < 0 {
		return "", ErrUnknown
	}
	return offers[i].ID, nil
}

// speaks reports whether a model of a price can chat. What is paid for what goes
// in and not for what comes out makes no text: embeddings are sold so. Other
// models that make none, of pictures or of sound, cannot be told by their price.
func speaks(p pricing.Price) bool {
	return p.PerOutput > 0 || p.PerInput == 0 && p.PerCachedInput == 0
}
