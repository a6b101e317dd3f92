package http1

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const okay = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

func TestClient_sends(t *testing.T) {
	t.Parallel()
	heard := make(chan *http.Request, 1)
	s := serve(t, func(_ int64, c net.Conn) {
		r := bufio.NewReader(c)
		for req := take(r); req != nil; req = take(r) {
			heard <- req
			_, _ = io.WriteString(c, okay)
		}
	})
	c := s.client(nil)
	for _, size := range []int{0, 1, 100, roomSize - 200, roomSize, sendInline, sendInline + 1, 3 << 20} {
		body := strings.Repeat("b", size)
		res, err := call(t.Context(), c, post(body))
		require.NoError(t, err)
		require.Equal(t, got{200, "{}", nil}, res)
		req := <-heard
		sent, err := io.ReadAll(req.Body)
		require.NoError(t, err)
		require.Equal(t, body, string(sent))
		require.EqualValues(t, size, req.ContentLength)
		require.Equal(t, http.Header{"X-Request-Id": {"req_1"}, "Content-Length": {strconv.Itoa(size)}}, req.Header)
	}
	_, err := call(t.Context(), c, Request{Head: []byte("GET /v1/models HTTP/1.1\r\nHost: h\r\nAccept: "), Last: "x"})
	require.NoError(t, err)
	req := <-heard
	require.Equal(t, http.Header{"Accept": {"x"}}, req.Header)
	require.EqualValues(t, 1, s.conns.Load())
}

// A server that closes a kept connection between two calls costs no call.
func TestClient_closedBetweenCalls(t *testing.T) {
	t.Parallel()
	hangUp, gone := make(chan struct{}), make(chan struct{})
	s := serve(t, func(_ int64, c net.Conn) {
		take(bufio.NewReader(c))
		_, _ = io.WriteString(c, okay)
		<-hangUp
		_ = c.Close()
		gone <- struct{}{}
	})
	c := s.client(nil)
	for range 1000 {
		res, err := call(t.Context(), c, post("{}"))
		require.NoError(t, err)
		require.Equal(t, got{200, "{}", nil}, res)
		hangUp <- struct{}{}
		<-gone
	}
	require.EqualValues(t, 1000, s.conns.Load())
}

// What a server says unasked on an idle connection is no answer to the next call.
func TestClient_unaskedAnswer(t *testing.T) {
	t.Parallel()
	const wrong = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong"
	for name, unasked := range map[string]string{"a byte": "\n", "an answer": wrong, "a timeout's notice": "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			speak, spoken := make(chan struct{}), make(chan struct{})
			s := serve(t, func(n int64, c net.Conn) {
				r := bufio.NewReader(c)
				take(r)
				_, _ = io.WriteString(c, okay)
				if n == 1 {
					<-speak
					_, _ = io.WriteString(c, unasked)
					close(spoken)
				}
				take(r)
			})
			c := s.client(nil)
			_, err := call(t.Context(), c, post("{}"))
			require.NoError(t, err)
			close(speak)
			<-spoken
			res, err := call(t.Context(), c, post("{}"))
			require.NoError(t, err)
			require.Equal(t, got{200, "{}", nil}, res)
			require.EqualValues(t, 2, s.conns.Load())
		})
	}
	t.Run("behind the answer", func(t *testing.T) {
		t.Parallel()
		s := answers(t, okay+wrong)
		c := s.client(nil)
		for range 3 {
			res, err := call(t.Context(), c, post("{}"))
			require.NoError(t, err)
			require.Equal(t, "{}", res.body)
		}
		require.EqualValues(t, 3, s.conns.Load())
	})
}

// A request that a connection took is never sent again, whatever becomes of it.
func TestClient_neverTwice(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(net.Conn){
		"closed":          func(c net.Conn) { _ = c.Close() },
		"reset":           func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0); _ = c.Close() },
		"half a head":     func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200"); _ = c.Close() },
		"an interim only": func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n"); _ = c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests sync.Map
			s := serve(t, func(n int64, c net.Conn) {
				r := bufio.NewReader(c)
				for i := 0; take(r) != nil; i++ {
					requests.Store([2]int64{n, int64(i)}, true)
					if i == 1 {
						end(c)
						return
					}
					_, _ = io.WriteString(c, okay)
				}
			})
			c := s.client(nil)
			_, err := call(t.Context(), c, post("{}"))
			require.NoError(t, err)
			_, err = call(t.Context(), c, post("{}"))
			require.Error(t, err)
			require.NotErrorIs(t, err, ErrUnsent)
			count := 0
			requests.Range(func(any, any) bool { count++; return true })
			require.Equal(t, 2, count)
		})
	}
}

