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
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/archibot/archibotchat/e2e/engine/database"
)

// shared is the cluster that all tests of one binary use, started by the first
// call of URL, and the template that they copy. A test binary has no other place
// to hand them around in.
var shared struct {
	sync.Mutex
	tried    bool
	cluster  *Cluster
	template *database.Template
	err      error
}

// URL returns the URL of an empty database, dropped when the test ends.
//
// It is made on the server that TEST_POSTGRES_URL names, or else on a cluster
// shared by the tests of this binary; Main stops that one.
func URL(t testing.TB) string {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	return database.Fresh(t, server(t))
}

// Copy is URL for a database that was prepared: once for all tests of this
// binary, by the first that asks, and each gets a copy.
func Copy(t testing.TB, prepare func(url string) error) string {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.template == nil {
		template, err := database.NewTemplate(server(t), prepare)
		if err != nil {
			t.Fatal(err)
		}
		shared.template = template
	}
	return database.Copy(t, shared.template)
}

// server returns the server's URL. The caller has locked shared.
func server(t testing.TB) string {
	t.Helper()
	if named := os.Getenv("TEST_POSTGRES_URL"); named != "" {
		return named
	}
	if !shared.tried {
		shared.tried = true
		shared.cluster, shared.err = Start("")
	}
	if shared.err != nil {
		t.Fatalf("no PostgreSQL for this test: %v", shared.err)
	}
	return shared.cluster.URL("postgres")
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
func Stop() (err error) {
	shared.Lock()
	defer shared.Unlock()
	cluster, template := shared.cluster, shared.template
	shared.tried, shared.cluster, shared.template, shared.err = false, nil, nil, nil
	if template != nil {
		err = template.Drop()
	}
	if cluster != nil {
		err = errors.Join(err, cluster.Stop(false))
	}
	return err
}
