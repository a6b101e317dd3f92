//go:build engines

package sqlstore_test

import (
	"testing"

	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/e2e/engine/localpg"
)

func TestPostgres_Attempts(t *testing.T) {
	t.Parallel()
	attempts(t, func(t testing.TB) string { return localpg.Copy(t, blank.Migrate) })
}
