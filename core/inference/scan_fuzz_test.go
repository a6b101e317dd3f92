package inference_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/archibot/archibotchat/core/inference"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

var routes = []inference.Route{inference.ChatCompletions, inference.Responses, inference.Embeddings}

// What Scan accepts, encoding/json reads the same way, with folded keys too; and
// Forward changes nothing but stream_options.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		`{"model":"m","messages":[],"stream":true}`,
		`{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":false,"x":1}}`,
		`{"model":"m","messages":[],"stream":true,"stream_options":null}`,
		`{"model":"\ud83d\ude00","input":[{"type":"item_reference","id":"x"}],"max_output_tokens":12}`,
		`{"model":"m","input":"x","previous_response_id":"r","conversation":{"id":"c"},"background":true}`,
		`{"model":"m","ſtream":true,"max_to` + "\u212a" + `ens":1e400,"n":-0.5e-3}`,
		`{"model":"m","x":{"a":[1,2,{"b":"\u0000\\\""}]},"a":1,"\u0061":1}`,
		`{"model":"m","messages":[` + strings.Repeat("[", 130) + `]}`,
	} {
		for route := range routes {
			f.Add(uint8(route), []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, route uint8, body []byte) {
		before := string(body)
		call, err := inference.Scan(routes[int(route)%len(routes)], body)
		if err != nil {
			return
		}
		if !json.Valid(body) {
			t.Fatalf("accepted invalid JSON: %q", body)
		}
		requireSameReading(t, call, body)

		forwarded := call.Forward(body)
		if string(body) != before {
			t.Fatal("the body was changed")
		}
		if !json.Valid(forwarded) {
			t.Fatalf("%q became invalid: %q", body, forwarded)
		}
		if without(forwarded) != without(body) {
			t.Fatalf("%q became %q", body, forwarded)
		}
		if call.Route == inference.ChatCompletions && call.Stream {
			again, err := inference.Scan(call.Route, forwarded)
			if err != nil || !again.IncludeUsage {
				t.Fatalf("no usage asked (%v): %q", err, forwarded)
			}
		}
	})
}

// requireSameReading compares call with what encoding/json makes of body, by a
// map and by a struct, whose keys it folds.
func requireSameReading(t *testing.T, call inference.Call, body []byte) {
	t.Helper()
	var exact map[string]any
	if err := json.Unmarshal(body, &exact); err != nil && !strings.Contains(err.Error(), "number") {
		t.Fatalf("%q: %v", body, err)
	}
	stream, _ := exact["stream"].(bool)
	if exact["model"] != call.Model || stream != call.Stream {
		t.Fatalf("%q: %+v, but %v", body, call, exact)
	}
	var folded struct {
		Model  string
		Stream bool
	}
	if err := json.Unmarshal(body, &folded); err != nil || folded.Model != call.Model || folded.Stream != call.Stream {
		t.Fatalf("%q: %+v, but %+v (%v)", body, call, folded, err)
	}
}

// A small request takes one allocation: the model's name.
func BenchmarkScan(b *testing.B) {
	small := []byte(`{"model":"gpt-4o-mini","messages":[{"role":"system","content":"You are a helpful assistant."},` +
		`{"role":"user","content":"What is the tallest mountain of Europe, and how high is it?"}],"temperature":0.7,` +
		`"max_completion_tokens":256,"stream":true,"stream_options":{"include_usage":true},"user":"u-1"}`)
	large := []byte(`{"model":"gpt-4o-mini","messages":[{"role":"user","content":"` +
		strings.Repeat(`A line of a long document, about this and that.\n`, 20_000) + `"}],"stream":true}`)
	for name, body := range map[string][]byte{"small": small, "1MB": large} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if _, err := inference.Scan(inference.ChatCompletions, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
