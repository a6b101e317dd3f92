//go:build unix

package sqlstore

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// errLocked means that another process, or another store of this one, holds
// the lock.
var errLocked = errors.New("the file is locked")

// lockFile takes an exclusive lock that ends with the process at the latest.
// The file stays: removing it would let two processes lock two files of one
// name.
func lockFile(path string) (release func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock file: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errLocked
		}
		return nil, fmt.Errorf("lock the file: %w", err)
	}
	return f.Close, nil
}
