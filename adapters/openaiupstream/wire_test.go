package openaiupstream_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/openaiupstream"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/inference"
)

// wire serves each connection with talk, which gets the number of the connection.
func wire(t *testing.T, talk func(n int64, c net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var served atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			talk(served.Add(1), c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return "http://" + l.Addr().String()
}

// readRequest reads one request from c.
func readRequest(c net.Conn) {
	req, err := http.ReadRequest(bufio.NewReader(c))
	if err == nil {
		_, _ = io.Copy(io.Discard, req.Body)
	}
}

func TestUpstream_SlowHead(t *testing.T) {
	t.Parallel()
	url := wire(t, func(_ int64, c net.Conn) {
		readRequest(c)
		_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
		for err == nil {
			_, err = io.WriteString(c, "X-Drip: 1\r\n")
			<-time.After(5 * time.Millisecond) // the pace of the attack
		}
	})
	u := open(t, url, func(c *openaiupstream.Config) { c.FirstByte = 100 * time.Millisecond })
	_, err := u.Do(t.Context(), chat("test", false))
	requireFault(t, err, fault.Timeout, "upstream_timeout")
}

// An upstream that takes the connection but never reads must not hold a call
// whose body is larger than the socket's buffers.
func TestUpstream_DoesNotRead(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	url := wire(t, func(int64, net.Conn) { <-release })
	defer close(release)
	u := open(t, url, func(c *openaiupstream.Config) { c.FirstByte = 100 * time.Millisecond })
	r := chat("test", false)
	r.Body = append(r.Body, strings.Repeat(" ", 32<<20)...)
	_, err := u.Do(t.Context(), r)
	requireFault(t, err, fault.Timeout, "upstream_timeout")
}

// A call that broke off before its last byte was handed over did no work, and
// says so (W8).
func TestUpstream_BreaksOffWhileSending(t *testing.T) {
	t.Parallel()
	url := wire(t, func(_ int64, c net.Conn) {
		_, _ = io.ReadFull(c, make([]byte, 100))
		_ = c.(*net.TCPConn).SetLinger(0) // a reset
	})
	u := open(t, url, nil)
	r := chat("test", false)
	r.Body = append(r.Body, strings.Repeat(" ", 32<<20)...)
	_, err := u.Do(t.Context(), r)
	requireFault(t, err, fault.BadUpstream, "upstream_unavailable")
	require.ErrorIs(t, err, inference.ErrUnsent)
}

// A POST whose bytes were written is never sent again, though the connection
// that took it was an old one that the upstream closed at that moment.
func TestUpstream_NeverSendsTwice(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	url := wire(t, func(n int64, c net.Conn) {
		readRequest(c)
		requests.Add(1)
		if n == 1 {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
			readRequest(c)
			requests.Add(1)
		}
	})
	u := open(t, url, nil)
	res, err := u.Do(t.Context(), chat("test", false))
	require.NoError(t, err)
	_, err = all(t, res)
	require.NoError(t, err)
	_, err = u.Do(t.Context(), chat("test", false))
	requireFault(t, err, fault.BadUpstream, "upstream_unavailable")
	require.NotErrorIs(t, err, inference.ErrUnsent)
	require.EqualValues(t, 2, requests.Load())
}

func TestUpstream_Heads(t *testing.T) {
	t.Parallel()
	const jsonType = "Content-Type: application/json\r\n"
	for name, tc := range map[string]struct{ answer, code string }{
		"not HTTP, quotes the key": {"Bearer " + key + "\r\n\r\n", "upstream_unavailable"},
		"huge head":                {"HTTP/1.1 200 OK\r\nX-Big: " + strings.Repeat("x", 100<<10) + "\r\n\r\n", "upstream_unavailable"},
		"no type":                  {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "upstream_invalid"},
		"two types":                {"HTTP/1.1 200 OK\r\n" + jsonType + "Content-Type: text/html\r\nContent-Length: 2\r\n\r\n{}", "upstream_invalid"},
		"compressed":               {"HTTP/1.1 200 OK\r\n" + jsonType + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", "upstream_invalid"},
		"events unasked":           {"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 2\r\n\r\n\n\n", "upstream_invalid"},
		"switching protocols":      {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "upstream_unavailable"},
		"odd status":               {"HTTP/1.1 699 Odd\r\n" + jsonType + "Content-Length: 2\r\n\r\n{}", "upstream_unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := wire(t, func(_ int64, c net.Conn) {
				readRequest(c)
				_, _ = io.WriteString(c, tc.answer)
			})
			_, err := open(t, url, nil).Do(t.Context(), chat("test", false))
			requireFault(t, err, fault.BadUpstream, tc.code)
		})
	}
	t.Run("JSON though events were asked for", func(t *testing.T) {
		t.Parallel()
		url := wire(t, func(_ int64, c net.Conn) {
			readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: Application/JSON; charset=utf-8\r\nOpenai-Model: "+key+"\r\nContent-Length: 2\r\n\r\n{}")
		})
		res, err := open(t, url, nil).Do(t.Context(), chat("test", true))
		require.NoError(t, err)
		require.False(t, res.Stream)
		require.Empty(t, res.Headers, "a header with the key")
		_, err = all(t, res)
		require.NoError(t, err)
	})
}

