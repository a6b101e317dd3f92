package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/pricing"
)

// ChatModel is a model that a question can go to, with its price.
type ChatModel struct {
	ID              string `json:"id" example:"gpt-5-mini"`
	Owner           string `json:"owner" doc:"Who offers it."`
	Default         bool   `json:"default" doc:"Whether it is asked where nobody chose one; so is one of the list."`
	Input           int64  `json:"input_microcredits_per_million" doc:"Microcredits for a million tokens of input."`
	CachedInput     int64  `json:"cached_input_microcredits_per_million" doc:"Microcredits for a million tokens of input that the provider had cached."`
	Output          int64  `json:"output_microcredits_per_million" doc:"Microcredits for a million tokens of output."`
	Request         int64  `json:"request_microcredits" doc:"Microcredits for each question, rounded up."`
	MaxOutputTokens int64  `json:"max_output_tokens" doc:"The longest answer, and what is held for it unless less is asked for."`
}

// ChatModels is the list of models, by ID.
type ChatModels struct {
	Models []ChatModel `json:"models" nullable:"false"`
}

type chatModelsOutput struct{ Body ChatModels }

func (s *server) registerChatModels() {
	op(s, huma.Operation{
		OperationID: "list-chat-models", Method: http.MethodGet, Path: "/api/models", Tags: []string{"Chat"},
		Summary: "List the models that can be asked", Description: "With the prices in force now. Whether the chat's gate is open is told by show-me.",
	}, s.listChatModels)
}

func (s *server) listChatModels(ctx context.Context, _ sessions.Current, _ *struct{}) (*chatModelsOutput, error) {
	offers, err := s.Models.Offers(ctx, keys.Key{})
	if err != nil {
		return nil, err
	}
	list := ChatModels{Models: []ChatModel{}}
	for _, o := range offers {
		list.Models = append(list.Models, ChatModel{
			ID: o.ID, Owner: o.OwnedBy, Default: o.Default, Input: perMillion(o.Price.PerInput), CachedInput: perMillion(o.Price.PerCachedInput),
			Output: perMillion(o.Price.PerOutput), Request: o.Price.PerRequest.Microcredits(), MaxOutputTokens: o.Price.MaxOutputTokens,
		})
	}
	return &chatModelsOutput{list}, nil
}

// perMillion returns the microcredits for a million tokens: a rate is in
// millionths of one for each.
func perMillion(r pricing.Rate) int64 { return int64(r) }
