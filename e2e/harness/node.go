//go:build unix

package harness

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// InstallNode installs the packages that a folder's lock file pins, if they are
// not there. Several test programs may ask for the same folder at once.
func InstallNode(t testing.TB, folder string) {
	t.Helper()
	lock, err := os.OpenFile(filepath.Join(folder, "package-lock.json"), os.O_RDONLY, 0)
	if err != nil {
		t.Fatalf("open the lock file: %v", err)
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatalf("lock %s: %v", lock.Name(), err)
	}
	want, err := pinned(lock.Name())
	if err != nil {
		t.Fatalf("read the lock file: %v", err)
	}
	have, err := pinned(filepath.Join(folder, "node_modules", ".package-lock.json"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("read what is installed: %v", err)
	}
	if maps.Equal(want, have) {
		return
	}
	cmd := exec.Command("npm", "ci")
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v: %s", err, out)
	}
}

// pinned returns the versions of the packages in a lock file, save those that
// need not be there.
func pinned(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Packages map[string]struct {
			Version  string
			Optional bool
			Peer     bool
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	out := map[string]string{}
	for name, p := range file.Packages {
		if name != "" && !p.Optional && !p.Peer {
			out[name] = p.Version
		}
	}
	return out, nil
}
