package upstream_test

import (
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
	"github.com/stretchr/testify/require"
)

// How long to wait for what happens in another goroutine.
const (
	waitFor = 10 * time.Second
	tick    = 2 * time.Millisecond
)

func TestServer_SDK(t *testing.T) {
	t.Parallel()
	_, h := start(t)
	c := openai.NewClient(option.WithAPIKey(key), option.WithBaseURL(h.URL+"/v1"), option.WithHTTPClient(h.Client()))
	chat := openai.ChatCompletionNewParams{
		Model:         "test-chunks5",
		Messages:      []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Hello")},
		StreamOptions: openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)},
	}
	ask := responses.ResponseNewParams{
		Model: "test-chunks5", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("Hello")},
	}
	const want = "word0 word1 word2 word3 word4 "

	t.Run("chat", func(t *testing.T) {
		got, err := c.Chat.Completions.New(t.Context(), chat)
		require.NoError(t, err)
		require.Equal(t, want, got.Choices[0].Message.Content)
		require.EqualValues(t, 200, got.Usage.TotalTokens)
	})
	t.Run("chat stream", func(t *testing.T) {
		s := c.Chat.Completions.NewStreaming(t.Context(), chat)
		var acc openai.ChatCompletionAccumulator
		for s.Next() {
			require.True(t, acc.AddChunk(s.Current()))
		}
		require.NoError(t, s.Err())
		require.Equal(t, want, acc.Choices[0].Message.Content)
		require.EqualValues(t, 100, acc.Usage.CompletionTokens)
	})
	t.Run("responses", func(t *testing.T) {
		got, err := c.Responses.New(t.Context(), ask)
		require.NoError(t, err)
		require.Equal(t, want, got.OutputText())
		require.EqualValues(t, 200, got.Usage.TotalTokens)
	})
	t.Run("responses stream", func(t *testing.T) {
		s := c.Responses.NewStreaming(t.Context(), ask)
		text, next := "", int64(0)
		var last responses.ResponseStreamEventUnion
		for s.Next() {
			last = s.Current()
			require.Equal(t, next, last.SequenceNumber)
			next++
			if last.Type == "response.output_text.delta" {
				text += last.Delta
			}
		}
		require.NoError(t, s.Err())
		require.Equal(t, want, text)
		require.Equal(t, "response.completed", last.Type)
		require.Equal(t, want, last.Response.OutputText())
	})
	t.Run("models and embeddings", func(t *testing.T) {
		page, err := c.Models.List(t.Context())
		require.NoError(t, err)
		require.Len(t, page.Data, 2)
		e, err := c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{
			Model: "test", Input: openai.EmbeddingNewParamsInputUnion{OfString: openai.String("Hello")},
		})
		require.NoError(t, err)
		require.Len(t, e.Data, 1)
	})
}
