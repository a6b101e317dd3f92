package inference_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/inference"
)

// W6: usage is read from the upstream.
func TestResponseUsage(t *testing.T) {
	t.Parallel()
	const c, r, e = inference.ChatCompletions, inference.Responses, inference.Embeddings
	type usage = inference.Usage
	tests := map[string]struct {
		route inference.Route
		body  string
		want  usage
		ok    bool
	}{
		"chat": {
			c, `{"id":"x","choices":[{"message":{"content":"a \"usage\": {"}}],"usage":{"prompt_tokens":12,"completion_tokens":34,"total_tokens":46}}`,
			usage{Input: 12, Output: 34},
			true,
		},
		"cached":           {c, `{"usage":{"prompt_tokens":12,"completion_tokens":3,"prompt_tokens_details":{"audio_tokens":9,"cached_tokens":8}}}`, usage{Input: 12, Cached: 8, Output: 3}, true},
		"cached over all":  {c, `{"usage":{"prompt_tokens":12,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":80}}}`, usage{Input: 12, Cached: 12, Output: 3}, true},
		"null details":     {c, `{"usage":{"prompt_tokens":12,"completion_tokens":3,"prompt_tokens_details":null}}`, usage{Input: 12, Output: 3}, true},
		"odd cached":       {c, `{"usage":{"prompt_tokens":12,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":-1}}}`, usage{Input: 12, Output: 3}, true},
		"white space":      {c, " { \"usage\" : {\n\"prompt_tokens\" : 1 , \"completion_tokens\" : 0 } }\n", usage{Input: 1}, true},
		"response":         {r, `{"output":[{"usage":{"input_tokens":1}}],"usage":{"input_tokens":12,"input_tokens_details":{"cached_tokens":5},"output_tokens":34}}`, usage{Input: 12, Cached: 5, Output: 34}, true},
		"embeddings":       {e, `{"data":[{"embedding":[0.1,-2e-5]}],"usage":{"prompt_tokens":7,"total_tokens":7}}`, usage{Input: 7}, true},
		"last wins":        {e, `{"usage":{"prompt_tokens":7},"usage":{"prompt_tokens":8}}`, usage{Input: 8}, true},
		"missing":          {c, `{"choices":[]}`, usage{}, false},
		"nested only":      {c, `{"x":{"usage":{"prompt_tokens":1,"completion_tokens":1}}}`, usage{}, false},
		"null":             {c, `{"usage":null}`, usage{}, false},
		"not an object":    {c, `{"usage":[1,2]}`, usage{}, false},
		"no output":        {c, `{"usage":{"prompt_tokens":1}}`, usage{}, false},
		"negative":         {c, `{"usage":{"prompt_tokens":-1,"completion_tokens":1}}`, usage{}, false},
		"absurd":           {c, `{"usage":{"prompt_tokens":1,"completion_tokens":1000000001}}`, usage{}, false},
		"far past int64":   {c, `{"usage":{"prompt_tokens":99999999999999999999999,"completion_tokens":1}}`, usage{}, false},
		"a string":         {c, `{"usage":{"prompt_tokens":"1","completion_tokens":1}}`, usage{}, false},
		"the other route":  {r, `{"usage":{"prompt_tokens":1,"completion_tokens":1}}`, usage{}, false},
		"largest possible": {c, `{"usage":{"prompt_tokens":1000000000,"completion_tokens":1}}`, usage{Input: 1_000_000_000, Output: 1}, true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok, err := inference.ResponseUsage(tc.route, []byte(tc.body))
			require.NoError(t, err)
			require.Equal(t, tc.ok, ok)
			require.Equal(t, tc.want, got)
		})
	}
	for _, body := range []string{``, `[]`, `null`, `<html>`, `{"usage":{"prompt_tokens":1`, `{"a":1}x`, `{"a" 1}`, `{a:1}`, `{"a":1 "b":2}`, `{"a":}`, `{"a`, `{"a\`} {
		_, _, err := inference.ResponseUsage(c, []byte(body))
		require.ErrorIs(t, err, &fault.Error{Kind: fault.BadUpstream, Code: "upstream_invalid"}, body)
	}
}

// W6: usage that is missing is counted here and marked.
func TestEstimateJSON(t *testing.T) {
	t.Parallel()
	const c, r, e = inference.ChatCompletions, inference.Responses, inference.Embeddings
	tests := map[string]struct {
		route         inference.Route
		body          string
		input, output int64
	}{
		"chat":       {c, `{"id":"long id that counts for nothing","choices":[{"message":{"role":"assistant","content":"12345678"}},{"message":{"content":"9"}}]}`, 26, 3},
		"tool call":  {c, `{"choices":[{"message":{"content":null,"tool_calls":[{"type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]}}]}`, 26, 3},
		"response":   {r, `{"instructions":"not the answer","output":[{"type":"message","content":[{"type":"output_text","text":"1234","annotations":[]}]}]}`, 26, 1},
		"embeddings": {e, `{"data":[{"embedding":[0.1]}]}`, 26, 0},
		"nothing":    {c, ``, 26, 1},
		"cut":        {c, `{"choices":[{"message":{"content":"1234567`, 26, 1},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := inference.Usage{Input: tc.input, Output: tc.output, Estimated: true}
			require.Equal(t, want, inference.EstimateJSON(inference.Call{Route: tc.route, BodyBytes: 101}, []byte(tc.body)))
		})
	}
	require.EqualValues(t, 1, inference.EstimateJSON(inference.Call{Route: c}, nil).Input)
	require.EqualValues(t, 1026, inference.EstimateJSON(inference.Call{Route: r, BodyBytes: 101, Context: 1000}, nil).Input, "with what came before")
}

func TestResponseObject(t *testing.T) {
	t.Parallel()
	id, status := inference.ResponseObject([]byte(`{"output":[{"id":"msg_1","status":"x"}],"id":"resp_\u0031","status":"completed"}`))
	require.Equal(t, "resp_1", id)
	require.Equal(t, "completed", status)
	id, status = inference.ResponseObject([]byte(`{"id":5,"status":null}`))
	require.Empty(t, id)
	require.Empty(t, status)
}
