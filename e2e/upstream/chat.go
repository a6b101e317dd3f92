package upstream

import "fmt"

// chat is an answer of /v1/chat/completions.
type chat struct {
	answer
	prefix string // what all chunks begin with
	suffix string // and end with
}

func newChat(a answer) form {
	c := &chat{answer: a, suffix: "}"}
	c.prefix = fmt.Sprintf(`{"id":"chatcmpl-%s","object":"chat.completion.chunk","created":%d,"model":%s,"service_tier":"default","system_fingerprint":"fp_scripted",`,
		a.serial, a.created, quote(a.model))
	if a.usage {
		c.suffix = `,"usage":null}`
	}
	return c
}

func (c *chat) streams() bool { return true }

func (c *chat) delta(delta, finish string) []byte {
	return data(`%s"choices":[{"index":0,"delta":%s,"logprobs":null,"finish_reason":%s}]%s`, c.prefix, delta, finish, c.suffix)
}

func (c *chat) head() [][]byte {
	return [][]byte{c.delta(`{"role":"assistant","content":"","refusal":null}`, "null")}
}

func (c *chat) chunk(i int) []byte {
	return c.delta(`{"content":`+quote(c.word(i))+`}`, "null")
}

func (c *chat) tail() [][]byte {
	t := [][]byte{c.delta("{}", `"stop"`)}
	if c.usage {
		t = append(t, data(`%s"choices":[],"usage":%s}`, c.prefix, c.figuresJSON()))
	}
	return t
}

func (c *chat) terminal() []byte { return []byte("data: [DONE]\n\n") }

func (c *chat) object() []byte {
	usage := ""
	if c.usage {
		usage = `,"usage":` + c.figuresJSON()
	}
	return fmt.Appendf(nil, `{"id":"chatcmpl-%s","object":"chat.completion","created":%d,"model":%s,"choices":[{"index":0,`+
		`"message":{"role":"assistant","content":%s,"refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}]%s,`+
		`"service_tier":"default","system_fingerprint":"fp_scripted"}`,
		c.serial, c.created, quote(c.model), quote(c.text()), usage)
}

func (c *chat) figuresJSON() string {
	in, cached, out, total := c.script.figures()
	return fmt.Sprintf(`{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%s,`+
		`"prompt_tokens_details":{"cached_tokens":%d,"audio_tokens":0},`+
		`"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}`,
		in, out, total, cached)
}

func (c *chat) reported() Usage { return c.reportedIf(c.usage) }