// An old connection that takes not one byte is replaced; a new one is not.
func TestClient_untouched(t *testing.T) {
	t.Parallel()
	s := answers(t, okay)
	c := s.client(nil)
	_, err := call(t.Context(), c, post("{}"))
	require.NoError(t, err)
	old := c.pool.get()
	require.NoError(t, old.tcp.(*net.TCPConn).CloseWrite()) // looks quiet, takes nothing
	c.pool.put(old)
	res, err := call(t.Context(), c, post("{}"))
	require.NoError(t, err)
	require.Equal(t, got{200, "{}", nil}, res)
	require.EqualValues(t, 2, s.conns.Load())

	fresh, err := c.dial(t.Context(), time.Now().Add(time.Minute))
	require.NoError(t, err)
	require.NoError(t, fresh.tcp.(*net.TCPConn).CloseWrite())
	r := Response{client: c, ctx: t.Context(), conn: fresh}
	err = r.exchange(post("{}"))
	require.NotErrorIs(t, err, errUntouched)
	require.ErrorIs(t, err, ErrUnsent)
}

func TestClient_pool(t *testing.T) {
	t.Parallel()
	t.Run("idle connections are closed", func(t *testing.T) {
		t.Parallel()
		gone := make(chan struct{}, 3)
		s := serve(t, func(_ int64, c net.Conn) {
			r := bufio.NewReader(c)
			for take(r) != nil {
				_, _ = io.WriteString(c, okay)
			}
			gone <- struct{}{}
		})
		c := s.client(func(cfg *Config) { cfg.Idle = 10 * time.Millisecond })
		for range 3 {
			_, err := call(t.Context(), c, post("{}"))
			require.NoError(t, err)
			<-gone
		}
		require.EqualValues(t, 3, s.conns.Load())
	})
	t.Run("the last one goes first and no more are kept than may be", func(t *testing.T) {
		t.Parallel()
		p := pool{max: 2, time: time.Minute}
		defer p.close()
		list := make([]*conn, 3)
		for i := range list {
			a, b := net.Pipe()
			defer func() { _ = b.Close() }()
			list[i] = &conn{net: a, tcp: a}
			p.put(list[i])
		}
		_, err := list[2].tcp.Write([]byte("x"))
		require.ErrorIs(t, err, io.ErrClosedPipe)
		require.Same(t, list[1], p.get())
		require.Same(t, list[0], p.get())
		require.Nil(t, p.get())
	})
	t.Run("nothing is kept after Close", func(t *testing.T) {
		t.Parallel()
		s := answers(t, okay)
		c := s.client(nil)
		_, err := call(t.Context(), c, post("{}"))
		require.NoError(t, err)
		c.Close()
		for range 2 {
			_, err = call(t.Context(), c, post("{}"))
			require.NoError(t, err)
		}
		require.EqualValues(t, 3, s.conns.Load())
		require.Nil(t, c.pool.get())
	})
}

