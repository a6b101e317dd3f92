package boot_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/hosts/internal/boot"
)

var quiet = slog.New(slog.DiscardHandler)

func untilDone(ctx context.Context) error { <-ctx.Done(); return nil }

func TestRun_Until(t *testing.T) {
	t.Parallel()
	t.Run("an open request ends before the work does", func(t *testing.T) {
		t.Parallel()
		started, finish := make(chan struct{}), make(chan struct{})
		var order atomic.Value
		s, err := boot.Listen(t.Context(), "127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(started)
			<-finish
			order.Store("request")
			_, _ = io.WriteString(w, "whole")
		}), quiet)
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		run := boot.Run{Log: quiet, Servers: []*boot.Server{s}, Grace: time.Minute, Draining: func() { close(finish) }, Work: func(ctx context.Context) error {
			<-ctx.Done()
			if order.Load() != "request" {
				return errors.New("the work ended first")
			}
			return nil
		}}
		ended := make(chan error, 1)
		go func() { ended <- run.Until(ctx) }()
		answer := make(chan string, 1)
		go func() {
			res, err := http.Get("http://" + s.Address())
			if err != nil {
				answer <- err.Error()
				return
			}
			defer func() { _ = res.Body.Close() }()
			text, _ := io.ReadAll(res.Body)
			answer <- string(text)
		}()
		<-started
		stop()
		require.Equal(t, "whole", <-answer)
		require.NoError(t, <-ended)
	})
	t.Run("grace over: the request's context ends", func(t *testing.T) {
		t.Parallel()
		started, cut := make(chan struct{}), make(chan struct{})
		s, err := boot.Listen(t.Context(), "127.0.0.1:0", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(started)
			<-r.Context().Done()
			close(cut)
		}), quiet)
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- boot.Run{Log: quiet, Servers: []*boot.Server{s}, Draining: func() {}, Work: untilDone}.Until(ctx)
		}()
		go func() {
			if res, err := http.Get("http://" + s.Address()); err == nil {
				_ = res.Body.Close()
			}
		}()
		<-started
		stop()
		require.NoError(t, <-ended)
		<-cut
	})
	t.Run("work that fails stops the servers", func(t *testing.T) {
		t.Parallel()
		var asked atomic.Int64
		s, err := boot.Listen(t.Context(), "127.0.0.1:0", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }), quiet)
		require.NoError(t, err)
		fail := errors.New("lease lost")
		drained := false
		err = boot.Run{Log: quiet, Servers: []*boot.Server{s}, Draining: func() { drained = true }, Drain: time.Hour, Work: func(context.Context) error { return fail }}.Until(t.Context())
		require.ErrorIs(t, err, fail)
		require.True(t, drained)
		if res, err := http.Get("http://" + s.Address()); err == nil { // from whoever has the port now
			require.NoError(t, res.Body.Close())
		}
		require.Zero(t, asked.Load())
	})
	t.Run("work that returns early is a failure", func(t *testing.T) {
		t.Parallel()
		err := boot.Run{Log: quiet, Draining: func() {}, Work: func(context.Context) error { return nil }}.Until(t.Context())
		require.ErrorContains(t, err, "ended by itself")
	})
}

func TestServer_HeaderLimit(t *testing.T) {
	t.Parallel()
	s, err := boot.Listen(t.Context(), "127.0.0.1:0", http.NotFoundHandler(), quiet)
	require.NoError(t, err)
	go func() { _ = s.Serve() }()
	defer s.Stop(0)
	for size, want := range map[int]int{31 << 10: http.StatusNotFound, 33 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Address(), nil)
		require.NoError(t, err)
		req.Header.Set("X-Long", strings.Repeat("a", size))
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.Equal(t, want, res.StatusCode)
		_ = res.Body.Close()
	}
}

func TestOnHangup(t *testing.T) {
	heard := make(chan struct{})
	stop := boot.OnHangup(func() { heard <- struct{}{} })
	for range 2 {
		require.NoError(t, syscall.Kill(syscall.Getpid(), syscall.SIGHUP))
		<-heard
	}
	stop()
}
