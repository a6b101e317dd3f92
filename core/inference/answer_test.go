package inference_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/archibot/archibotchat/core/inference"
)

var answerRoutes = []inference.Route{inference.ChatCompletions, inference.Responses, inference.Embeddings}

// feed writes a body in parts of the sizes given, over and over, and returns
// what may be passed on before the end.
func feed(a *inference.Answer, body []byte, sizes []int) []byte {
	var passed []byte
	for i := 0; len(body) > 0; i++ {
		part := body[:min(len(body), max(1, sizes[i%len(sizes)]))]
		body = body[len(part):]
		n := a.Write(part)
		passed = append(passed, part[:n]...)
	}
	return passed
}

// sameAsWhole checks that an answer read in parts tells what a whole one does.
func sameAsWhole(t require.TestingT, route inference.Route, body []byte, sizes []int) {
	call := inference.Call{Route: route, BodyBytes: 40, N: 1}
	a := inference.NewAnswer(call)
	passed := feed(a, body, sizes)
	require.True(t, a.Whole(), "%s", body)
	require.False(t, json.Valid(passed), "complete without its end: %s", passed)
	require.True(t, bytes.HasPrefix(body, passed))
	rest := bytes.TrimSpace(body[len(passed):])
	require.Equal(t, "}", string(rest), "all but the end is passed on")

	usage, reported, err := inference.ResponseUsage(route, body)
	require.NoError(t, err)
	got, ok := a.Usage()
	require.Equal(t, reported, ok)
	require.Equal(t, usage, got)
	id, status := inference.ResponseObject(body)
	gotID, gotStatus := a.Object()
	require.Equal(t, id, gotID)
	require.Equal(t, status, gotStatus)
	require.Equal(t, inference.EstimateJSON(call, body), a.Estimate())
}

func TestAnswer(t *testing.T) { // HOTPATH 15
	t.Parallel()
	for _, body := range []string{
		`{}`,
		" {\n} \r\n\t",
		`{"id":"c","choices":[{"message":{"content":"hello","name":"x"}}],"usage":{"prompt_tokens":10,"completion_tokens":20}}`,
		`{"usage":{"prompt_tokens":10,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":4}},"id":"c","choices":[]}`,
		`{"usage":{"prompt_tokens":1,"completion_tokens":1},"usage":{"prompt_tokens":2,"completion_tokens":2}}`,
		`{"usage" : { "input_tokens" : 3 , "output_tokens" : 4 } , "id" : "resp_\u0031" , "status" : "completed" , "output" : [ { "content" : [ { "text" : "a\"b\\" } ] } ] }`,
		`{"choices":[{"usage":{"prompt_tokens":10,"completion_tokens":20}}],"id":7,"status":null}`,
		`{"choices":[{"message":{"content":"a } ] \" , : { [","tool_calls":[{"function":{"arguments":"{\"a\":1}"}}],"reasoning_content":"hm"}}]}`,
		`{"output":[{"content":[{"text":"one"},{"text":"two"}]},"text","content"],"x":"content"}`,
		`{"choices":[{"content":["listed","content"],"text":5,"name":{"text":"deep"}}]}`,
		`{"a_name_that_is_longer_than_any_that_matters":1,"reasoning_content_and_more":"x","choices":[{"reasoning_content_and_more":"x"}]}`,
		`{"usage":"none","choices":{"content":"odd"}}`,
	} {
		for _, route := range answerRoutes {
			for _, sizes := range [][]int{{1}, {2}, {3, 5}, {1000}} {
				sameAsWhole(t, route, []byte(body), sizes)
			}
		}
	}
}

func TestAnswer_odd(t *testing.T) { // W5
	t.Parallel()
	for name, body := range map[string]string{
		"cut":             `{"id":"c","choices":[`,
		"cut in a string": `{"id":"c`,
		"empty":           ``,
		"space":           "  \n",
		"an array":        `[{"id":"c"}]`,
		"a page":          `<html></html>`,
		"two objects":     `{"id":"c"}{}`,
		"something after": `{"id":"c"} x`,
		"closed wrongly":  `{"id":"c"]`,
	} {
		for _, sizes := range [][]int{{1}, {1000}} {
			a := inference.NewAnswer(inference.Call{Route: inference.ChatCompletions})
			feed(a, []byte(body), sizes)
			require.False(t, a.Whole(), name)
		}
	}
}

