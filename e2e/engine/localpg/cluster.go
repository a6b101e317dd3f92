//go:build unix

package localpg

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	superuser = "postgres"
	startTime = time.Minute      // for recovery after a crash, on a busy machine
	stopTime  = 30 * time.Second // for a shutdown checkpoint
	pollEvery = 20 * time.Millisecond
	portTries = 5
)

// A Cluster is one running PostgreSQL server with its own data.
type Cluster struct {
	dir       string
	temporary bool
	address   address
	process   *os.Process
	exited    chan struct{} // closed when the server is gone
}

// An address is kept in the cluster's folder, so that a later start answers at
// the same URL.
type address struct {
	Port     int    `json:"port"`
	Password string `json:"password"`
}

// Start makes a cluster in dir and returns once it answers. An empty dir means
// a temporary folder, removed by Stop. A folder that holds a cluster already is
// started again, at the same address, after crash recovery where one is due.
//
// Each setting is a server parameter, such as "fsync=off". A root process runs
// the server as the user postgres, who must be able to reach dir.
func Start(dir string, settings ...string) (*Cluster, error) {
	c := &Cluster{dir: dir, temporary: dir == ""}
	var err error
	if c.temporary {
		c.dir, err = os.MkdirTemp("", "archibotchat-postgres-")
	} else {
		c.dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("the cluster's folder: %w", err)
	}
	if err := c.start(settings); err != nil {
		if c.temporary {
			_ = os.RemoveAll(c.dir)
		}
		return nil, err
	}
	return c, nil
}

// URL returns the URL of a database of the cluster, for its superuser. The
// database "postgres" is always there.
func (c *Cluster) URL(db string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, c.address.Password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(c.address.Port)),
		Path:     "/" + db,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// PID returns the process ID of the server, for measuring it.
func (c *Cluster) PID() int { return c.process.Pid }

// Stop ends the server and waits until it is gone. A fast shutdown rolls back
// the open sessions and writes a checkpoint; an immediate one writes nothing
// more, like a crash, so that the next Start recovers from the log. A temporary
// folder is removed. Stopping twice is no error.
func (c *Cluster) Stop(immediate bool) error {
	sign := syscall.SIGINT
	if immediate {
		sign = syscall.SIGQUIT
	}
	if err := c.process.Signal(sign); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	select {
	case <-c.exited:
	case <-time.After(stopTime):
		_ = c.process.Kill()
		<-c.exited
		return fmt.Errorf("PostgreSQL did not stop within %v and was killed; its log: %s", stopTime, c.logFile())
	}
	if c.temporary {
		if err := os.RemoveAll(c.dir); err != nil {
			return fmt.Errorf("remove the cluster's folder: %w", err)
		}
	}
	return nil
}

func (c *Cluster) start(settings []string) error {
	programs, err := findPrograms()
	if err != nil {
		return err
	}
	owner, err := findOwner()
	if err != nil {
		return err
	}
	err = c.readAddress()
	if err == nil {
		return c.serve(programs, owner, settings)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := c.create(programs, owner); err != nil {
		return err
	}
	// A port found free may be taken by another process before the server
	// binds it, so try a few.
	for range portTries {
		if c.address.Port, err = freePort(); err != nil {
			return err
		}
		if err = c.serve(programs, owner, settings); err == nil {
			return c.writeAddress()
		}
	}
	return err
}

func (c *Cluster) dataDir() string     { return filepath.Join(c.dir, "data") }
func (c *Cluster) logFile() string     { return filepath.Join(c.dir, "postgres.log") }
func (c *Cluster) addressFile() string { return filepath.Join(c.dir, "address.json") }

func (c *Cluster) readAddress() error {
	content, err := os.ReadFile(c.addressFile())
	if err != nil {
		return fmt.Errorf("read the cluster's address: %w", err)
	}
	if err := json.Unmarshal(content, &c.address); err != nil {
		return fmt.Errorf("read the cluster's address: %w", err)
	}
	return nil
}

func (c *Cluster) writeAddress() error {
	content, err := json.Marshal(c.address)
	if err != nil {
		return fmt.Errorf("write the cluster's address: %w", err)
	}
	if err := os.WriteFile(c.addressFile(), content, 0o600); err != nil {
		return fmt.Errorf("write the cluster's address: %w", err)
	}
	return nil
}

// create runs initdb.
func (c *Cluster) create(programs programs, owner *syscall.Credential) error {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return fmt.Errorf("make the cluster's folder: %w", err)
	}
	c.address.Password = rand.Text()
	password := filepath.Join(c.dir, "password")
	if err := os.WriteFile(password, []byte(c.address.Password), 0o600); err != nil {
		return fmt.Errorf("write the cluster's password: %w", err)
	}
	defer func() { _ = os.Remove(password) }()
	if owner != nil {
		for _, path := range []string{c.dir, password} {
			if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
				return fmt.Errorf("hand the cluster's folder to its user: %w", err)
			}
		}
	}
	// Nothing to lose yet: durability begins with the server.
	initdb := exec.Command(programs.initdb, "--pgdata", c.dataDir(), "--username", superuser,
		"--pwfile", password, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
	initdb.Dir = c.dir
	initdb.SysProcAttr = childOf(owner)
	if output, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, output)
	}
	return nil
}

// serve starts the server and waits until it answers or has gone.
func (c *Cluster) serve(programs programs, owner *syscall.Credential, settings []string) error {
	log, err := os.OpenFile(c.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open PostgreSQL's log: %w", err)
	}
	defer func() { _ = log.Close() }()

	args := []string{
		"-D", c.dataDir(), "-p", strconv.Itoa(c.address.Port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
		"-c", "max_connections=300", // parallel tests, a pool each
	}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	server := exec.Command(programs.postgres, args...)
	server.Dir = c.dir
	server.SysProcAttr = childOf(owner)
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	exited := make(chan struct{})
	c.process, c.exited = server.Process, exited
	go func() {
		defer close(exited)
		_ = server.Wait() // how it ended is in the log
	}()
	if err := c.awaitAnswer(); err != nil {
		_ = server.Process.Kill()
		<-exited
		content, _ := os.ReadFile(c.logFile())
		return fmt.Errorf("start PostgreSQL: %w; its log:\n%s", err, content)
	}
	return nil
}

func (c *Cluster) awaitAnswer() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		conn, err := pgx.Connect(ctx, c.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-c.exited:
			return errors.New("it exited")
		case <-ctx.Done():
			return fmt.Errorf("no answer within %v: %w", startTime, err)
		case <-poll.C:
		}
	}
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
