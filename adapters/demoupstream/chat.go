package demoupstream

// chatObject returns a as a chat completion.
func chatObject(a answer) []byte {
	choices := make([]object, a.choices)
	for i := range choices {
		choices[i] = object{
			"index": i, "logprobs": nil, "finish_reason": finishReason(a),
			"message": object{"role": "assistant", "content": a.text, "refusal": nil, "annotations": []any{}},
		}
	}
	return encode(object{
		"id": "chatcmpl-" + a.id, "object": "chat.completion", "created": a.created, "model": a.model,
		"choices": choices, "usage": chatUsage(a), "system_fingerprint": "fp_demo",
	})
}

// chatEvents returns a as the events of a streamed chat completion.
func chatEvents(a answer) []frame {
	var events []frame
	add := func(pause bool, choices []object, usage any) {
		chunk := object{
			"id": "chatcmpl-" + a.id, "object": "chat.completion.chunk", "created": a.created, "model": a.model,
			"choices": choices, "system_fingerprint": "fp_demo",
		}
		if a.includeUsage {
			chunk["usage"] = usage
		}
		events = append(events, frame{data: event("", encode(chunk)), pause: pause})
	}
	each := func(pause bool, delta object, finish any) {
		for i := range a.choices {
			add(pause && i == 0, []object{{"index": i, "delta": delta, "logprobs": nil, "finish_reason": finish}}, nil)
		}
	}
	each(false, object{"role": "assistant", "content": "", "refusal": nil}, nil)
	for _, word := range words(a.text) {
		each(true, object{"content": word}, nil)
	}
	each(false, object{}, finishReason(a))
	if a.includeUsage {
		add(false, []object{}, chatUsage(a))
	}
	return append(events, frame{data: event("", []byte("[DONE]"))})
}

func finishReason(a answer) string {
	if a.cut {
		return "length"
	}
	return "stop"
}

func chatUsage(a answer) object {
	return object{
		"prompt_tokens": a.input, "completion_tokens": a.output, "total_tokens": a.input + a.output,
		"prompt_tokens_details":     object{"cached_tokens": 0, "audio_tokens": 0},
		"completion_tokens_details": object{"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
	}
}
