// Command openapi writes the description of the app API into a folder:
// app.openapi-3.1.json and app.openapi-3.0.3.json.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/archibot/archibotchat/hosts/api"
)

func main() {
	out := flag.String("out", "openapi", "folder to write to")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	docs, err := api.Describe()
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{"app.openapi-3.1.json": docs.OpenAPI31, "app.openapi-3.0.3.json": docs.OpenAPI30} {
		//nolint:gosec // a document that everybody may read
		if err := os.WriteFile(filepath.Join(out, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
