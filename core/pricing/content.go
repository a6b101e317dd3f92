package pricing

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// contentForm leads the content. A new form gets a new name; old books keep theirs.
const contentForm = "archibotchat/prices/1"

// The content of a book is one JSON text: these fields in this order, editions
// by time, models by ID, prices as decimals in microcredits.
type (
	bookContent struct {
		Form     string           `json:"form"`
		Editions []editionContent `json:"editions"`
	}
	editionContent struct {
		Effective time.Time      `json:"effective"`
		Models    []modelContent `json:"models"`
	}
	modelContent struct {
		ID              string `json:"id"`
		PerRequest      string `json:"per_request"`
		PerInput        string `json:"per_input_token"`
		PerCachedInput  string `json:"per_cached_input_token"`
		PerOutput       string `json:"per_output_token"`
		MaxOutputTokens int64  `json:"max_output_tokens"`
		Free            bool   `json:"free,omitempty"`
		InputTokens     int64  `json:"max_input_tokens,omitempty"`
	}
)

func (e Edition) content() editionContent {
	out := editionContent{Effective: e.Effective}
	for _, m := range e.Models {
		out.Models = append(out.Models, modelContent{
			m.ID, m.PerRequest.String(), m.PerInput.String(), m.PerCachedInput.String(), m.PerOutput.String(), m.MaxOutputTokens, m.Free, m.InputTokens,
		})
	}
	return out
}

// digest returns what names the edition: 16 hex digits of the SHA-256 of its
// content.
func (e Edition) digest() string {
	sum := sha256.Sum256(encode(bookContent{contentForm, []editionContent{e.content()}}))
	return hex.EncodeToString(sum[:8])
}

func canonical(editions []Edition) []byte {
	c := bookContent{Form: contentForm}
	for _, e := range editions {
		c.Editions = append(c.Editions, e.content())
	}
	return encode(c)
}

func encode(c bookContent) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(c); err != nil {
		return nil // a year that JSON cannot write, which NewBook refuses
	}
	return b.Bytes()
}

// Content returns the book as bytes, the same for the same prices whatever
// they were read from. It is for keeping; Decode reads it.
func (b Book) Content() []byte { return slices.Clone(b.content) }

// Hash names the book: the SHA-256 of its content in 64 hex digits.
func (b Book) Hash() string {
	sum := sha256.Sum256(b.content)
	return hex.EncodeToString(sum[:])
}

var errContent = errors.New("prices: the content is not of a form that this program knows")

// Decode returns the book whose content this is. What is not exactly what
// Content returns is refused, and what NewBook refuses.
func Decode(content []byte) (Book, error) {
	dec := json.NewDecoder(bytes.NewReader(content))
	dec.DisallowUnknownFields()
	var c bookContent
	if err := dec.Decode(&c); err != nil || c.Form != contentForm {
		return Book{}, errContent
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Book{}, errContent
	}
	var editions []Edition
	for _, ec := range c.Editions {
		e := Edition{Effective: ec.Effective}
		for _, mc := range ec.Models {
			m, err := mc.model()
			if err != nil {
				return Book{}, err
			}
			e.Models = append(e.Models, m)
		}
		editions = append(editions, e)
	}
	b, err := NewBook(editions)
	if err == nil && !bytes.Equal(b.content, content) {
		err = errContent
	}
	if err != nil {
		return Book{}, err
	}
	return b, nil
}

func (c modelContent) model() (Model, error) {
	m := Model{ID: c.ID, Price: Price{MaxOutputTokens: c.MaxOutputTokens, Free: c.Free, InputTokens: c.InputTokens}}
	for _, f := range []struct {
		text string
		rate *Rate
	}{{c.PerRequest, &m.PerRequest}, {c.PerInput, &m.PerInput}, {c.PerCachedInput, &m.PerCachedInput}, {c.PerOutput, &m.PerOutput}} {
		rate, err := ParseRate(f.text)
		if err != nil {
			return Model{}, fmt.Errorf("prices: model %q: %w", c.ID, err)
		}
		*f.rate = rate
	}
	return m, nil
}
