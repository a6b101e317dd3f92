package inference_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/archibot/archibotchat/core/inference"
)

func TestCall_Plausible(t *testing.T) { // W6
	t.Parallel()
	chat := inference.Call{Route: inference.ChatCompletions, BodyBytes: 100, OutputLimit: 50, N: 2}
	open := inference.Call{Route: inference.Responses, BodyBytes: 100, N: 1}
	embeddings := inference.Call{Route: inference.Embeddings, BodyBytes: 100, N: 1}
	endless := inference.Call{Route: inference.ChatCompletions, BodyBytes: 100, OutputLimit: math.MaxInt64, N: 2}
	type usage = inference.Usage
	for name, c := range map[string]struct {
		call inference.Call
		in   usage
		want usage
	}{
		"ordinary":                  {chat, usage{Input: 30, Cached: 10, Output: 100}, usage{Input: 30, Cached: 10, Output: 100}},
		"instructions of its own":   {chat, usage{Input: 1124, Output: 100}, usage{Input: 1124, Output: 100}},
		"an image by its address":   {chat, usage{Input: 1200, Output: 20}, usage{Input: 1200, Output: 20}},
		"too much input":            {chat, usage{Input: 5000, Cached: 4000, Output: 20}, usage{Input: 1204, Cached: 1204, Output: 20, Estimated: true}},
		"too much output":           {chat, usage{Input: 30, Output: 101}, usage{Input: 30, Output: 100, Estimated: true}},
		"too much of both":          {chat, usage{Input: 5000, Output: 5000}, usage{Input: 1124, Output: 100, Estimated: true}},
		"the model's limit":         {open, usage{Input: 30, Output: 1000}, usage{Input: 30, Output: 1000}},
		"beyond the model's limit":  {open, usage{Input: 30, Output: 1001}, usage{Input: 30, Output: 1000, Estimated: true}},
		"embeddings write nothing":  {embeddings, usage{Input: 30, Output: 1}, usage{Input: 30, Estimated: true}},
		"without a limit worth one": {endless, usage{Input: 999_999, Output: 999_999}, usage{Input: 999_999, Output: 999_999}},
		"estimated before":          {chat, usage{Input: 30, Output: 20, Estimated: true}, usage{Input: 30, Output: 20, Estimated: true}},
	} {
		got, ok := c.call.Plausible(c.in, 1000)
		require.Equal(t, c.want, got, name)
		require.Equal(t, c.in == c.want, ok, name)
	}
}

func TestCall_Plausible_properties(t *testing.T) { // W6, L1
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := inference.Call{Route: inference.ChatCompletions, BodyBytes: rapid.IntRange(0, 20<<20).Draw(t, "body"), OutputLimit: rapid.Int64Min(0).Draw(t, "limit"), N: rapid.Int64Range(1, 128).Draw(t, "n")}
		most := rapid.Int64Range(1, 100_000_000).Draw(t, "model's limit")
		u := inference.Usage{Input: rapid.Int64Range(0, 1e9).Draw(t, "input"), Output: rapid.Int64Range(0, 1e9).Draw(t, "output")}
		u.Cached = rapid.Int64Range(0, u.Input).Draw(t, "cached")
		got, ok := c.Plausible(u, most)
		input, output := c.TokenBound(most)
		require.LessOrEqual(t, got.Output, output)
		require.LessOrEqual(t, got.Cached, got.Input)
		require.True(t, got.Input >= 0 && got.Output >= 0 && got.Input <= u.Input && got.Output <= u.Output)
		require.Equal(t, u == got, ok)
		if u.Input <= input && u.Output <= output {
			require.True(t, ok, "what was set aside for is always plausible")
		}
		again, ok := c.Plausible(got, most)
		require.True(t, ok)
		require.Equal(t, got, again)
	})
}
