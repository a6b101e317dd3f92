package demoupstream

// responsesObject returns a as a finished response.
func responsesObject(a answer) []byte { return encode(finished(a)) }

// responsesEvents returns a as the events of a streamed response.
func responsesEvents(a answer) []frame {
	var events []frame
	add := func(pause bool, name string, fields object) {
		fields["type"], fields["sequence_number"] = name, len(events)
		events = append(events, frame{data: event(name, encode(fields)), pause: pause})
	}
	place := func(fields object) object {
		fields["item_id"], fields["output_index"], fields["content_index"] = messageID(a), 0, 0
		return fields
	}
	add(false, "response.created", object{"response": response(a, "in_progress")})
	add(false, "response.in_progress", object{"response": response(a, "in_progress")})
	add(false, "response.output_item.added", object{"output_index": 0, "item": item(a, "in_progress", []object{})})
	add(false, "response.content_part.added", place(object{"part": part("")}))
	for _, word := range words(a.text) {
		add(true, "response.output_text.delta", place(object{"delta": word, "logprobs": []any{}}))
	}
	add(false, "response.output_text.done", place(object{"text": a.text, "logprobs": []any{}}))
	add(false, "response.content_part.done", place(object{"part": part(a.text)}))
	add(false, "response.output_item.done", object{"output_index": 0, "item": item(a, status(a), []object{part(a.text)})})
	add(false, "response."+status(a), object{"response": finished(a)})
	return events
}

func status(a answer) string {
	if a.cut {
		return "incomplete"
	}
	return "completed"
}

// finished returns the response with its output and usage.
func finished(a answer) object {
	r := response(a, status(a))
	r["output"] = []object{item(a, status(a), []object{part(a.text)})}
	r["usage"] = object{
		"input_tokens": a.input, "input_tokens_details": object{"cached_tokens": 0},
		"output_tokens": a.output, "output_tokens_details": object{"reasoning_tokens": 0},
		"total_tokens": a.input + a.output,
	}
	if a.cut {
		r["incomplete_details"] = object{"reason": "max_output_tokens"}
	}
	return r
}

// response returns the response's frame, without output.
func response(a answer, status string) object {
	var limit, previous any
	if a.limit > 0 {
		limit = a.limit
	}
	if a.previous != "" {
		previous = a.previous
	}
	return object{
		"id": "resp_" + a.id, "object": "response", "created_at": a.created, "status": status, "model": a.model,
		"background": false, "error": nil, "incomplete_details": nil, "instructions": nil, "max_output_tokens": limit,
		"max_tool_calls": nil, "output": []object{}, "parallel_tool_calls": true, "previous_response_id": previous,
		"reasoning": object{"effort": nil, "summary": nil}, "service_tier": "default", "store": a.store, "temperature": 1,
		"text": object{"format": object{"type": "text"}}, "tool_choice": "auto", "tools": []any{}, "top_logprobs": 0,
		"top_p": 1, "truncation": "disabled", "usage": nil, "user": nil, "metadata": object{},
	}
}

func messageID(a answer) string { return "msg_" + a.id }

func item(a answer, status string, content []object) object {
	return object{"id": messageID(a), "type": "message", "status": status, "role": "assistant", "content": content}
}

func part(text string) object {
	return object{"type": "output_text", "text": text, "annotations": []any{}, "logprobs": []any{}}
}
