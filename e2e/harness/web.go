//go:build unix

package harness

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// BuildWeb builds the web app if its sources changed, so that the servers of the
// sites that follow hold it. Several test programs may do so at once.
func BuildWeb(t testing.TB) {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(here), "..", "..")
	lock, err := os.Open(filepath.Join(root, "hosts", "web", "package-lock.json"))
	if err != nil {
		t.Fatalf("open the web app's lock file: %v", err)
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatalf("lock %s: %v", lock.Name(), err)
	}
	if out, err := exec.Command(filepath.Join(root, ".ci", "web"), "if-node").CombinedOutput(); err != nil {
		t.Fatalf("build the web app: %v: %s", err, out)
	}
}
