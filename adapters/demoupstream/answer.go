package demoupstream

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// answer is what the demonstration says, before it takes an API's shape.
type answer struct {
	question
	id      string // unique, without prefix
	created int64
	text    string
	cut     bool // text was cut to the limit
	input   int  // tokens
	output  int  // tokens of all choices
}

// bytesPerToken is the rule of thumb by which tokens are counted here.
const bytesPerToken = 4

func tokens(text string) int { return (len(text) + bytesPerToken - 1) / bytesPerToken }

// answer makes up an answer; context is how many tokens came before the question.
func (u *Upstream) answer(q question, context int) answer {
	a := answer{question: q, id: u.newID(), created: u.now().Unix(), text: script(q), input: context + max(1, tokens(q.prompt))}
	if most := q.limit; most > 0 && most < tokens(a.text) {
		a.text, a.cut = a.text[:most*bytesPerToken], true
	}
	a.output = tokens(a.text) * q.choices
	return a
}

// script returns the demonstration's text, in ASCII so that it may be cut anywhere.
func script(q question) string {
	return fmt.Sprintf("**This is a demonstration: no model was asked.**\n\n"+
		"Your prompt came through in %s, %s of text in all. "+
		"The service checked it, held credits for it and will charge what this answer costs by the demonstration's price book, "+
		"the same way it would for a real model.\n\n"+
		"What you can try here:\n\n"+
		"- watch this text arrive word by word,\n"+
		"- stop it half-way and see what is charged,\n"+
		"- look at *Activity* and *Credits* afterwards.\n\n"+
		"To get real answers, configure an upstream such as `https://api.openai.com/v1` and restart. You asked for `%s`.\n",
		count(q.messages, "message"), count(utf8.RuneCountInString(q.prompt), "character"), q.model)
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// words splits text so that the parts make it up again.
func words(text string) []string { return strings.SplitAfter(text, " ") }

// object is a JSON object in the making.
type object map[string]any

// encode returns v as JSON.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings, numbers, lists and maps of them marshal
	}
	return b
}
