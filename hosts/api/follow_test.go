package api_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/hosts/api"
)

// told is an event of a stream.
type told struct{ name, id, data string }

// follower reads the stream of a turn, and puts its text together.
type follower struct {
	*http.Response
	lines *bufio.Reader
	text  string
	beats int
}

// follow opens a stream, from a place on if it is one.
func (s *site) follow(t *testing.T, by *http.Cookie, turn, query string, head ...string) *follower {
	t.Helper()
	res := s.open(t, t.Context(), by, "GET", "/api/turns/"+turn+"/stream"+query, "", head...)
	t.Cleanup(func() { _ = res.Body.Close() })
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, "text/event-stream; charset=utf-8", res.Header.Get("Content-Type"))
	require.Equal(t, "no", res.Header.Get("X-Accel-Buffering"))
	require.Contains(t, res.Header.Get("Cache-Control"), "no-store")
	require.NotEmpty(t, res.Header.Get("X-Request-Id"))
	return &follower{Response: res, lines: bufio.NewReader(res.Body)}
}

// next returns the next event; the zero one at the end.
func (f *follower) next(t *testing.T) (e told) {
	t.Helper()
	for {
		line, err := f.lines.ReadString('\n')
		if err != nil {
			return told{}
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			e.data = value
		case "":
			if e.name != "" {
				f.take(t, e)
				return e
			}
			f.beats++
		default:
			require.Fail(t, "no line of an event", line)
		}
	}
}

// take puts an event's text to the text, whose length its ID is.
func (f *follower) take(t *testing.T, e told) {
	t.Helper()
	var data struct{ Text string }
	require.NoError(t, json.Unmarshal([]byte(e.data), &data))
	switch e.name {
	case "text":
		f.text += data.Text
	case "reset":
		f.text = data.Text
	case "step", "closed":
		require.Empty(t, e.id, "it is at no place")
		return
	}
	require.Equal(t, strconv.Itoa(len(f.text)), e.id, e.data)
}

// until reads until the text ends in what is given.
func (f *follower) until(t *testing.T, end string) {
	t.Helper()
	for !strings.HasSuffix(f.text, end) {
		require.NotZero(t, f.next(t), "the stream ended after %q", f.text)
	}
}

// end reads until the end of the turn, after which nothing comes.
func (f *follower) end(t *testing.T) told {
	t.Helper()
	for {
		e := f.next(t)
		require.NotZero(t, e, "the stream ended without an end")
		if e.name == "end" {
			require.Zero(t, f.next(t), "nothing follows")
			return e
		}
	}
}

func data[T any](t *testing.T, e told) T {
	t.Helper()
	var v T
	d := json.NewDecoder(strings.NewReader(e.data))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&v), e.data)
	return v
}

func TestFollow(t *testing.T) { // C3
	t.Parallel()
	s := openSite(t)
	st, a := s.asked(t, "Wie geht's?")
	f := s.follow(t, s.ann, st.Turn.ID, "")
	a.say(t, "Gu")
	f.until(t, "Gu")
	a.say(t, "t, \n\"grün\"")
	f.until(t, "grün\"")
	second := s.follow(t, s.ann, st.Turn.ID, "?cursor=2")
	second.text = "Gu"
	second.until(t, "grün\"")
	require.Equal(t, f.text, second.text, "from its place on")
	a.finish(t)
	e := data[api.TurnEnd](t, f.end(t))
	require.Equal(t, "done", e.Turn.State)
	require.EqualValues(t, 50, *e.Turn.Debited)
	require.True(t, e.Turn.Settled)
	require.EqualValues(t, 10_000_000-50, e.Balance.Available)
	require.Equal(t, st.Turn.ID, e.Turn.ID)
	require.NotEmpty(t, e.Turn.Steps)

	// An ended one is told of at once, from wherever.
	for query, want := range map[string]string{"": f.text, "?cursor=0": f.text, "?cursor=4": f.text[4:], "?cursor=" + strconv.Itoa(len(f.text)): ""} {
		again := s.follow(t, s.ann, st.Turn.ID, query)
		if n := len(f.text) - len(want); n > 0 {
			again.text = f.text[:n]
		}
		again.end(t)
		require.Equal(t, f.text, again.text, query)
	}
	last := s.follow(t, s.ann, st.Turn.ID, "?cursor=1", "Last-Event-ID", "3")
	last.text = f.text[:3]
	last.end(t)
	require.Equal(t, f.text, last.text, "the header comes first")
	reset := s.follow(t, s.ann, st.Turn.ID, "?cursor=100000")
	var names []string
	for e := reset.next(t); e != (told{}); e = reset.next(t) {
		names = append(names, e.name)
	}
	require.Contains(t, names, "reset")
	require.Equal(t, f.text, reset.text)
}

