//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// upstreamKey is what the upstream is called with. The upstream does not look.
const upstreamKey = "bench-upstream-key"

const (
	streamChunks = 20
	inputTokens  = 120
	outputTokens = 80
)

// The ends by which the load generator knows an answer for a whole one.
const (
	jsonMarker   = "bench-whole-answer"
	streamMarker = "data: [DONE]"
)

var (
	usageJSON = fmt.Sprintf(`{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,"prompt_tokens_details":{"cached_tokens":0}}`,
		inputTokens, outputTokens, inputTokens+outputTokens)
	wholeAnswer = []byte(`{"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"bench","choices":[{"index":0,"message":{"role":"assistant","content":"` +
		strings.Repeat("All figures were kept exact. ", 25) + jsonMarker + `","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":` + usageJSON + `}`)
	streamAnswer = streamParts()
)

func streamParts() [][]byte {
	const head = `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench",`
	var parts [][]byte
	for i := range streamChunks {
		parts = append(parts, fmt.Appendf(nil, `%s"choices":[{"index":0,"delta":{"content":"word%d "},"finish_reason":null}],"usage":null}`+"\n\n", head, i))
	}
	last := head + `"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}` + "\n\n" +
		head + `"choices":[],"usage":` + usageJSON + "}\n\n" + streamMarker + "\n\n"
	return append(parts, []byte(last))
}

// answer is the upstream: as little work as can look like a model. The model's
// name says how long to wait before the answer and between chunks, in
// milliseconds: bench-50-5.
func answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.URL.Path != "/v1/chat/completions" {
		http.NotFound(w, r)
		return
	}
	delay, gap := pace(body)
	time.Sleep(delay)
	if !bytes.Contains(body, []byte(`"stream":true`)) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(wholeAnswer)))
		_, _ = w.Write(wholeAnswer)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	flush := http.NewResponseController(w).Flush
	for i, part := range streamAnswer {
		if i > 0 {
			time.Sleep(gap)
		}
		if _, err := w.Write(part); err != nil || flush() != nil {
			return
		}
	}
}

func pace(body []byte) (delay, gap time.Duration) {
	_, rest, _ := bytes.Cut(body, []byte(`"model":"bench-`))
	name, _, _ := bytes.Cut(rest, []byte(`"`))
	before, after, _ := strings.Cut(string(name), "-")
	return milliseconds(before), milliseconds(after)
}

func milliseconds(text string) time.Duration {
	n, _ := strconv.Atoi(text) // our own scenarios name whole numbers
	return time.Duration(n) * time.Millisecond
}
