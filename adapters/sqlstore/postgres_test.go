//go:build engines

package sqlstore_test

import (
	"testing"
	"time"

	"github.com/archibot/archibotchat/e2e/engine/localpg"
	"github.com/archibot/archibotchat/ports/store"
	"github.com/archibot/archibotchat/ports/store/storetest"
)

func TestMain(m *testing.M) { localpg.Main(m) }

func TestPostgres_Conformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB, clock func() time.Time) store.Store {
		return open(t, localpg.URL(t), clock)
	})
}