// What a value takes is bounded, however long it is.
func TestAnswer_bounded(t *testing.T) { // W10
	t.Parallel()
	long := strings.Repeat(" ", 100<<10)
	a := inference.NewAnswer(inference.Call{Route: inference.ChatCompletions, BodyBytes: 4})
	a.Write([]byte(`{"id":"` + long + `","usage":{` + long + `"prompt_tokens":1,"completion_tokens":2},"status":"ok","choices":[{"message":{"content":"` + long + `"}}]}`))
	require.True(t, a.Whole())
	_, ok := a.Usage()
	require.False(t, ok)
	id, status := a.Object()
	require.Empty(t, id)
	require.Equal(t, "ok", status)
	require.Equal(t, inference.Usage{Input: 1, Output: 25 << 10, Estimated: true}, a.Estimate())
}

// Of an answer that is cut, what came so far is counted.
func TestAnswer_Estimate_cut(t *testing.T) { // W6, L9
	t.Parallel()
	a := inference.NewAnswer(inference.Call{Route: inference.ChatCompletions, BodyBytes: 4})
	a.Write([]byte(`{"choices":[{"message":{"content":"12345678`))
	require.EqualValues(t, 2, a.Estimate().Output)
	a.Write([]byte(`1234"`))
	require.EqualValues(t, 3, a.Estimate().Output)
	a.Write([]byte(`}`))
	require.EqualValues(t, 3, a.Estimate().Output)
}

func TestAnswer_properties(t *testing.T) { // HOTPATH 15, W6
	t.Parallel()
	names := rapid.SampledFrom([]string{"id", "status", "usage", "choices", "output", "content", "text", "arguments", "prompt_tokens", "completion_tokens", "input_tokens", "output_tokens", "x", "é\"\\"})
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		kinds := []*rapid.Generator[any]{
			rapid.Map(rapid.String(), func(s string) any { return s }), rapid.Map(rapid.Int64Range(-5, 2_000_000_000), func(n int64) any { return n }),
			rapid.SampledFrom([]any{nil, true, 1.5, "content", "a:b,{}[]\"\\"}),
		}
		if depth > 0 {
			kinds = append(kinds, rapid.Map(rapid.MapOfN(names, value(depth-1), 0, 5), func(m map[string]any) any { return m }),
				rapid.Map(rapid.SliceOfN(value(depth-1), 0, 4), func(l []any) any { return l }))
		}
		return rapid.OneOf(kinds...)
	}
	rapid.Check(t, func(t *rapid.T) {
		object := rapid.MapOfN(names, value(4), 0, 6).Draw(t, "object")
		body, err := json.Marshal(object)
		require.NoError(t, err)
		if rapid.Bool().Draw(t, "indented") {
			body, err = json.MarshalIndent(object, " ", "\t")
			require.NoError(t, err)
		}
		sizes := rapid.SliceOfN(rapid.IntRange(1, 40), 1, 8).Draw(t, "sizes")
		sameAsWhole(t, rapid.SampledFrom(answerRoutes).Draw(t, "route"), body, sizes)
	})
}

// No bytes may make it panic, or pass on a complete object.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"id":"c","usage":{"prompt_tokens":10,"completion_tokens":20}}`), 3)
	f.Add([]byte(`{"a":"\\\"}`), 1)
	f.Add([]byte(`}}}{{{]]`), 2)
	f.Fuzz(func(t *testing.T, body []byte, size int) {
		a := inference.NewAnswer(inference.Call{Route: inference.ChatCompletions})
		passed := feed(a, body, []int{size})
		if json.Valid(passed) && len(bytes.TrimSpace(passed)) > 0 && bytes.TrimSpace(passed)[0] == '{' {
			t.Fatalf("passed on %q", passed)
		}
		u, _ := a.Usage()
		if e := a.Estimate(); u.Input < 0 || u.Output < 0 || e.Output < 1 || e.Output > int64(len(body))+1 {
			t.Fatalf("%+v %+v", u, e)
		}
		if json.Valid(body) && len(bytes.TrimSpace(body)) > 0 && bytes.TrimSpace(body)[0] == '{' && !a.Whole() {
			t.Fatalf("not whole: %q", body)
		}
	})
}

func BenchmarkAnswer(b *testing.B) {
	body := []byte(`{"choices":[{"message":{"content":"` + strings.Repeat("some text of an answer ", 40_000) + `"}}],"usage":{"prompt_tokens":10,"completion_tokens":20}}`)
	vectors := []byte(`{"data":[{"embedding":[` + strings.Repeat("-0.0123456789,", 60_000) + `0]}],"usage":{"prompt_tokens":10}}`)
	for name, body := range map[string][]byte{"text": body, "numbers": vectors} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				inference.NewAnswer(inference.Call{Route: inference.ChatCompletions}).Write(body)
			}
		})
	}
}
