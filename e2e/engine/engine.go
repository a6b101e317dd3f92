// Package engine starts, in containers, the real programs that the end-to-end
// suites talk to.
//
// One container serves all tests of a binary; each test has a database of its
// own. A container engine or an image that is missing fails the test with the
// command that mends it, and never skips it.
package engine

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go"
)

// startTime is how long a container may take to answer on a busy machine.
const startTime = 2 * time.Minute

// running holds what Main terminates. A test binary has no other place to hand
// its containers around in.
var running struct {
	sync.Mutex
	containers []testcontainers.Container
}

// Main runs the tests, terminates the containers that they started, and exits.
// A package whose tests use this one has the line
//
//	func TestMain(m *testing.M) { engine.Main(m) }
func Main(m *testing.M) {
	code := m.Run()
	if err := Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// Stop terminates the containers started so far. It is for a TestMain with work
// of its own.
func Stop() error {
	running.Lock()
	defer running.Unlock()
	for _, container := range running.containers {
		if err := testcontainers.TerminateContainer(container); err != nil {
			return fmt.Errorf("terminate a test container: %w", err)
		}
	}
	running.containers = nil
	return nil
}

// run starts a container of an image that e2e/images/build made.
func run(ctx context.Context, image string, options ...testcontainers.ContainerCustomizer) (testcontainers.Container, error) {
	if err := ready(ctx, image); err != nil {
		return nil, err
	}
	if err := lookHere(); err != nil {
		return nil, err
	}
	container, err := testcontainers.Run(ctx, image, options...)
	if container != nil {
		running.Lock()
		running.containers = append(running.containers, container)
		running.Unlock()
	}
	if err != nil {
		return nil, fmt.Errorf("start %s (where no registry can be reached, set TESTCONTAINERS_RYUK_DISABLED=true before the test starts, as make e2e does): %w", image, err)
	}
	return container, nil
}

// lookHere has containers looked for on this machine where the engine runs on it,
// as the engine's own network shows. The library takes a machine that was made of
// a container's image for a container, and would look for them at its gateway.
func lookHere() error {
	const host = "TESTCONTAINERS_HOST_OVERRIDE"
	if _, given := os.LookupEnv(host); given {
		return nil
	}
	if _, err := net.InterfaceByName("docker0"); err != nil {
		return nil //nolint:nilerr // the engine is elsewhere, and the library finds it
	}
	return os.Setenv(host, "localhost")
}

// ready says what to do when the container engine or the image is missing.
func ready(ctx context.Context, image string) error {
	provider, err := testcontainers.NewDockerProvider()
	if err != nil {
		return fmt.Errorf("no container engine answers; run: .ci/engine (%w)", err)
	}
	defer func() { _ = provider.Close() }()
	if err := provider.Health(ctx); err != nil {
		return fmt.Errorf("no container engine answers; run: .ci/engine (%w)", err)
	}
	// Asked for before the start, which would look for it in a registry.
	if _, err := provider.Client().ImageInspect(ctx, image); err != nil {
		return fmt.Errorf("image %s is missing; run: make images (%w)", image, err)
	}
	return nil
}
