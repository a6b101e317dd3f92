package tenants_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// documents are the descriptions of both surfaces, by what they speak to.
var documents = map[surface]string{app: "app.openapi-3.1.json", v1: "v1.json"}

// surface is one of the doors into the service.
type surface string

const (
	app surface = "/api" // for sessions; problems
	v1  surface = "/v1"  // for keys; OpenAI's errors
)

// operation is one that a document describes.
type operation struct {
	name    string // "GET /api/keys/{id}"
	method  string
	path    string
	surface surface
	open    bool   // asks for no credential
	cursor  string // the query parameter that a list goes on by
}

var placeholder = regexp.MustCompile(`\{([a-z_]+)\}`)

// operations reads every operation from the documents, by name.
func operations(t *testing.T) map[string]operation {
	t.Helper()
	all := map[string]operation{}
	for s, file := range documents {
		content, err := os.ReadFile(filepath.Join("..", "..", "openapi", file))
		require.NoError(t, err)
		var d document
		require.NoError(t, json.Unmarshal(content, &d), file)
		maps.Copy(all, d.operations(s))
	}
	return all
}

// document is what is read of an OpenAPI document.
type document struct {
	Servers    []struct{ URL string }
	Security   []map[string][]string
	Paths      map[string]map[string]json.RawMessage
	Components struct{ Parameters map[string]parameter }
}

type parameter struct {
	Ref      string `json:"$ref"`
	Name, In string
}

func (d document) operations(s surface) map[string]operation {
	all := map[string]operation{}
	base := strings.TrimSuffix(d.Servers[0].URL, "/")
	for path, item := range d.Paths {
		for method, raw := range item {
			if !slices.Contains([]string{"get", "put", "post", "patch", "delete", "head", "options"}, method) {
				continue // parameters and descriptions of the whole path
			}
			var described struct {
				Security   *[]map[string][]string
				Parameters []parameter
			}
			if err := json.Unmarshal(raw, &described); err != nil {
				panic(err) // the document is not one of OpenAPI
			}
			o := operation{method: strings.ToUpper(method), path: base + path, surface: s}
			o.name = o.method + " " + o.path
			security := d.Security
			if described.Security != nil {
				security = *described.Security
			}
			o.open = len(security) == 0 || slices.ContainsFunc(security, func(schemes map[string][]string) bool { return len(schemes) == 0 })
			for _, p := range described.Parameters {
				if p.Ref != "" {
					p = d.Components.Parameters[filepath.Base(p.Ref)]
				}
				if p.In == "query" && (p.Name == "cursor" || p.Name == "after") {
					o.cursor = p.Name
				}
			}
			all[o.name] = o
		}
	}
	return all
}

// Every operation of the documents has a row, and every row an operation: this
// is what fails the build when an operation comes without a row (SECURITY,
// tenants).
func TestRows(t *testing.T) {
	t.Parallel()
	all := operations(t)
	require.Greater(t, len(all), 20, "the documents were read")
	rowed := map[string]bool{}
	for name, r := range allRows(t) {
		o, ok := all[operationOf(name)]
		require.True(t, ok, "row %q has no operation in the documents; take it away, or mend its name", name)
		rowed[o.name] = true
		r.check(t, name, o)
	}
	for name := range all {
		require.True(t, rowed[name], "operation %q has no row: whose is it, and who may call it? See the package's documentation", name)
	}
}

// operationOf returns a row's name without the words that tell it from others
// of its operation.
func operationOf(name string) string {
	name, _, _ = strings.Cut(name, " (")
	return name
}