func TestFollow_refused(t *testing.T) {
	t.Parallel()
	s := openSite(t)
	st, a := s.asked(t, "x")
	defer func() { _ = a.Close() }()
	at := "/api/turns/" + st.Turn.ID + "/stream"
	for _, query := range []string{"?cursor=", "?cursor=-1", "?cursor=x", "?cursor=1.5", "?cursor=99999999999999999999", "?cursor=1&cursor=2", "?cursor=%00", "?other=1", "?cursor=0x1", "?%zz"} {
		problem(t, s.do(t, s.ann, "GET", at+query, ""), http.StatusUnprocessableEntity, "invalid_cursor")
	}
	for _, last := range []string{"x", "-1", "1e3", "4, 5"} {
		res := s.open(t, t.Context(), s.ann, "GET", at, "", "Last-Event-ID", last)
		problem(t, read(t, res), http.StatusUnprocessableEntity, "invalid_cursor")
	}
	for _, by := range []*http.Cookie{s.mo, s.foreign} {
		problem(t, s.do(t, by, "GET", at, ""), http.StatusNotFound, "not_found")
	}
	for _, id := range []string{"turn_06b1v5k9ehq7r4m2d8t0s3n1cg", "turn_", "x", st.Thread.ID, "%F0%9F%94%91"} {
		problem(t, s.do(t, s.ann, "GET", "/api/turns/"+id+"/stream", ""), http.StatusNotFound, "not_found")
	}
	problem(t, s.do(t, nil, "GET", at, ""), http.StatusUnauthorized, "not_signed_in")
	res := s.open(t, t.Context(), s.ann, "HEAD", at, "")
	require.Equal(t, http.StatusMethodNotAllowed, res.StatusCode)
	require.NoError(t, res.Body.Close())
}

// A session that ends ends its streams.
func TestFollow_signedOut(t *testing.T) { // A5, K5
	t.Parallel()
	s := openSite(t)
	st, a := s.asked(t, "x")
	f := s.follow(t, s.ann, st.Turn.ID, "")
	a.say(t, "Half")
	f.until(t, "Half")
	require.Equal(t, http.StatusOK, s.do(t, s.ann, "DELETE", "/api/session", "").StatusCode)
	began := time.Now()
	for {
		e := f.next(t)
		require.NotZero(t, e)
		if e.name == "closed" {
			require.Equal(t, "not_signed_in", data[api.TurnClosed](t, e).Code)
			break
		}
		require.NotEqual(t, "text", e.name)
		if e.name == "end" { // the turn was cut before
			break
		}
	}
	require.Less(t, time.Since(began), 10*time.Second)
	require.Zero(t, f.next(t))
}

// A stream lasts longer than the patience for a request, and one who does not
// read holds nobody up and is left.
func TestFollow_stalled(t *testing.T) { // W10
	t.Parallel()
	s := openSite(t)
	st, a := s.asked(t, "x")
	conn, err := net.Dial("tcp", s.server.Listener.Addr().String())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.(*net.TCPConn).SetReadBuffer(4<<10))
	_, err = conn.Write([]byte("GET /api/turns/" + st.Turn.ID + "/stream HTTP/1.1\r\nHost: x\r\nCookie: " + s.ann.String() + "\r\n\r\n"))
	require.NoError(t, err)
	f := s.follow(t, s.ann, st.Turn.ID, "")
	long := strings.Repeat("words and more ", 4<<10)
	const parts = 10 // 600 KiB: more than the buffers between take
	said := make(chan error, 1)
	go func() { // while it is read
		var err error
		for n := 0; n < parts && err == nil; n++ {
			err = a.write(long)
		}
		said <- err
	}()
	for len(f.text) < parts*len(long) {
		require.NotZero(t, f.next(t), "the stream of one who reads ended")
	}
	require.NoError(t, <-said)
	a.finish(t)
	over := data[api.TurnEnd](t, f.end(t)).Turn
	require.Equal(t, "done", over.State, over.Failure)

	// The server leaves the other: what comes breaks off, and never ends well.
	require.Eventually(t, func() bool {
		_, left := s.left.Load(conn.LocalAddr().String())
		return left
	}, 30*time.Second, 10*time.Millisecond, "the connection is not closed")
	var got bytes.Buffer
	_, _ = got.ReadFrom(conn) // whether it ends in a reset does not matter
	require.NotContains(t, got.String(), "event: end")
	require.NotContains(t, s.log.String(), "words")
}

// A browser that leaves takes nothing with it.
func TestFollow_left(t *testing.T) { // C3
	t.Parallel()
	s := openSite(t)
	st, a := s.asked(t, "x")
	ctx, leave := context.WithCancel(t.Context())
	res := s.open(t, ctx, s.ann, "GET", "/api/turns/"+st.Turn.ID+"/stream", "")
	a.say(t, "One ")
	leave()
	_ = res.Body.Close()
	a.say(t, "two")
	a.finish(t)
	f := s.follow(t, s.ann, st.Turn.ID, "")
	f.end(t)
	require.Equal(t, "One two", f.text)
}

// What ended badly says so, and closes.
func TestFollow_failed(t *testing.T) { // C3
	t.Parallel()
	s := openSite(t)
	st, a := s.asked(t, "x")
	f := s.follow(t, s.ann, st.Turn.ID, "")
	a.say(t, "Half")
	require.NoError(t, a.CloseWithError(context.DeadlineExceeded))
	e := data[api.TurnEnd](t, f.end(t))
	require.Equal(t, "failed", e.Turn.State)
	require.Equal(t, "Half", f.text)
	require.NotEmpty(t, e.Turn.Failure.Code)
	require.NotEmpty(t, e.Turn.Failure.Message)
	require.True(t, e.Turn.Failure.Retryable)
	require.NotEmpty(t, e.Turn.RequestID)
}

// One may follow few at a time.
func TestFollow_many(t *testing.T) {
	t.Parallel()
	s := openSite(t)
	st, a := s.asked(t, "x")
	defer func() { _ = a.Close() }()
	for range 16 {
		s.follow(t, s.ann, st.Turn.ID, "").next(t)
	}
	problem(t, s.do(t, s.ann, "GET", "/api/turns/"+st.Turn.ID+"/stream", ""), http.StatusTooManyRequests, "too_many_followers")
}