func TestClient_ends(t *testing.T) {
	t.Parallel()
	hang := func(t *testing.T, first string) *server {
		return serve(t, func(_ int64, c net.Conn) {
			_, _ = io.WriteString(c, first)
			_, _ = io.Copy(io.Discard, c)
		})
	}
	large := strings.Repeat("x", 8<<20)
	for name, tc := range map[string]struct{ first, body string }{
		"before the head": {"", "{}"},
		"inside the head": {"HTTP/1.1 200 OK\r\nX-Kept: ", "{}"},
		"inside the body": {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", "{}"},
		"inside a chunk":  {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", "{}"},
		"large, no head":  {"", large},
		"large, a body":   {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", large},
	} {
		t.Run("context "+name, func(t *testing.T) {
			t.Parallel()
			s := hang(t, tc.first)
			c := s.client(nil)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			start := time.Now()
			res, err := call(ctx, c, post(tc.body))
			require.ErrorIs(t, errors.Join(err, res.err), context.DeadlineExceeded)
			require.Less(t, time.Since(start), 9*time.Second, "at once, not by a limit of the client")
			require.Nil(t, c.pool.get())
		})
		t.Run("time "+name, func(t *testing.T) {
			t.Parallel()
			c := hang(t, tc.first).client(func(cfg *Config) { cfg.Head, cfg.Piece = 50*time.Millisecond, 50*time.Millisecond })
			res, err := call(t.Context(), c, post(tc.body))
			require.ErrorIs(t, errors.Join(err, res.err), ErrTimeout)
			require.Nil(t, c.pool.get())
		})
	}
	t.Run("context before", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s := answers(t, okay)
		_, err := call(ctx, s.client(nil), post("{}"))
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, s.conns.Load())
	})
	t.Run("within", func(t *testing.T) {
		t.Parallel()
		s := serve(t, func(_ int64, c net.Conn) {
			_, err := io.WriteString(c, "HTTP/1.1 400 Bad\r\n\r\n")
			for err == nil {
				_, err = io.WriteString(c, " ")
				<-time.After(time.Millisecond) // the pace of the attack
			}
		})
		var r Response
		require.NoError(t, s.client(nil).Do(t.Context(), post("{}"), &r))
		r.Within(50 * time.Millisecond)
		_, err := io.Copy(io.Discard, &r)
		require.ErrorIs(t, err, ErrTimeout)
		require.NoError(t, r.Close())
	})
	t.Run("within is nothing to a call that has ended", func(t *testing.T) {
		t.Parallel()
		c := answers(t, "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n").client(nil)
		var r Response
		require.NoError(t, c.Do(t.Context(), post("{}"), &r))
		r.Within(-time.Second)
		kept := c.pool.get()
		require.NotNil(t, kept)
		defer kept.close()
		_, err := kept.net.Write([]byte("x"))
		require.NoError(t, err)
		_, err = io.ReadAll(&r)
		require.NoError(t, err)
	})
	t.Run("a mark that came too early is not lost", func(t *testing.T) {
		t.Parallel()
		s := hang(t, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
		ctx, cancel := context.WithCancel(t.Context())
		var r Response
		require.NoError(t, s.client(nil).Do(ctx, post("{}"), &r))
		_, err := r.Read(make([]byte, 1))
		require.NoError(t, err)
		cancel()
		r.readBy = time.Time{} // so that the next read moves the deadline
		_, err = r.Read(make([]byte, 1))
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, r.Close())
	})
}

func TestClient_connect(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	s := &server{t: t, address: l.Addr().String()}
	_, err = call(t.Context(), s.client(nil), post("{}"))
	require.ErrorIs(t, err, ErrUnsent)
	_, err = call(t.Context(), s.client(func(c *Config) { c.Head = 1 }), post("{}"))
	require.ErrorIs(t, err, ErrTimeout)
}

// Calls side by side, some of them given up, never see each other's answers.
func TestClient_parallel(t *testing.T) {
	t.Parallel()
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		for i := range 3 {
			_, _ = fmt.Fprintf(w, "%d %s\n", i, body)
			if strings.HasSuffix(string(body), "0") {
				_ = http.NewResponseController(w).Flush()
			}
		}
	}))
	t.Cleanup(h.Close)
	s := &server{t: t, address: strings.TrimPrefix(h.URL, "http://")}
	c := s.client(func(cfg *Config) { cfg.MaxIdle = 4 })
	var calls sync.WaitGroup
	errs := make(chan error, 16)
	for g := range 16 {
		calls.Go(func() {
			for i := range 200 {
				name := fmt.Sprintf("call %d %d", g, i)
				ctx, cancel := context.WithCancel(t.Context())
				if i%7 == 0 {
					time.AfterFunc(time.Duration(i)*time.Microsecond, cancel)
				}
				res, err := call(ctx, c, post(name))
				err = errors.Join(err, res.err)
				gaveUp := i%7 == 0 && errors.Is(err, context.Canceled)
				cancel()
				if want := fmt.Sprintf("0 %s\n1 %s\n2 %s\n", name, name, name); !gaveUp && (err != nil || res.body != want) {
					errs <- fmt.Errorf("%s: %q, %w", name, res.body, err)
					return
				}
			}
		})
	}
	calls.Wait()
	close(errs)
	require.NoError(t, <-errs)
}
