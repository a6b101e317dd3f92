package upstream

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// answer is what every form of answer is made from.
type answer struct {
	serial  string // unique
	model   string
	created int64
	script  *script
	stream  bool
	pieces  []string // of the text, if it was taught
	usage   bool     // whether a chat answer reports usage

	stored   bool // responses
	previous string
}

// form is an answer in one API's shapes.
type form interface {
	streams() bool // whether the API has a streamed form
	head() [][]byte
	chunk(i int) []byte
	tail() [][]byte // what comes between the last text and the terminal event
	terminal() []byte
	object() []byte // the whole answer as JSON
	reported() Usage
}

// word is the text of chunk i.
func (a *answer) word(i int) string {
	if i < len(a.pieces) {
		return a.pieces[i]
	}
	return "word" + strconv.Itoa(i) + " "
}

// text is what all chunks amount to; with bigline, a text of that size.
func (a *answer) text() string {
	if a.script.bigLine > 0 && !a.stream {
		return strings.Repeat("x", a.script.bigLine<<20)
	}
	if a.script.endless {
		return ""
	}
	var b strings.Builder
	for i := range a.script.chunks {
		b.WriteString(a.word(i))
	}
	return b.String()
}

func (a *answer) reportedIf(yes bool) Usage {
	if !yes || a.script.usage != usageNormal {
		return Usage{}
	}
	return Usage{Input: a.script.in, Cached: a.script.cached, Output: a.script.out}
}

// quote returns s as a JSON string.
func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always marshals
	}
	return string(b)
}

// data returns a server-sent event without a name.
func data(format string, args ...any) []byte {
	return fmt.Appendf(nil, "data: "+format+"\n\n", args...)
}
