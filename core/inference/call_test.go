package inference_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/archibot/archibotchat/core/inference"
)

// W6: a chat stream is asked for its usage by one splice; all else is forwarded
// byte for byte.
func TestCall_Forward(t *testing.T) {
	t.Parallel()
	const c, r = inference.ChatCompletions, inference.Responses
	const ask = `"stream_options":{"include_usage":true}`
	tests := map[string]struct {
		route      inference.Route
		body, want string
	}{
		"no options":        {c, ` {"model":"m","messages":[],"stream":true}`, ` {` + ask + `,"model":"m","messages":[],"stream":true}`},
		"null":              {c, chat(`"stream":true,"stream_options": null `), chat(`"stream":true,"stream_options": {"include_usage":true} `)},
		"before the stream": {c, chat(`"stream_options":null,"stream":true`), chat(ask + `,"stream":true`)},
		"empty":             {c, chat(`"stream":true,"stream_options":{ }`), chat(`"stream":true,"stream_options":{"include_usage":true }`)},
		"other option":      {c, chat(`"stream":true,"stream_options":{"x":[1e400]}`), chat(`"stream":true,"stream_options":{"include_usage":true,"x":[1e400]}`)},
		"refused":           {c, chat(`"stream":true,"stream_options":{"x":1,"include_usage":false}`), chat(`"stream":true,"stream_options":{"x":1,"include_usage":true}`)},
		"null usage":        {c, chat(`"stream":true,"stream_options":{"include_\u0075sage":null}`), chat(`"stream":true,"stream_options":{"include_\u0075sage":true}`)},
		"asked already":     {c, chat(`"stream":true,` + ask), ""},
		"no stream":         {c, chat(`"stream":false`), ""},
		"no stream, asked":  {c, chat(ask), ""},
		"response":          {r, response(`"stream":true`), ""},
		"response, options": {r, response(`"stream":true,"stream_options":{"include_usage":false}`), ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := []byte(tc.body)
			call, err := inference.Scan(tc.route, body)
			require.NoError(t, err)
			got := call.Forward(body)
			require.Equal(t, tc.body, string(body), "the body is left alone")
			if tc.want == "" {
				require.Same(t, &body[0], &got[0])
				require.Len(t, got, len(body))
				return
			}
			require.Equal(t, tc.want, string(got))
			again, err := inference.Scan(tc.route, got)
			require.NoError(t, err)
			require.True(t, again.IncludeUsage)
		})
	}
}

// HOTPATH 10.
func TestCall_TokenBound(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		call      inference.Call
		maxOutput int64
		output    int64
	}{
		"model's limit":     {inference.Call{Route: inference.ChatCompletions, N: 1}, 100, 100},
		"client's limit":    {inference.Call{Route: inference.ChatCompletions, N: 1, OutputLimit: 7}, 100, 7},
		"larger than known": {inference.Call{Route: inference.Responses, N: 1, OutputLimit: 700}, 100, 700},
		"choices":           {inference.Call{Route: inference.ChatCompletions, N: 3, OutputLimit: 7}, 100, 21},
		"saturated":         {inference.Call{Route: inference.ChatCompletions, N: 2, OutputLimit: math.MaxInt64/2 + 1}, 1, math.MaxInt64},
		"just fits":         {inference.Call{Route: inference.ChatCompletions, N: 2, OutputLimit: math.MaxInt64 / 2}, 1, math.MaxInt64 - 1},
		"zero call":         {inference.Call{}, 5, 5},
		"negative maximum":  {inference.Call{N: 2}, -5, 0},
		"earlier response":  {inference.Call{Route: inference.Responses, N: 1, Context: 900}, 5, 5},
		"absurd context":    {inference.Call{Route: inference.Responses, N: 1, Context: math.MaxInt64}, 5, 5},
		"embeddings":        {inference.Call{Route: inference.Embeddings, N: 1}, 100, 0},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.call.BodyBytes = 42
			input, output := tc.call.TokenBound(tc.maxOutput)
			require.Equal(t, 42+min(tc.call.Context, int64(1)<<50), input)
			require.Equal(t, tc.output, output)
		})
	}
}

// Whatever else a request holds and in whatever order, Scan finds what it must
// and Forward adds nothing but the wish for usage.
func TestScan_Property(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		model := rapid.StringMatching(`[ -~é😀]{1,30}`).Draw(t, "model")
		stream := rapid.Bool().Draw(t, "stream")
		limit := rapid.Int64Range(0, math.MaxInt64).Draw(t, "limit")
		n := rapid.Int64Range(1, 128).Draw(t, "n")
		members := []string{
			member("model", model), member("stream", stream), member("max_tokens", limit),
			member("n", n), member("messages", []any{rapid.String().Draw(t, "content")}),
		}
		for i := range rapid.IntRange(0, 40).Draw(t, "others") {
			members = append(members, member(fmt.Sprintf("other %d", i), rapid.String().Draw(t, "value")))
		}
		body := []byte("{" + strings.Join(rapid.Permutation(members).Draw(t, "order"), " , ") + "}")

		call, err := inference.Scan(inference.ChatCompletions, body)
		if err != nil {
			t.Fatal(err)
		}
		if call.Model != model || call.Stream != stream || call.OutputLimit != limit || call.N != n {
			t.Fatalf("%+v", call)
		}
		if got := without(call.Forward(body)); got != without(body) {
			t.Fatalf("%s became %s", body, got)
		}
	})
}

func member(name string, value any) string {
	encoded, err := json.Marshal(map[string]any{name: value})
	if err != nil {
		panic(err)
	}
	return string(encoded[1 : len(encoded)-1])
}

// without returns the members of body in one order, raw, but for stream_options.
func without(body []byte) string {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return err.Error()
	}
	delete(members, "stream_options")
	lines := new(strings.Builder)
	for _, name := range sortedKeys(members) {
		fmt.Fprintf(lines, "%q: %s\n", name, members[name])
	}
	return lines.String()
}
