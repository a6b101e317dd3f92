//go:build unix

package harness

import (
	"fmt"
	"net"
	"testing"
	"time"
)

const pollEvery = 20 * time.Millisecond

// Eventually calls done until it returns nil, and fails the test with its last
// error when limit is over.
func Eventually(t testing.TB, limit time.Duration, what string, done func() error) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := done()
		if err == nil {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("%s: not within %v: %v", what, limit, err)
		case <-t.Context().Done():
			t.Fatalf("%s: %v", what, err)
		case <-tick.C:
		}
	}
}

// freeAddress returns a loopback address that nobody listens on just now.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String(), nil
}
