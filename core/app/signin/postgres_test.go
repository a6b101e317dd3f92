//go:build engines

package signin_test

import (
	"testing"

	"github.com/archibot/archibotchat/e2e/engine/localpg"
)

func TestMain(m *testing.M) {
	databases["postgres"] = localpg.URL
	localpg.Main(m)
}
