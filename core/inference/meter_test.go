package inference_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/inference"
)

const chunk = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"Hello"},"logprobs":null,"finish_reason":null}],"usage":null}` + "\n\n"

// HOTPATH 15: what is withheld is known before a client can see it.
func TestMeter_Observe(t *testing.T) {
	t.Parallel()
	const c, r = inference.ChatCompletions, inference.Responses
	tests := map[string]struct {
		route inference.Route
		frame string
		want  inference.Class
	}{
		"blank line":              {c, "\n", inference.ClassComment},
		"comment":                 {c, ": ping\n\n", inference.ClassComment},
		"event without data":      {r, "event: response.completed\n\n", inference.ClassComment},
		"retry":                   {c, "retry: 10\r\n\r\n", inference.ClassComment},
		"content":                 {c, chunk, inference.ClassContent},
		"no space":                {c, `data:{"choices":[]}` + "\n\n", inference.ClassContent},
		"filter results":          {c, `data: {"choices":[],"prompt_filter_results":[{}]}` + "\n\n", inference.ClassContent},
		"null usage":              {c, `data: {"choices":[],"usage":null}` + "\n\n", inference.ClassContent},
		"usage":                   {c, `data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}` + "\n\n", inference.ClassUsage},
		"usage first":             {c, `data: {"usage":{"prompt_tokens":1,"completion_tokens":2},"choices":[ ]}` + "\n\n", inference.ClassUsage},
		"usage, choices left out": {c, `data: {"usage":{"prompt_tokens":1,"completion_tokens":2}}` + "\n\n", inference.ClassUsage},
		"usage that is odd":       {c, `data: {"choices":[],"usage":{}}` + "\n\n", inference.ClassUsage},
		"usage beside content":    {c, `data: {"choices":[{"index":0,"delta":{}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}` + "\n\n", inference.ClassContent},
		"done":                    {c, "data: [DONE]\n\n", inference.ClassDone},
		"done without space":      {c, "data:[DONE]\r\n\r\n", inference.ClassDone},
		"done and more":           {c, "data: [DONE] bye\n\n", inference.ClassDone},
		"done with an event":      {r, "event: done\ndata: [DONE]\n\n", inference.ClassDone},
		"error":                   {c, `data: {"error":{"message":"x"}}` + "\n\n", inference.ClassFailure},
		"error as text":           {c, `data: {"error":"x","choices":[]}` + "\n\n", inference.ClassFailure},
		"null error":              {c, `data: {"error":null,"choices":[]}` + "\n\n", inference.ClassContent},
		"not JSON":                {c, "data: hello\n\n", inference.ClassMalformed},
		"empty data":              {c, "data:\n\n", inference.ClassMalformed},
		"array":                   {c, "data: []\n\n", inference.ClassMalformed},
		"cut JSON":                {c, `data: {"choices":[` + "\n\n", inference.ClassMalformed},
		"two objects":             {c, `data: {} {}` + "\n\n", inference.ClassMalformed},
		"several lines":           {c, "data: {\"choices\":[],\ndata: \"usage\":\ndata:{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n", inference.ClassUsage},
		"hidden line end":         {c, "data: {}\rdata: [DONE]\n\n", inference.ClassMalformed},
		"delta":                   {r, "event: response.output_text.delta\n" + `data: {"type":"response.output_text.delta","delta":"hi"}` + "\n\n", inference.ClassContent},
		"created":                 {r, `data: {"type":"response.created","response":{"id":"resp_1","error":null}}` + "\n\n", inference.ClassContent},
		"completed":               {r, `data: {"type":"response.completed","response":{}}` + "\n\n", inference.ClassTerminal},
		"completed by name":       {r, "event: response.completed\n" + `data: {"response":{}}` + "\n\n", inference.ClassTerminal},
		"completed by data":       {r, "event: response.created\n" + `data: {"response":{},"type":"response.completed"}` + "\n\n", inference.ClassTerminal},
		"incomplete":              {r, `data: {"type":"response.incomplete"}` + "\n\n", inference.ClassTerminal},
		"failed":                  {r, `data: {"type":"response.failed","response":{"error":{"code":"x"}}}` + "\n\n", inference.ClassTerminal},
		"cancelled":               {r, `data: {"type":"response.cancelled"}` + "\n\n", inference.ClassTerminal},
		"error event":             {r, `data: {"type":"error","message":"x"}` + "\n\n", inference.ClassFailure},
		"error by name":           {r, "event: error\ndata: {\"message\":\"x\"}\n\n", inference.ClassFailure},
		"error member":            {r, `data: {"error":{"message":"x"}}` + "\n\n", inference.ClassFailure},
		"malformed event":         {r, "event: response.completed\ndata: nonsense\n\n", inference.ClassMalformed},
		"without a blank line":    {c, `data: {"choices":[]}`, inference.ClassContent},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := inference.NewMeter(inference.Call{Route: tc.route, N: 1})
			got := m.Observe([]byte(tc.frame))
			require.Equal(t, tc.want.String(), got.String())
		})
	}
	require.Equal(t, "unknown", inference.Class(99).String())
}

// W6: the last usage reported counts, wherever it rides.
func TestMeter_ChatUsage(t *testing.T) {
	t.Parallel()
	m := inference.NewMeter(inference.Call{Route: inference.ChatCompletions, N: 1, BodyBytes: 40})
	_, ok := m.Usage()
	require.False(t, ok)
	require.False(t, m.Finished())
	require.Empty(t, m.ResponseID())

	m.Observe([]byte(chunk))
	_, ok = m.Usage()
	require.False(t, ok, "null is no report")
	require.Equal(t, "chatcmpl-1", m.ResponseID())
	require.Equal(t, inference.Usage{Input: 10, Output: 2, Estimated: true}, m.Estimate())

	m.Observe([]byte(`data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1}}` + "\n\n"))
	require.True(t, m.Finished())
	u, ok := m.Usage()
	require.True(t, ok)
	require.Equal(t, inference.Usage{Input: 9, Output: 1}, u)

	m.Observe([]byte(`data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}}` + "\n\n"))
	m.Observe([]byte(`data: {"choices":[],"usage":{"prompt_tokens":-9,"completion_tokens":2}}` + "\n\n"))
	m.Observe([]byte(`data: {"choices":[],"usage":{"prompt_tokens":77,"completion_tokens":2}` + "\n\n"))
	u, _ = m.Usage()
	require.Equal(t, inference.Usage{Input: 9, Cached: 4, Output: 2}, u, "odd and malformed reports count for nothing")

	m.Reset(inference.Call{Route: inference.ChatCompletions, N: 1})
	_, ok = m.Usage()
	require.False(t, ok)
	require.False(t, m.Finished())
	require.Equal(t, inference.Usage{Input: 1, Output: 1, Estimated: true}, m.Estimate())
}

func TestMeter_ManyChoices(t *testing.T) {
	t.Parallel()
	m := inference.NewMeter(inference.Call{Route: inference.ChatCompletions, N: 66})
	finish := func(index string) {
		m.Observe([]byte(`data: {"choices":[{"finish_reason":"length","index":` + index + `,"delta":{"content":"1234"}}]}` + "\n\n"))
	}
	for _, odd := range []string{"-1", "128", "1.5", `"65"`, "null"} {
		finish(odd)
	}
	for i := range 65 {
		require.False(t, m.Finished())
		finish(string(rune('0'+i/10)) + string(rune('0'+i%10)))
	}
	require.False(t, m.Finished())
	finish("65")
	require.True(t, m.Finished())
	require.EqualValues(t, 66, m.Estimate().Output)
}

// W6: what the model wrote is counted, in text, tool calls and reasoning alike.
func TestMeter_EstimateChat(t *testing.T) {
	t.Parallel()
	m := inference.NewMeter(inference.Call{Route: inference.ChatCompletions, N: 1, BodyBytes: 41})
	for _, delta := range []string{
		`{"role":"assistant","content":""}`,
		`{"content":"12345678"}`,
		`{"content":null,"reasoning_content":"1234"}`,
		`{"refusal":"1234"}`,
		`{"tool_calls":[{"index":0,"id":"call_123456789","type":"function","function":{"name":"look","arguments":"{\"a\":"}}]}`,
		`{"tool_calls":[{"index":0,"function":{"arguments":"1}  "}}]}`,
	} {
		require.Equal(t, inference.ClassContent, m.Observe([]byte(`data: {"choices":[{"index":0,"delta":`+delta+`}]}`+"\n\n")))
	}
	require.Equal(t, inference.Usage{Input: 11, Output: 8, Estimated: true}, m.Estimate())
}

func TestMeter_Responses(t *testing.T) {
	t.Parallel()
	m := inference.NewMeter(inference.Call{Route: inference.Responses, N: 1, BodyBytes: 4})
	for _, data := range []string{
		`{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","usage":null}}`,
		`{"type":"response.output_text.delta","sequence_number":1,"delta":"1234"}`,
		`{"type":"response.function_call_arguments.delta","sequence_number":2,"delta":"1234"}`,
		`{"type":"response.audio.delta","sequence_number":3,"delta":"QUJDREVGR0hJSktMTU5PUA=="}`,
	} {
		require.Equal(t, inference.ClassContent, m.Observe([]byte("data: "+data+"\n\n")))
	}
	require.False(t, m.Finished())
	require.Equal(t, "resp_1", m.ResponseID())
	m.Observe([]byte(`data: {"type":"response.in_progress","response":{"id":"resp_2"}}` + "\n\n"))
	require.Equal(t, "resp_2", m.ResponseID(), "the one that the client sees last")
	m.Observe([]byte(`data: {"type":"response.in_progress","response":{"id":null}}` + "\n\n"))
	require.Equal(t, "resp_2", m.ResponseID())
	require.Equal(t, inference.Usage{Input: 1, Output: 2, Estimated: true}, m.Estimate())
	require.Contains(t, string(m.ErrorFrame("cut", "server_error", "x")), `"sequence_number":4`)

	m.Observe([]byte(`data: {"response":{"id":"resp_2","usage":{"input_tokens":5,"input_tokens_details":{"cached_tokens":1},"output_tokens":6}},"sequence_number":4,"type":"response.completed"}` + "\n\n"))
	require.True(t, m.Finished())
	u, ok := m.Usage()
	require.True(t, ok)
	require.Equal(t, inference.Usage{Input: 5, Cached: 1, Output: 6}, u)
}

