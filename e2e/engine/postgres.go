package engine

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"sync"
	"testing"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"

	"github.com/archibot/archibotchat/e2e/engine/database"
)

const (
	postgresImage = "archibotchat-test/postgres:15"
	postgresPort  = "5432/tcp"
	postgresUser  = "archibot"
)

// Postgres returns the URL of an empty database, dropped when the test ends.
//
// It is made on the server that TEST_POSTGRES_URL names, or else on a container
// shared by the tests of this binary, durable as PostgreSQL is by default.
func Postgres(t testing.TB) string {
	t.Helper()
	if server := os.Getenv("TEST_POSTGRES_URL"); server != "" {
		return database.Fresh(t, server)
	}
	server, err := sharedPostgres()
	if err != nil {
		t.Fatalf("no PostgreSQL for this test: %v", err)
	}
	return database.Fresh(t, server)
}

var sharedPostgres = sync.OnceValues(startPostgres)

func startPostgres() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	password := rand.Text()
	postgres, err := run(ctx, postgresImage,
		testcontainers.WithEnv(map[string]string{"POSTGRES_USER": postgresUser, "POSTGRES_PASSWORD": password}),
		testcontainers.WithCmd("-c", "max_connections=300"), // several replicas, a pool each
		testcontainers.WithExposedPorts(postgresPort),
		testcontainers.WithWaitStrategyAndDeadline(startTime,
			wait.ForLog("database system is ready to accept connections"),
			wait.ForListeningPort(postgresPort).SkipInternalCheck()),
	)
	if err != nil {
		return "", err
	}
	endpoint, err := postgres.PortEndpoint(ctx, postgresPort, "")
	if err != nil {
		return "", fmt.Errorf("find the port of %s: %w", postgresImage, err)
	}
	server := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(postgresUser, password),
		Host:     endpoint,
		Path:     "/postgres",
		RawQuery: "sslmode=disable",
	}
	return server.String(), nil
}
