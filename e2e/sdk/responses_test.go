//go:build e2e

package sdk_test

import (
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

// asking returns the parameters of a small response.
func asking(model, previous string) responses.ResponseNewParams {
	p := responses.ResponseNewParams{
		Model: model, MaxOutputTokens: openai.Int(harness.MaxOutput),
		Input: responses.ResponseNewParamsInputUnion{OfInputItemList: responses.ResponseInputParam{
			responses.ResponseInputItemParamOfMessage("First.", responses.EasyInputMessageRoleUser),
			responses.ResponseInputItemParamOfMessage("Second.", responses.EasyInputMessageRoleUser),
			responses.ResponseInputItemParamOfMessage("Third.", responses.EasyInputMessageRoleUser),
		}},
	}
	if previous != "" {
		p.PreviousResponseID = openai.String(previous)
	}
	return p
}

// requireNotFound requires the SDK's error for what is not there.
func requireNotFound(t *testing.T, err error) string {
	t.Helper()
	var failure *openai.Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, 404, failure.StatusCode)
	require.Equal(t, "not_found", failure.Code)
	require.NotEmpty(t, failure.Response.Header.Get("X-Request-Id"))
	return failure.Message
}

// W1, W4: the life of a stored response, and what others see of it.
func (f *fixture) objects(t *testing.T) {
	ctx := t.Context()
	api, other := f.client("good").API(), f.client("other").API()
	const model = "tok-in120-out80-chunks4"
	first, err := api.Responses.New(ctx, asking(model, ""))
	require.NoError(t, err)

	got, err := api.Responses.Get(ctx, first.ID, responses.ResponseGetParams{Include: []responses.ResponseIncludable{responses.ResponseIncludableMessageOutputTextLogprobs}})
	require.NoError(t, err)
	require.Equal(t, first.ID, got.ID)
	require.Equal(t, first.OutputText(), got.OutputText())

	items := api.Responses.InputItems.ListAutoPaging(ctx, first.ID, responses.InputItemListParams{Limit: openai.Int(2), Order: "asc"})
	texts := ""
	for items.Next() {
		texts += items.Current().AsMessage().Content[0].Text
	}
	require.NoError(t, items.Err())
	require.Equal(t, "First.Second.Third.", texts)

	// Going on from it, as JSON and from a stream, is paid for as its usage says.
	second, err := api.Responses.New(ctx, asking(model, first.ID))
	require.NoError(t, err)
	require.Equal(t, first.ID, second.PreviousResponseID)
	stream := api.Responses.NewStreaming(ctx, asking(model, second.ID))
	third := ""
	for stream.Next() {
		if e := stream.Current(); e.Type == "response.completed" {
			third = e.Response.ID
		}
	}
	require.NoError(t, stream.Err())
	_, err = api.Responses.New(ctx, asking(model, third))
	require.NoError(t, err)

	// Another account sees of all that as much as of nothing.
	before := f.site.Show(t, f.holders["other"].account).Credits.Available
	unknown := requireNotFound(t, get(t, other, "resp_unknown"))
	require.Equal(t, unknown, requireNotFound(t, get(t, other, first.ID)))
	_, err = other.Responses.InputItems.List(ctx, first.ID, responses.InputItemListParams{})
	require.Equal(t, unknown, requireNotFound(t, err))
	_, err = other.Responses.Cancel(ctx, first.ID)
	require.Equal(t, unknown, requireNotFound(t, err))
	require.Equal(t, unknown, requireNotFound(t, other.Responses.Delete(ctx, first.ID)))
	_, err = other.Responses.New(ctx, asking(model, first.ID))
	require.Equal(t, unknown, requireNotFound(t, err))
	require.Equal(t, before, f.site.Show(t, f.holders["other"].account).Credits.Available)

	paid := f.site.Show(t, f.holders["good"].account).Credits.Available
	cancelled, err := api.Responses.Cancel(ctx, second.ID)
	require.NoError(t, err)
	require.EqualValues(t, "cancelled", cancelled.Status)
	for _, id := range []string{first.ID, second.ID, third} {
		require.NoError(t, api.Responses.Delete(ctx, id))
		require.Equal(t, unknown, requireNotFound(t, get(t, api, id)))
		require.Equal(t, unknown, requireNotFound(t, api.Responses.Delete(ctx, id)))
		_, err = api.Responses.New(ctx, asking(model, id))
		require.Equal(t, unknown, requireNotFound(t, err))
	}
	require.Equal(t, paid, f.site.Show(t, f.holders["good"].account).Credits.Available, "free of charge")

	unstored := asking(model, "")
	unstored.Store = openai.Bool(false)
	once, err := api.Responses.New(ctx, unstored)
	require.NoError(t, err)
	require.Equal(t, unknown, requireNotFound(t, get(t, api, once.ID)))
}

func get(t *testing.T, api openai.Client, id string) error {
	t.Helper()
	_, err := api.Responses.Get(t.Context(), id, responses.ResponseGetParams{}, option.WithMaxRetries(0))
	return err
}

// W4: an ID that a client has seen is its account's, also when the server dies in
// the next moment.
func (f *fixture) killed(t *testing.T) {
	seen := map[string]bool{}
	for range 5 {
		api := f.client("good").API()
		stream := api.Responses.NewStreaming(t.Context(), asking("tok-gap50-chunks200", ""))
		require.True(t, stream.Next(), stream.Err())
		e := stream.Current()
		require.Equal(t, "response.created", e.Type)
		f.replica.Kill()
		_ = stream.Close()
		f.replica = f.site.Start(t)
		seen[e.Response.ID] = true
	}
	api, other := f.client("good").API(), f.client("other").API()
	for id := range seen {
		requireNotFound(t, get(t, other, id))
		var failure *openai.Error
		require.ErrorAs(t, get(t, api, id), &failure)
		require.Equal(t, "response_unfinished", failure.Code, "its own, but not paid for to the end")
		require.NoError(t, api.Responses.Delete(t.Context(), id))
	}
	require.Len(t, seen, 5)
}
