package inference

import "github.com/archibot/archibotchat/core/fault"

// Usage is what one call used, in tokens.
type Usage struct {
	// Input counts all input tokens, Cached those of them that were cached.
	Input, Cached int64
	Output        int64
	// Estimated says that the upstream gave no usage and this was counted here.
	Estimated bool
}

// absurd is more tokens than any call can use; a count above it is no usage.
const absurd = 1_000_000_000

// ResponseUsage returns the usage in a whole JSON answer of route. The second
// result is false if the answer has none or an absurd one. It returns a
// *fault.Error of kind BadUpstream, "upstream_invalid", if the answer is not a
// JSON object.
func ResponseUsage(route Route, body []byte) (Usage, bool, error) {
	var raw []byte
	w := object(body)
	for {
		name, value, more := w.next()
		if !more {
			break
		}
		if string(name) == "usage" {
			raw = value
		}
	}
	if !w.clean() {
		return Usage{}, false, fault.New(fault.BadUpstream, "upstream_invalid", "The upstream's answer is not a JSON object.")
	}
	u, ok := readUsage(route, raw)
	return u, ok, nil
}

// ResponseObject returns the top-level id and status of a JSON answer, each empty
// if it is absent or not a string.
func ResponseObject(body []byte) (string, string) {
	var id, status string
	w := object(body)
	for {
		name, value, more := w.next()
		if !more {
			return id, status
		}
		switch string(name) {
		case "id":
			id = string(unescape(nil, quoted(value)))
		case "status":
			status = string(unescape(nil, quoted(value)))
		}
	}
}

// readUsage reads the value of a usage member. It returns false unless all the
// counts of the route are there and sane.
func readUsage(route Route, raw []byte) (Usage, bool) {
	input, output, details := "prompt_tokens", "completion_tokens", "prompt_tokens_details"
	if route == Responses {
		input, output, details = "input_tokens", "output_tokens", "input_tokens_details"
	}
	var u Usage
	var hasInput, hasOutput bool
	w := object(raw)
	for {
		name, value, more := w.next()
		if !more {
			break
		}
		switch string(name) {
		case input:
			u.Input, hasInput = wholeNumber(value, absurd)
		case output:
			u.Output, hasOutput = wholeNumber(value, absurd)
		case details:
			u.Cached = cachedTokens(value)
		}
	}
	if route == Embeddings {
		u.Output, hasOutput = 0, true
	}
	if !hasInput || !hasOutput || !w.clean() {
		return Usage{}, false
	}
	u.Cached = min(u.Cached, u.Input)
	return u, true
}

// cachedTokens reads the details of the input; anything odd counts as not cached.
func cachedTokens(details []byte) int64 {
	var cached int64
	w := object(details)
	for {
		name, value, more := w.next()
		if !more {
			return cached
		}
		if string(name) == "cached_tokens" {
			cached, _ = wholeNumber(value, absurd)
		}
	}
}

// EstimateJSON counts what a JSON answer without usage is taken to have used
// (W6): a token per four bytes of the request's body, and of the text, content
// and arguments in the answer; at least one each; and the call's Context.
// Embeddings have no output.
func EstimateJSON(call Call, body []byte) Usage {
	if call.Route == Embeddings {
		return Usage{Input: quarter(int64(call.BodyBytes)), Estimated: true}
	}
	answer := "choices"
	if call.Route == Responses {
		answer = "output"
	}
	var bytes int64
	w := object(body)
	for {
		name, value, more := w.next()
		if !more {
			return estimate(call, bytes)
		}
		if string(name) == answer {
			bytes += spoken(value)
		}
	}
}

func estimate(call Call, spokenBytes int64) Usage {
	return Usage{Input: quarter(int64(call.BodyBytes)) + call.Context, Output: quarter(spokenBytes), Estimated: true}
}

// quarter returns the tokens that so many bytes are taken for.
func quarter(bytes int64) int64 { return max(1, (bytes+3)/4) }
