//go:build !unix

package sqlstore

import "errors"

var errLocked = errors.New("the file is locked")

// lockFile fails: SQLite files are served where file locks are known to work.
func lockFile(string) (release func() error, err error) {
	return nil, errors.New("SQLite needs a system with flock; use PostgreSQL here")
}
