package pricefile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/pricing"
)

// maxScalar bounds a number, a date or a model ID in the file.
const maxScalar = 256

// document returns the root of the one YAML document in text.
func document(text []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, more yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the price file is empty")
	case err != nil:
		return nil, fmt.Errorf("the price file is not YAML: %w", err)
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("the price file holds more than one document")
	}
	return doc.Content[0], nil
}

// reader walks the document and collects every fault with its line. It walks
// nodes rather than decoding into structs, because a price is read from the
// text that stands in the file, never by way of a float.
type reader struct{ faults []error }

func (r *reader) fault(n *yaml.Node, format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf("line %d: "+format, append([]any{n.Line}, args...)...))
}

func (r *reader) book(root *yaml.Node) (editions []pricing.Edition) {
	fields := r.fields(root, "the price file", "prices")
	lines := map[int64]int{}
	for i, n := range r.list(root, fields, "the price file", "prices") {
		e := r.edition(n, "prices["+strconv.Itoa(i)+"]")
		if at := e.Effective.UnixMicro(); !e.Effective.IsZero() {
			if first, taken := lines[at]; taken {
				r.fault(n, "this edition takes effect at the same time as the one in line %d", first)
			} else {
				lines[at] = n.Line
			}
		}
		editions = append(editions, e)
	}
	return editions
}

func (r *reader) edition(n *yaml.Node, where string) (e pricing.Edition) {
	fields := r.fields(n, where, "effective", "models")
	if text, v, ok := r.scalar(n, fields, where, "effective"); ok {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			r.fault(v, "%s: effective is a date and time with zone as in 2026-01-01T00:00:00Z", where)
		}
		e.Effective = at.UTC()
	}
	lines := map[string]int{}
	for i, item := range r.list(n, fields, where, "models") {
		m := r.model(item, where+".models["+strconv.Itoa(i)+"]")
		if first, taken := lines[m.ID]; taken && m.ID != "" {
			r.fault(item, "model %q is listed already in line %d", m.ID, first)
		} else {
			lines[m.ID] = item.Line
		}
		e.Models = append(e.Models, m)
	}
	return e
}

func (r *reader) model(n *yaml.Node, where string) (m pricing.Model) {
	before := len(r.faults)
	fields := r.fields(n, where, "id", "per_request", "per_input_token", "per_cached_input_token", "per_output_token", "max_output_tokens", "max_input_tokens", "free")
	if text, v, ok := r.scalar(n, fields, where, "id"); ok {
		m.ID = text
		if prefix := strings.TrimSuffix(text, "*"); text == "" || strings.ContainsAny(prefix, "* \t\r\n\x00") {
			r.fault(v, "%s: id is a model's exact ID, or a prefix that ends in one *", where)
		} else {
			where = "model " + strconv.Quote(text)
		}
	}
	m.PerRequest = r.rate(n, fields, where, "per_request")
	m.PerInput = r.rate(n, fields, where, "per_input_token")
	m.PerCachedInput = r.rate(n, fields, where, "per_cached_input_token")
	m.PerOutput = r.rate(n, fields, where, "per_output_token")
	if text, v, ok := r.scalar(n, fields, where, "max_output_tokens"); ok {
		tokens, err := strconv.ParseInt(text, 10, 64)
		if err != nil || tokens < 1 || tokens > pricing.MaxOutputTokens {
			r.fault(v, "%s: max_output_tokens is a whole number from 1 to %d", where, pricing.MaxOutputTokens)
		}
		m.MaxOutputTokens = tokens
	}
	if fields["max_input_tokens"] != nil {
		if text, v, ok := r.scalar(n, fields, where, "max_input_tokens"); ok {
			tokens, err := strconv.ParseInt(text, 10, 64)
			if err != nil || tokens < 1 || tokens > pricing.MaxInputTokens {
				r.fault(v, "%s: max_input_tokens is a whole number from 1 to %d", where, pricing.MaxInputTokens)
			}
			m.InputTokens = tokens
		}
	}
	if fields["free"] != nil {
		if text, v, ok := r.scalar(n, fields, where, "free"); ok {
			if m.Free = text == "true"; !m.Free && text != "false" {
				r.fault(v, "%s: free is true or false", where)
			}
		}
	}
	if len(r.faults) == before { // each field is one; together they may not be a price
		for _, text := range m.Faults() {
			r.fault(n, "%s", text)
		}
	}
	return m
}

// rate reads a price from the scalar's own text.
func (r *reader) rate(n *yaml.Node, fields map[string]*yaml.Node, where, name string) pricing.Rate {
	text, v, ok := r.scalar(n, fields, where, name)
	if !ok {
		return 0
	}
	rate, err := pricing.ParseRate(text)
	if err != nil {
		r.fault(v, "%s: %s: %s", where, name, fault.From(err).Message)
	}
	return rate
}

// fields returns the mapping's values by name. Unknown and repeated names are
// faults.
func (r *reader) fields(n *yaml.Node, where string, known ...string) map[string]*yaml.Node {
	out := map[string]*yaml.Node{}
	if n.Kind != yaml.MappingNode {
		r.fault(n, "%s must have the fields %s", where, strings.Join(known, ", "))
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case !slices.Contains(known, key.Value):
			r.fault(key, "%s: there is no field %.*q; the fields are %s", where, maxScalar, key.Value, strings.Join(known, ", "))
		case out[key.Value] != nil:
			r.fault(key, "%s: the field %s is given twice", where, key.Value)
		default:
			out[key.Value] = value
		}
	}
	return out
}

// list returns the items of a field that must be a list with something in it.
func (r *reader) list(n *yaml.Node, fields map[string]*yaml.Node, where, name string) []*yaml.Node {
	if fields == nil {
		return nil // said already
	}
	v := fields[name]
	switch {
	case v == nil:
		r.fault(n, "%s: the field %s is missing", where, name)
	case v.Kind != yaml.SequenceNode || len(v.Content) == 0:
		r.fault(v, "%s: %s must be a list with at least one item", where, name)
	default:
		return v.Content
	}
	return nil
}

// scalar returns the text of a field that must be a plain value.
func (r *reader) scalar(n *yaml.Node, fields map[string]*yaml.Node, where, name string) (string, *yaml.Node, bool) {
	if fields == nil {
		return "", nil, false
	}
	v := fields[name]
	switch {
	case v == nil:
		r.fault(n, "%s: the field %s is missing", where, name)
	case v.Kind == yaml.AliasNode:
		r.fault(v, "%s: %s must be written out; aliases are not followed", where, name)
	case v.Kind != yaml.ScalarNode || v.Tag == "!!null":
		r.fault(v, "%s: %s has no value", where, name)
	case len(v.Value) > maxScalar:
		r.fault(v, "%s: %s is too long", where, name)
	default:
		return v.Value, v, true
	}
	return "", v, false
}