// No bytes of an upstream may make the meter panic, allocate without bound or
// count less than nothing.
func FuzzMeter(f *testing.F) {
	f.Add(true, []byte(chunk))
	f.Add(true, []byte("data: {\"choices\":[{\"index\":127,\"finish_reason\":\"x\",\"delta\":{\"content\":\"\\u0041\\\"\"}}]}\n\ndata: [DONE]\n\n"))
	f.Add(true, []byte("data: {\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"prompt_tokens_details\":{\"cached_tokens\":3}}}\n\n"))
	f.Add(false, []byte("event: response.completed\ndata: {\"type\":\"x\",\ndata: \"response\":{\"id\":\"\\ud800\",\"usage\":{}}}\n\n"))
	f.Add(false, []byte("data: {\"type\":\"a.delta\",\"delta\":\"x\",\"sequence_number\":9223372036854775806}\n\n"))
	f.Fuzz(func(t *testing.T, chat bool, stream []byte) {
		call := inference.Call{Route: inference.Responses, N: 128, BodyBytes: len(stream)}
		if chat {
			call.Route = inference.ChatCompletions
		}
		m := inference.NewMeter(call)
		for _, frame := range strings.SplitAfter(string(stream), "\n\n") {
			m.Observe([]byte(frame))
		}
		u, _ := m.Usage()
		if e := m.Estimate(); u.Input < u.Cached || u.Cached < 0 || u.Output < 0 || e.Input < 1 || e.Output < 1 || e.Output > int64(len(stream))+1 {
			t.Fatalf("%+v, %+v", u, e)
		}
		_, _ = m.Finished(), m.ErrorFrame("x", "y", "z")
		_, _, _ = inference.ResponseUsage(call.Route, stream)
		_ = inference.EstimateJSON(call, stream)
		_, _ = inference.ResponseObject(stream)
	})
}

