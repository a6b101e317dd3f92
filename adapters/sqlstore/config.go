package sqlstore

import (
	"errors"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

// Config says which database to open and how.
type Config struct {
	// URL is postgres://… or sqlite:/path/to/file.db. It may hold a password
	// and is never shown.
	URL string
	// MaxConns bounds the connections; 0 means 10 on Postgres and 4 reading
	// ones on SQLite, which always has one more for writing. Each has one more
	// that reads the list of changes.
	MaxConns int
	// NewID makes IDs of events.
	NewID func(prefix string) string
	// Now is SQLite's clock. Postgres has its own, because the clocks of
	// several servers never agree.
	Now func() time.Time
	// TestClock, if set, is the clock on both. For tests only.
	TestClock func() time.Time
	// Log hears of retries and checkpoints; nil discards.
	Log *slog.Logger
}

// Validate reports everything that is wrong with the configuration.
func (c Config) Validate() error {
	var errs []error
	if _, err := c.flavor(); err != nil {
		errs = append(errs, err)
	}
	if c.MaxConns < 0 {
		errs = append(errs, errors.New("the number of database connections is negative"))
	}
	if c.NewID == nil {
		errs = append(errs, errors.New("a maker of IDs is missing"))
	}
	if c.Now == nil && c.TestClock == nil && !c.postgres() {
		errs = append(errs, errors.New("a clock is missing"))
	}
	return errors.Join(errs...)
}

func (c Config) postgres() bool {
	return strings.HasPrefix(c.URL, "postgres://") || strings.HasPrefix(c.URL, "postgresql://")
}

// file returns the absolute path of a SQLite URL, with sqlite:/abs/file,
// sqlite:///abs/file or sqlite:relative/file.
func (c Config) file() (string, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "sqlite" || u.Host != "" || u.RawQuery != "" || u.User != nil {
		return "", errURL
	}
	path := u.Path
	if u.Opaque != "" {
		if path, err = url.PathUnescape(u.Opaque); err != nil {
			return "", errURL
		}
	}
	if path == "" || strings.HasSuffix(path, "/") || strings.HasPrefix(path, ":") {
		return "", errURL // :memory: has no WAL and one database per connection
	}
	return filepath.Abs(path)
}

// errURL never holds the URL: a password may be in it.
var errURL = errors.New("the database URL is neither postgres://… nor sqlite:/path/to/file.db")

func (c Config) clock() func() time.Time {
	if c.TestClock != nil {
		return c.TestClock
	}
	return c.Now
}
