//go:build engines

package requests_test

import (
	"testing"

	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/e2e/engine/localpg"
)

func TestMain(m *testing.M) {
	urls["postgres"] = func(t *testing.T) string { return localpg.Copy(t, blank.Migrate) }
	localpg.Main(m)
}
