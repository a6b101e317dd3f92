//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
)

// childFlag makes this program play one of its own children.
const childFlag = "-as-child"

// child serves the upstream or the bare proxy until it is killed. It prints its
// address first.
func child(args []string) {
	var handler http.Handler
	switch {
	case len(args) == 1 && args[0] == "upstream":
		handler = http.HandlerFunc(answer)
	case len(args) == 2 && args[0] == "bare":
		to, err := url.Parse(args[1])
		if err != nil {
			fail(err)
		}
		handler = bareProxy(to)
	default:
		fail(errors.New("no such child"))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(err)
	}
	fmt.Println(listener.Addr())
	fail(http.Serve(listener, handler))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

// bareProxy is the floor: a reverse proxy that puts a key on each request and
// does nothing else. It reads the request's body first, because ReverseProxy
// breaks a few streams in ten thousand over a very fast upstream when the body
// is still being sent as the answer begins (golang/go#40747).
func bareProxy(to *url.URL) http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Header.Set("Authorization", "Bearer "+upstreamKey)
		},
		FlushInterval: -1,
		BufferPool:    &buffers{sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}},
		Transport:     &http.Transport{MaxIdleConns: 2000, MaxIdleConnsPerHost: 1000, DisableCompression: true},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 32<<20))
		if err != nil {
			http.Error(w, "body", http.StatusBadRequest)
			return
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		proxy.ServeHTTP(w, r)
	})
}

type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte  { return *b.pool.Get().(*[]byte) }
func (b *buffers) Put(p []byte) { b.pool.Put(&p) }

// process is a program that the bench started.
type process struct{ cmd *exec.Cmd }

// launch starts a program that dies with this one and writes to out.
func launch(path string, env []string, out io.Writer, args ...string) (*process, error) {
	cmd := exec.Command(path, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return &process{cmd}, nil
}

// launchChild starts this program as one of its children and returns its address.
func launchChild(ctx context.Context, args ...string) (*process, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = read.Close() }()
	p, err := launch(self, os.Environ(), write, append([]string{childFlag}, args...)...)
	_ = write.Close()
	if err != nil {
		return nil, "", err
	}
	stop := context.AfterFunc(ctx, func() { _ = read.Close() })
	defer stop()
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		p.stop(syscall.SIGKILL)
		return nil, "", fmt.Errorf("start the %s: %w", args[0], err)
	}
	return p, strings.TrimSpace(line), nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop ends the process and waits until it has gone.
func (p *process) stop(signal os.Signal) {
	if p == nil {
		return
	}
	_ = p.cmd.Process.Signal(signal)
	_ = p.cmd.Wait()
}
