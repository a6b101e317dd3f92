package api

import (
	"bytes"
	"encoding/json"
)

// Documents are the API's description in the two versions that tools read.
type Documents struct {
	OpenAPI31 []byte // 3.1.0
	OpenAPI30 []byte // 3.0.3
}

// Describe returns the description of the API, the same bytes each time. It
// needs no services.
func Describe() (Documents, error) {
	s := newServer(Config{Secure: true})
	doc := s.api.OpenAPI()
	delete(doc.Components.Schemas.Map(), "ErrorModel") // Huma's own, replaced by Problem
	delete(doc.Components.Schemas.Map(), "ErrorDetail")
	v31, err := json.Marshal(doc)
	if err != nil {
		return Documents{}, err
	}
	v30, err := doc.Downgrade()
	if err != nil {
		return Documents{}, err
	}
	var out Documents
	if out.OpenAPI31, err = pretty(v31); err != nil {
		return Documents{}, err
	}
	out.OpenAPI30, err = pretty(v30)
	return out, err
}

// pretty sorts the keys and indents.
func pretty(document []byte) ([]byte, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return b.Bytes(), err
}
