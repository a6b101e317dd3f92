package upstream

import "fmt"

// responses is an answer of /v1/responses.
type responses struct {
	answer
	item string // the message's ID
	seq  int
}

func newResponses(a answer) form {
	return &responses{answer: a, item: "msg_" + a.serial}
}

func (r *responses) streams() bool { return true }

func (r *responses) id() string { return "resp_" + r.serial }

// event returns the next event; fields are its members after the number.
func (r *responses) event(name, fields string) []byte {
	b := fmt.Appendf(nil, "event: %s\ndata: {\"type\":%q,\"sequence_number\":%d,%s}\n\n", name, name, r.seq, fields)
	r.seq++
	return b
}

func (r *responses) head() [][]byte {
	response := `"response":` + r.response("in_progress", "[]", "null")
	return [][]byte{
		r.event("response.created", response),
		r.event("response.in_progress", response),
		r.event("response.output_item.added", `"output_index":0,"item":`+r.message("in_progress", "[]")),
		r.event("response.content_part.added", r.place()+`,"part":`+part("")),
	}
}

func (r *responses) chunk(i int) []byte {
	return r.event("response.output_text.delta", r.place()+`,"delta":`+quote(r.word(i))+`,"logprobs":[]`)
}

func (r *responses) tail() [][]byte {
	text := r.text()
	return [][]byte{
		r.event("response.output_text.done", r.place()+`,"text":`+quote(text)+`,"logprobs":[]`),
		r.event("response.content_part.done", r.place()+`,"part":`+part(text)),
		r.event("response.output_item.done", `"output_index":0,"item":`+r.message("completed", "["+part(text)+"]")),
	}
}

func (r *responses) terminal() []byte {
	return r.event("response.completed", `"response":`+string(r.object()))
}

func (r *responses) object() []byte {
	usage := "null"
	if r.script.usage != usageNone {
		usage = r.figuresJSON()
	}
	return []byte(r.response("completed", "["+r.message("completed", "["+part(r.text())+"]")+"]", usage))
}

// place says where in the response a part belongs.
func (r *responses) place() string {
	return `"item_id":"` + r.item + `","output_index":0,"content_index":0`
}

func part(text string) string {
	return `{"type":"output_text","annotations":[],"logprobs":[],"text":` + quote(text) + `}`
}

func (r *responses) message(status, content string) string {
	return fmt.Sprintf(`{"id":%q,"type":"message","status":%q,"content":%s,"role":"assistant"}`, r.item, status, content)
}

func (r *responses) response(status, output, usage string) string {
	previous := "null"
	if r.previous != "" {
		previous = quote(r.previous)
	}
	return fmt.Sprintf(`{"id":%q,"object":"response","created_at":%d,"status":%q,"background":false,"error":null,`+
		`"incomplete_details":null,"instructions":null,"max_output_tokens":null,"max_tool_calls":null,"model":%s,"output":%s,`+
		`"parallel_tool_calls":true,"previous_response_id":%s,"reasoning":{"effort":null,"summary":null},"service_tier":"default",`+
		`"store":%t,"temperature":1.0,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_logprobs":0,"top_p":1.0,`+
		`"truncation":"disabled","usage":%s,"user":null,"metadata":{}}`,
		r.id(), r.created, status, quote(r.model), output, previous, r.stored, usage)
}

func (r *responses) figuresJSON() string {
	in, cached, out, total := r.script.figures()
	return fmt.Sprintf(`{"input_tokens":%d,"input_tokens_details":{"cached_tokens":%d},"output_tokens":%d,`+
		`"output_tokens_details":{"reasoning_tokens":0},"total_tokens":%s}`, in, cached, out, total)
}

func (r *responses) reported() Usage { return r.reportedIf(true) }
