//go:build unix

package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/archibot/archibotchat/e2e/engine"
)

// The programs under test and beside it.
const (
	serverPackage   = "github.com/archibot/archibotchat/hosts/archibotchat"
	upstreamPackage = "github.com/archibot/archibotchat/e2e/upstream/cmd/upstream"
)

// programs are built once per test binary, into a folder that Main removes.
var programs struct {
	sync.Mutex
	dir  string
	path map[string]string
}

// Main runs the tests, ends what they shared, and exits. A package whose tests
// use this one has the line
//
//	func TestMain(m *testing.M) { harness.Main(m) }
func Main(m *testing.M) {
	code := m.Run()
	if err := engine.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	programs.Lock()
	defer programs.Unlock()
	if programs.dir != "" {
		_ = os.RemoveAll(programs.dir)
	}
	os.Exit(code)
}

// program returns the path of a built program.
func program(t testing.TB, pkg string, tags ...string) string {
	t.Helper()
	name := filepath.Base(pkg) + strings.Join(tags, "_")
	programs.Lock()
	defer programs.Unlock()
	if path, ok := programs.path[name]; ok {
		return path
	}
	if programs.dir == "" {
		dir, err := os.MkdirTemp("", "archibotchat-e2e-")
		if err != nil {
			t.Fatalf("make a folder for programs: %v", err)
		}
		programs.dir, programs.path = dir, map[string]string{}
	}
	path := filepath.Join(programs.dir, name)
	if out, err := exec.Command("go", "build", "-tags", strings.Join(tags, ","), "-o", path, pkg).CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
	programs.path[name] = path
	return path
}
