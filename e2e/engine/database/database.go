// Package database gives each test a database of its own on a PostgreSQL server
// that many tests share: an empty one, or a copy of a template.
//
// It keeps true that no two tests see each other's rows. It does not start
// servers: packages engine and localpg do.
package database

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience is how long one statement may take on a busy machine.
const patience = time.Minute

// Fresh creates an empty database on the server and returns its URL. The
// database is dropped when the test ends, with whoever is still connected.
//
// Server is the URL of any database there, for a user who may create databases.
func Fresh(t testing.TB, server string) string {
	t.Helper()
	return forTest(t, server, empty)
}

// Copy is Fresh with what template holds.
func Copy(t testing.TB, template *Template) string {
	t.Helper()
	return forTest(t, template.server, template.name)
}

// Template is a database whose copies tests get.
type Template struct{ server, name string }

// NewTemplate creates a database on the server and has it prepared. Whoever
// prepares it must have left it: a database that is in use can't be copied.
func NewTemplate(server string, prepare func(url string) error) (*Template, error) {
	url, name, err := create(server, empty)
	if err != nil {
		return nil, err
	}
	t := &Template{server, name}
	if err := prepare(url); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare a template: %w", err), t.Drop())
	}
	return t, nil
}

// Drop removes the template.
func (t *Template) Drop() error { return drop(t.server, t.name) }

// empty never has sessions, so parallel creations do not disturb one another.
const empty = "template0"

func forTest(t testing.TB, server, template string) string {
	t.Helper()
	url, name, err := create(server, template)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := drop(server, name); err != nil {
			t.Error(err)
		}
	})
	return url
}

// create makes a database and returns its URL and its name.
func create(server, template string) (address, name string, err error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", "", fmt.Errorf("the server's address is not a URL: %w", err)
	}
	random := make([]byte, 8)
	if _, err := rand.Read(random); err != nil {
		return "", "", fmt.Errorf("name a database: %w", err)
	}
	name = "test_" + hex.EncodeToString(random)
	if err := execute(server, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		return "", "", fmt.Errorf("create a test database: %w", err)
	}
	u.Path = "/" + name
	return u.String(), name, nil
}

func drop(server, name string) error {
	if err := execute(server, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
		return fmt.Errorf("drop a test database: %w", err)
	}
	return nil
}

// execute runs one statement over a connection of its own. It outlives the
// test's context, since a cleanup runs after that ended.
func execute(server, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, statement)
	return err
}
