//go:build unix

package localpg

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
)

type programs struct {
	initdb, postgres string
}

// findPrograms prefers the newest version that Debian's packages installed,
// since they keep the server programs out of PATH.
func findPrograms() (programs, error) {
	const packaged = "/usr/lib/postgresql"
	found, err := filepath.Glob(packaged + "/*/bin/initdb")
	if err != nil {
		return programs{}, fmt.Errorf("look for PostgreSQL: %w", err)
	}
	slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, path)
	}
	for _, initdb := range found {
		// initdb needs the server of its own version beside it, links resolved.
		if initdb, err = filepath.EvalSymlinks(initdb); err != nil {
			continue
		}
		postgres := filepath.Join(filepath.Dir(initdb), "postgres")
		if _, err := os.Stat(postgres); err == nil {
			return programs{initdb: initdb, postgres: postgres}, nil
		}
	}
	return programs{}, errors.New("initdb and postgres are not installed; run: make deps (or: apt-get install postgresql)")
}

// version reads the 15 of /usr/lib/postgresql/15/bin/initdb.
func version(initdb string) int {
	number, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(initdb))))
	return number
}

// findOwner returns whom to run the server as: PostgreSQL refuses root. Nil
// means the user of this process.
func findOwner() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root, and its own user is missing: %w; run: make deps", err)
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user postgres: %w", err)
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user postgres: %w", err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// Program returns the path of one of PostgreSQL's client programs, of the
// version that the server has.
func Program(t testing.TB, name string) string {
	t.Helper()
	p, err := findPrograms()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(filepath.Dir(p.initdb), name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s is not installed beside initdb: %v; run: make deps", name, err)
	}
	return path
}
