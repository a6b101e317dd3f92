package inference_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/archibot/archibotchat/core/inference"
)

func say(text string) []byte {
	return fmt.Appendf(nil, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%q}}]}\n\n", text)
}

// Some upstreams report as they go, some only at the start. What a report did
// not know of is added to it.
func TestMeter_Usage_cumulative(t *testing.T) { // W6
	t.Parallel()
	m := inference.NewMeter(inference.Call{Route: inference.ChatCompletions, N: 1, BodyBytes: 40})
	usage := func(want inference.Usage) {
		t.Helper()
		got, ok := m.Usage()
		require.True(t, ok)
		require.Equal(t, want, got)
	}
	m.Observe([]byte(`data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":0}}` + "\n\n"))
	usage(inference.Usage{Input: 9})
	m.Observe(say("12345678"))
	usage(inference.Usage{Input: 9, Output: 2, Estimated: true})
	m.Observe([]byte(`data: {"choices":[{"index":0,"delta":{"content":"1234"}}],"usage":{"prompt_tokens":9,"completion_tokens":4}}` + "\n\n"))
	usage(inference.Usage{Input: 9, Output: 4})
	m.Observe(say("1"))
	usage(inference.Usage{Input: 9, Output: 5, Estimated: true})
	m.Observe([]byte(`data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":7}}` + "\n\n"))
	m.Observe([]byte(`data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n"))
	usage(inference.Usage{Input: 9, Output: 7})
	m.Observe([]byte(`data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":6}}` + "\n\n"))
	usage(inference.Usage{Input: 9, Output: 6}) // the last one counts, be it less
}

func TestMeter_Produced(t *testing.T) { // HOTPATH 10
	t.Parallel()
	m := inference.NewMeter(inference.Call{Route: inference.ChatCompletions, N: 1, BodyBytes: 40})
	m.Observe(say("ä"))
	m.Observe(say("é"))
	require.EqualValues(t, 2, m.Produced(), "a token each, though they are four bytes together")
	m.Observe(say("a long word, in one piece"))
	require.EqualValues(t, 8, m.Produced())
	m.Observe([]byte(`data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":500}}` + "\n\n"))
	require.EqualValues(t, 500, m.Produced())
	m.Observe(say("1234"))
	require.EqualValues(t, 501, m.Produced())
}

func TestMeter_Produced_properties(t *testing.T) { // HOTPATH 10: what is held for is never less than what is billed
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := inference.NewMeter(inference.Call{Route: inference.ChatCompletions, N: 1, BodyBytes: 40})
		for range rapid.IntRange(0, 50).Draw(t, "frames") {
			if rapid.Bool().Draw(t, "reports") {
				m.Observe(fmt.Appendf(nil, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":%d}}\n\n", rapid.Int64Range(-1, 1000).Draw(t, "tokens")))
			} else {
				m.Observe(say(rapid.StringMatching(`[a-zäöü ]{0,40}`).Draw(t, "text")))
			}
			u, reported := m.Usage()
			if reported {
				require.GreaterOrEqual(t, m.Produced(), u.Output)
			}
			require.GreaterOrEqual(t, m.Produced(), m.Estimate().Output)
		}
	})
}
