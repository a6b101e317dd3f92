//go:build unix

// Package localpg runs private PostgreSQL clusters from the programs installed
// on this machine, for tests and benchmarks that need a real server and no
// container engine.
//
// A cluster keeps its data in one folder, listens on a loopback port of its own
// choice, asks for a password that nobody else knows, and is durable as
// PostgreSQL is by default (fsync and synchronous_commit are on). It ends at the
// latest with the process that started it. It is no way to run a production
// database.
package localpg

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/archibot/archibotchat/e2e/engine/database"
)

// shared is the cluster that all tests of one binary use, started by the first
// call of URL. A test binary has no other place to hand it around in.
var shared struct {
	sync.Mutex
	tried   bool
	cluster *Cluster
	err     error
}

// URL returns the URL of an empty database, dropped when the test ends.
//
// It is made on the server that TEST_POSTGRES_URL names, or else on a cluster
// shared by the tests of this binary; Main stops that one.
func URL(t testing.TB) string {
	t.Helper()
	if server := os.Getenv("TEST_POSTGRES_URL"); server != "" {
		return database.Fresh(t, server)
	}
	shared.Lock()
	defer shared.Unlock()
	if !shared.tried {
		shared.tried = true
		shared.cluster, shared.err = Start("")
	}
	if shared.err != nil {
		t.Fatalf("no PostgreSQL for this test: %v", shared.err)
	}
	return database.Fresh(t, shared.cluster.URL("postgres"))
}

// Main runs the tests, stops the cluster that URL started, and exits. A package
// whose tests call URL has the one line
//
//	func TestMain(m *testing.M) { localpg.Main(m) }
func Main(m *testing.M) {
	code := m.Run()
	if err := Stop(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// Stop stops the cluster that URL started and removes its folder. It is for a
// TestMain with work of its own; after it, URL starts another cluster.
func Stop() error {
	shared.Lock()
	defer shared.Unlock()
	cluster := shared.cluster
	shared.tried, shared.cluster, shared.err = false, nil, nil
	if cluster == nil {
		return nil
	}
	return cluster.Stop(false)
}
