// Package database gives each test an empty database of its own on a
// PostgreSQL server that many tests share.
//
// It keeps true that no two tests see each other's rows. It does not start
// servers: packages engine and localpg do.
package database

import (
	"context"
	"crypto/rand"
	"encoding/hex"
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
	address, err := url.Parse(server)
	if err != nil {
		t.Fatalf("the server's address is not a URL: %v", err)
	}
	random := make([]byte, 8)
	if _, err := rand.Read(random); err != nil {
		t.Fatalf("name a database: %v", err)
	}
	name := "test_" + hex.EncodeToString(random)

	// template0 never has sessions, so parallel creations do not disturb one another.
	if err := execute(server, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		t.Fatalf("create a test database: %v", err)
	}
	t.Cleanup(func() {
		if err := execute(server, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop the test database: %v", err)
		}
	})
	address.Path = "/" + name
	return address.String()
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
