//go:build engines

package signin_test

import (
	"testing"

	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/e2e/engine/localpg"
)

func TestMain(m *testing.M) {
	databases["postgres"] = func(t testing.TB) string { return localpg.Copy(t, blank.Migrate) }
	localpg.Main(m)
}
