package api_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/hosts/api"
)

var update = flag.Bool("update", false, "write the golden files")

const folder = "../../openapi"

func spec(t *testing.T) map[string]any {
	t.Helper()
	docs, err := api.Describe()
	require.NoError(t, err)
	var v map[string]any
	require.NoError(t, json.Unmarshal(docs.OpenAPI31, &v))
	return v
}

func TestDescribe_golden(t *testing.T) {
	t.Parallel()
	docs, err := api.Describe()
	require.NoError(t, err)
	for name, text := range map[string][]byte{"app.openapi-3.1.json": docs.OpenAPI31, "app.openapi-3.0.3.json": docs.OpenAPI30} {
		file := filepath.Join(folder, name)
		if *update {
			require.NoError(t, os.WriteFile(file, text, 0o644))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(want), string(text), "run: go test ./hosts/api -update")
	}
	again, err := api.Describe()
	require.NoError(t, err)
	require.Equal(t, docs, again)
}

func TestDescribe_versions(t *testing.T) {
	t.Parallel()
	docs, err := api.Describe()
	require.NoError(t, err)
	var v31, v30 struct {
		OpenAPI    string                    `json:"openapi"`
		Paths      map[string]map[string]any `json:"paths"`
		Components struct {
			Schemas map[string]any `json:"schemas"`
		} `json:"components"`
	}
	require.NoError(t, json.Unmarshal(docs.OpenAPI31, &v31))
	require.NoError(t, json.Unmarshal(docs.OpenAPI30, &v30))
	require.Equal(t, "3.1.0", v31.OpenAPI)
	require.Equal(t, "3.0.3", v30.OpenAPI)
	require.Len(t, v30.Paths, len(v31.Paths))
	require.NotContains(t, v31.Components.Schemas, "ErrorModel")
	require.NotContains(t, string(docs.OpenAPI31), "$schema")

	// What 3.0.3 does not know must be gone.
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch x := v.(type) {
		case map[string]any:
			if typ, ok := x["type"]; ok && path != "/properties" {
				_, text := typ.(string)
				_, property := typ.(map[string]any)
				require.True(t, text || property, path)
			}
			for _, gone := range []string{"const", "exclusiveMinimum", "contentMediaType", "webhooks", "jsonSchemaDialect"} {
				require.NotContains(t, x, gone, path)
			}
			for k, y := range x {
				walk(path+"/"+k, y)
			}
		case []any:
			for _, y := range x {
				walk(path, y)
			}
		}
	}
	var plain any
	require.NoError(t, json.Unmarshal(docs.OpenAPI30, &plain))
	walk("", plain)
}

// Every operation says who may call it, what it is, and how it fails.
func TestDescribe_operations(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	for path, item := range spec(t)["paths"].(map[string]any) {
		for method, o := range item.(map[string]any) {
			name := method + " " + path
			op := o.(map[string]any)
			id := op["operationId"].(string)
			require.False(t, ids[id], id)
			ids[id] = true
			require.NotEmpty(t, op["summary"], name)
			security := []any{map[string]any{"session": []any{}}}
			if path == "/api/leaked-keys" { // for scanners, which have no session: a token, or a signature
				security = []any{map[string]any{"report": []any{}}, map[string]any{}}
			}
			free := path == "/api/providers" || path == "/api/access-requests" || path == "/api/access-requests/challenge"
			if free || strings.HasPrefix(path, "/auth/") { // how one gets a session
				security = []any{}
			}
			require.Equal(t, security, op["security"], name)
			for status, r := range op["responses"].(map[string]any) {
				res := r.(map[string]any)
				require.Contains(t, res["headers"], "X-Request-Id", name+" "+status)
				if status >= "400" {
					require.Contains(t, res["content"], "application/problem+json", name+" "+status)
				}
			}
			for _, status := range []string{"401", "500", "503"} {
				if free && status == "401" {
					continue
				}
				require.Contains(t, op["responses"], status, name)
			}
		}
	}
}

// The document of /v1 is kept by hand; at least its references must hold.
func TestV1_references(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(folder, "v1.json"))
	require.NoError(t, err)
	var doc map[string]any
	require.NoError(t, json.Unmarshal(text, &doc))
	require.Equal(t, "3.1.0", doc["openapi"])
	for _, path := range []string{"/models", "/models/{id}", "/chat/completions", "/responses", "/responses/{id}", "/responses/{id}/cancel", "/responses/{id}/input_items"} {
		require.Contains(t, doc["paths"], path)
	}
	used := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch x := v.(type) {
		case map[string]any:
			if ref, ok := x["$ref"].(string); ok {
				used[ref] = true
			}
			for _, y := range x {
				walk(y)
			}
		case []any:
			for _, y := range x {
				walk(y)
			}
		}
	}
	walk(doc)
	for kind, list := range doc["components"].(map[string]any) {
		for name := range list.(map[string]any) {
			ref := "#/components/" + kind + "/" + name
			require.True(t, used[ref] || kind == "securitySchemes", "%s is not used", ref)
			delete(used, ref)
		}
	}
	require.Empty(t, used, "references to nothing")
}
