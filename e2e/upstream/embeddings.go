package upstream

import "fmt"

// embeddings is an answer of /v1/embeddings: one short vector, as JSON only.
type embeddings struct{ answer }

func newEmbeddings(a answer) form { return &embeddings{a} }

func (e *embeddings) streams() bool    { return false }
func (e *embeddings) head() [][]byte   { return nil }
func (e *embeddings) chunk(int) []byte { return nil }
func (e *embeddings) tail() [][]byte   { return nil }
func (e *embeddings) terminal() []byte { return nil }

func (e *embeddings) object() []byte {
	usage := ""
	if e.script.usage != usageNone {
		in, _, _, _ := e.script.figures()
		usage = fmt.Sprintf(`,"usage":{"prompt_tokens":%d,"total_tokens":%d}`, in, in)
	}
	return fmt.Appendf(nil, `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,0.2,0.3]}],"model":%s%s}`,
		quote(e.model), usage)
}

func (e *embeddings) reported() Usage {
	u := e.reportedIf(true)
	return Usage{Input: u.Input}
}