// That a header was harmless once says nothing of the next one.
func TestUpstream_HeadersOneByOne(t *testing.T) {
	t.Parallel()
	versions := []string{"1", "1", key, "Bearer " + key, "2", "1", key}
	next := 0
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Openai-Version", versions[next])
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(h.Close)
	u := open(t, h.URL, nil)
	for i, version := range versions {
		next = i
		res, err := u.Do(t.Context(), chat("test", false))
		require.NoError(t, err)
		_, err = all(t, res)
		require.NoError(t, err)
		if strings.Contains(version, key) {
			require.Empty(t, res.Headers)
		} else {
			require.Equal(t, []inference.Header{{Name: "Openai-Version", Value: version}}, res.Headers)
		}
	}
}

func TestUpstream_ErrorBodies(t *testing.T) {
	t.Parallel()
	const silent = "The model provider refused the request and gave no reason that can be passed on."
	for name, tc := range map[string]struct {
		body, retry string
		want        inference.Refusal
	}{
		"numbers and nulls": {
			body: `{"error":{"message":"a\u0007b","type":null,"code":42,"param":["x"]}}`,
			want: inference.Refusal{Message: "ab", Code: "42"},
		},
		"text":            {body: `{"error":"no such thing"}`, want: inference.Refusal{Message: "no such thing"}},
		"detail":          {body: `{"detail":"no such thing"}`, want: inference.Refusal{Message: "no such thing"}},
		"fields at top":   {body: `{"message":"m","code":"c","type":"t"}`, want: inference.Refusal{Message: "m", Code: "c", Type: "t"}},
		"HTML":            {body: `<h1>502</h1>`, want: inference.Refusal{Message: silent}},
		"empty":           {want: inference.Refusal{Message: silent}},
		"too long":        {body: `{"error":"` + strings.Repeat("x", 70<<10) + `"}`, want: inference.Refusal{Message: silent}},
		"long message":    {body: `{"error":"` + strings.Repeat("é", 3<<10) + `"}`, want: inference.Refusal{Message: strings.Repeat("é", 1<<10)}},
		"seconds":         {body: `{"error":"m"}`, retry: "20", want: inference.Refusal{Message: "m", RetryAfter: "20"}},
		"date":            {body: `{"error":"m"}`, retry: "Wed, 21 Oct 2026 07:28:00 GMT", want: inference.Refusal{Message: "m", RetryAfter: "Wed, 21 Oct 2026 07:28:00 GMT"}},
		"retry nonsense":  {body: `{"error":"m"}`, retry: "-1", want: inference.Refusal{Message: "m"}},
		"retry with text": {body: `{"error":"m"}`, retry: "7; " + key, want: inference.Refusal{Message: "m"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if tc.retry != "" {
					w.Header().Set("Retry-After", tc.retry)
				}
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, tc.body)
			}))
			t.Cleanup(h.Close)
			_, err := open(t, h.URL, nil).Do(t.Context(), chat("test", true))
			tc.want.Status = 400
			require.Equal(t, &tc.want, err)
		})
	}
	t.Run("dripping", func(t *testing.T) {
		t.Parallel()
		url := wire(t, func(_ int64, c net.Conn) {
			readRequest(c)
			_, err := io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
			for err == nil {
				_, err = io.WriteString(c, " ")
				<-time.After(5 * time.Millisecond) // the pace of the attack
			}
		})
		u := open(t, url, func(c *openaiupstream.Config) { c.IdleChunk = 100 * time.Millisecond })
		_, err := u.Do(t.Context(), chat("test", true))
		require.Equal(t, &inference.Refusal{Status: 400, Message: silent}, err)
	})
}

func TestUpstream_Models(t *testing.T) {
	t.Parallel()
	serve := func(t *testing.T, kind, body string) *openaiupstream.Upstream {
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = io.WriteString(w, body)
		}))
		t.Cleanup(h.Close)
		return open(t, h.URL, nil)
	}
	got, err := serve(t, "application/json", `{"data":[{"id":"org/a","created":1.5e9,"owned_by":"x"},{"id":""},{"id":"b\n"},{"id":"c","created":1e300}]}`).Models(t.Context())
	require.NoError(t, err)
	require.Equal(t, []inference.Model{{ID: "org/a", Created: 1500000000, OwnedBy: "x"}, {ID: "c"}}, got)

	for _, body := range []string{"", "{}", "[]", `{"data":[{"id":7}]}`, `{"data":[` + strings.Repeat(" ", 5<<20) + `]}`} {
		_, err := serve(t, "application/json", body).Models(t.Context())
		requireFault(t, err, fault.BadUpstream, "upstream_invalid")
	}
	_, err = serve(t, "text/event-stream", `{"data":[]}`).Models(t.Context())
	requireFault(t, err, fault.BadUpstream, "upstream_invalid")
}