func TestMeter_ObserveDoesNotAllocate(t *testing.T) {
	m := inference.NewMeter(inference.Call{Route: inference.ChatCompletions, N: 1})
	frame := []byte(chunk)
	m.Observe(frame) // learns the ID
	require.Zero(t, testing.AllocsPerRun(100, func() { m.Observe(frame) }))
}

func BenchmarkMeter_Observe(b *testing.B) {
	for name, tc := range map[string]struct {
		route inference.Route
		frame string
	}{
		"chat": {inference.ChatCompletions, chunk},
		"responses": {inference.Responses, "event: response.output_text.delta\n" +
			`data: {"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"Hello","logprobs":[],"sequence_number":4}` + "\n\n"},
	} {
		b.Run(name, func(b *testing.B) {
			m := inference.NewMeter(inference.Call{Route: tc.route, N: 1})
			frame := []byte(tc.frame)
			m.Observe(frame)
			b.ReportAllocs()
			b.SetBytes(int64(len(frame)))
			for b.Loop() {
				m.Observe(frame)
			}
		})
	}
}

func BenchmarkFrameReader(b *testing.B) {
	stream := strings.Repeat(chunk, 1000)
	r := inference.NewFrameReader(nil, 1<<20, 1<<20)
	b.ReportAllocs()
	b.SetBytes(int64(len(stream)))
	for b.Loop() {
		r.Reset(strings.NewReader(stream))
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
	}
}
