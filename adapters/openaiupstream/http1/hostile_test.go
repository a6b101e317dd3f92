package http1

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	ok      = "HTTP/1.1 200 OK\r\n"
	chunked = ok + "Transfer-Encoding: chunked\r\n\r\n"
)

var many = strings.Repeat("x", 3*roomSize)

// forms are answers, what is read of each, and whether the connection is kept.
var forms = map[string]struct {
	answer string
	want   got
	kept   bool
}{
	"length":                  {okay, got{200, "{}", nil}, true},
	"large":                   {ok + "Content-Length: 24576\r\n\r\n" + many, got{200, many, nil}, true},
	"no body":                 {ok + "Content-Length: 0\r\n\r\n", got{200, "", nil}, true},
	"204":                     {"HTTP/1.1 204 No Content\r\n\r\n", got{204, "", nil}, true},
	"304 with a length":       {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", got{304, "", nil}, false},
	"204 in chunks":           {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", got{204, "", nil}, false},
	"no reason":               {"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}", got{200, "{}", nil}, true},
	"empty reason":            {"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n{}", got{200, "{}", nil}, true},
	"Connection: close":       {ok + "Connection: Keep-Alive, CLOSE\r\nContent-Length: 2\r\n\r\n{}", got{200, "{}", nil}, false},
	"HTTP/1.0":                {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}", got{200, "{}", nil}, false},
	"continue":                {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + okay, got{200, "{}", nil}, true},
	"odd case and spaces":     {ok + "content-LENGTH:\t 2 \t\r\n\r\n{}", got{200, "{}", nil}, true},
	"chunks":                  {chunked + "5\r\nhello\r\n00000001\r\n!\r\n0\r\n\r\n", got{200, "hello!", nil}, true},
	"chunks in odd case":      {ok + "transfer-encoding:Chunked\r\n\r\nA\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", got{200, "01234567890123456789", nil}, true},
	"a large chunk":           {chunked + "6000\r\n" + many + "\r\n0\r\n\r\n", got{200, many, nil}, true},
	"extensions":              {chunked + "2;a=b;c=\"d\"\r\n{}\r\n0;e\r\n\r\n", got{200, "{}", nil}, true},
	"trailers":                {chunked + "2\r\n{}\r\n0\r\nContent-Length: 7\r\nX: y\r\n\r\n", got{200, "{}", nil}, true},
	"something behind":        {okay + "H", got{200, "{}", nil}, false},
	"something behind 0":      {chunked + "0\r\n\r\nH", got{200, "", nil}, false},
	"cut":                     {ok + "Content-Length: 3\r\n\r\n{}", got{200, "{}", io.ErrUnexpectedEOF}, false},
	"cut before a chunk":      {chunked + "2\r\n{}\r\n", got{200, "{}", io.ErrUnexpectedEOF}, false},
	"cut in a size":           {chunked + "2\r\n{}\r\n1", got{200, "{}", io.ErrUnexpectedEOF}, false},
	"cut in a chunk":          {chunked + "3\r\n{}", got{200, "{}", io.ErrUnexpectedEOF}, false},
	"cut behind a chunk":      {chunked + "2\r\n{}\r", got{200, "{}", io.ErrUnexpectedEOF}, false},
	"cut in trailers":         {chunked + "2\r\n{}\r\n0\r\nX: y\r\n", got{200, "{}", io.ErrUnexpectedEOF}, false},
	"size is no number":       {chunked + "g\r\n", got{200, "", errChunk}, false},
	"size is missing":         {chunked + "\r\n{}\r\n", got{200, "", errChunk}, false},
	"size has a sign":         {chunked + "+2\r\n{}\r\n0\r\n\r\n", got{200, "", errChunk}, false},
	"size has 0x":             {chunked + "0x2\r\n{}\r\n0\r\n\r\n", got{200, "", errChunk}, false},
	"size has spaces":         {chunked + "2 \r\n{}\r\n0\r\n\r\n", got{200, "", errChunk}, false},
	"size overflows":          {chunked + "10000000000000002\r\n{}\r\n0\r\n\r\n", got{200, "", errChunk}, false},
	"size ends in LF":         {chunked + "2\n{}\r\n0\r\n\r\n", got{200, "", errLineEnd}, false},
	"control in extension":    {chunked + "2;\x00\r\n{}\r\n0\r\n\r\n", got{200, "", errChunk}, false},
	"CR in extension":         {chunked + "2;a\rb\r\n{}\r\n0\r\n\r\n", got{200, "", errChunk}, false},
	"chunk is longer":         {chunked + "2\r\n{}x\r\n0\r\n\r\n", got{200, "{}", errChunk}, false},
	"chunk is shorter":        {chunked + "4\r\n{}\r\n0\r\n\r\n", got{200, "{}\r\n", errChunk}, false},
	"endless size":            {chunked + "2;" + many, got{200, "", errTooLong}, false},
	"endless trailer":         {chunked + "0\r\nX: " + many, got{200, "", errTooLong}, false},
	"endless trailers":        {chunked + "0\r\n" + strings.Repeat("X: y\r\n", 3000), got{200, "", errTooLong}, false},
	"more noise than data":    {chunked + strings.Repeat("1;"+strings.Repeat("x", 200)+"\r\na\r\n", 200), got{200, strings.Repeat("a", 87), errTooLong}, false},
	"trailer is no field":     {chunked + "0\r\nx\r\n\r\n", got{200, "", errField}, false},
	"to the connection's end": {ok + "\r\n" + many, got{200, many, nil}, false},
}

// One answer, and what becomes of it and of its connection.
func TestResponse_forms(t *testing.T) {
	t.Parallel()
	for name, tc := range forms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(_ int64, c net.Conn) {
				take(bufio.NewReader(c))
				_, _ = io.WriteString(c, tc.answer)
				if tc.want.err == nil && !strings.HasSuffix(name, "end") {
					_, _ = io.Copy(io.Discard, c)
				}
			})
			c := s.client(nil)
			res, err := call(t.Context(), c, post("{}"))
			require.NoError(t, err)
			require.Equal(t, tc.want, res)
			kept := c.pool.get()
			require.Equal(t, tc.kept, kept != nil)
			if kept != nil {
				kept.close()
			}
		})
	}
}

// refused are answers of which nothing is read, and why.
var refused = map[string]struct {
	answer string
	want   error
}{
	"nothing":                 {"", io.ErrUnexpectedEOF},
	"half":                    {"HTTP/1.1 200 OK\r\nA: b\r\n", io.ErrUnexpectedEOF},
	"HTTP/2":                  {"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + strings.Repeat("\x00", 64), errStatusLine},
	"HTTP/0.9":                {"<html>", errStatusLine},
	"version 2":               {"HTTP/2.0 200 OK\r\n\r\n", errStatusLine},
	"version 1.2":             {"HTTP/1.2 200 OK\r\n\r\n", errStatusLine},
	"no version":              {"HTTP/1. 200 OK\r\n\r\n", errStatusLine},
	"lower case":              {"http/1.1 200 OK\r\n\r\n", errStatusLine},
	"two spaces":              {"HTTP/1.1  200 OK\r\n\r\n", errStatusLine},
	"a tab":                   {"HTTP/1.1\t200 OK\r\n\r\n", errStatusLine},
	"four digits":             {"HTTP/1.1 2000 OK\r\n\r\n", errStatusLine},
	"two digits":              {"HTTP/1.1 20 OK\r\n\r\n", errStatusLine},
	"below 100":               {"HTTP/1.1 099 OK\r\n\r\n", errStatusLine},
	"control in the reason":   {"HTTP/1.1 200 O\x00K\r\n\r\n", errStatusLine},
	"CR in the reason":        {"HTTP/1.1 200 O\rK\r\n\r\n", errStatusLine},
	"an empty line first":     {"\r\n" + okay, errStatusLine},
	"LF":                      {"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}", errLineEnd},
	"LF after a field":        {ok + "A: b\nContent-Length: 2\r\n\r\n{}", errLineEnd},
	"LF at the end":           {ok + "Content-Length: 2\r\n\n{}", errLineEnd},
	"no colon":                {ok + "A\r\n\r\n", errField},
	"no name":                 {ok + ": b\r\n\r\n", errField},
	"space before the colon":  {ok + "Content-Length : 2\r\n\r\n{}", errField},
	"space before the name":   {ok + " A: b\r\n\r\n", errField},
	"folded":                  {ok + "A: b\r\n c\r\n\r\n", errField},
	"a name that is no token": {ok + "A\xc3\xa4: b\r\n\r\n", errField},
	"NUL in a value":          {ok + "A: b\x00\r\n\r\n", errField},
	"CR in a value":           {ok + "A: b\rTransfer-Encoding: chunked\r\n\r\n", errField},
	"length twice":            {ok + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", errLength},
	"two lengths":             {ok + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}}", errLength},
	"a list of lengths":       {ok + "Content-Length: 2, 2\r\n\r\n{}", errLength},
	"an empty length":         {ok + "Content-Length: \r\n\r\n", errLength},
	"a signed length":         {ok + "Content-Length: +2\r\n\r\n{}", errLength},
	"a negative length":       {ok + "Content-Length: -1\r\n\r\n", errLength},
	"a hexadecimal length":    {ok + "Content-Length: 0x2\r\n\r\n{}", errLength},
	"a length that overflows": {ok + "Content-Length: 18446744073709551618\r\n\r\n{}", errLength},
	"length and chunks":       {ok + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", errCoding},
	"chunks and length 0":     {ok + "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n", errCoding},
	"chunks twice":            {ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", errCoding},
	"a list of codings":       {ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", errCoding},
	"identity":                {ok + "Transfer-Encoding: identity\r\n\r\n", errCoding},
	"xchunked":                {ok + "Transfer-Encoding: xchunked\r\n\r\n", errCoding},
	"chunks in HTTP/1.0":      {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", errCoding},
	"an endless field":        {ok + "A: " + strings.Repeat("x", 1<<20), errTooLong},
	"endless fields":          {ok + strings.Repeat("A: b\r\n", 1<<16), errTooLong},
	"an endless status line":  {"HTTP/1.1 200 " + strings.Repeat("x", 1<<20), errTooLong},
	"endless interim answers": {strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 100), errInterim},
	"an interim with a body":  {"HTTP/1.1 100 Continue\r\nContent-Length: 2\r\n\r\n{}" + okay, errInterim},
	"an interim in chunks":    {"HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + okay, errInterim},
	"a switch of protocols":   {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", errInterim},
}

func TestClient_refusesHeads(t *testing.T) {
	t.Parallel()
	for name, tc := range refused {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(_ int64, c net.Conn) {
				take(bufio.NewReader(c))
				_, _ = io.WriteString(c, tc.answer)
			})
			c := s.client(nil)
			_, err := call(t.Context(), c, post("{}"))
			require.ErrorIs(t, err, tc.want)
			require.Nil(t, c.pool.get())
		})
	}
}

// endless reads as "xxx…".
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// An endless line is given up when it is too long, not when it ends, and takes
// no more memory than the limit.
func TestClient_endlessLine(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]string{"field": ok + "A: ", "size": chunked + "2;", "trailer": chunked + "0\r\nA: "} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent := make(chan int64, 1)
			s := serve(t, func(_ int64, c net.Conn) {
				take(bufio.NewReader(c))
				_, _ = io.WriteString(c, first)
				n, err := io.Copy(c, endless{})
				if err != nil {
					sent <- n
				}
			})
			res, err := call(t.Context(), s.client(nil), post("{}"))
			if err == nil {
				err = res.err
			}
			require.ErrorIs(t, err, errTooLong)
			require.Less(t, <-sent, int64(1<<30))
		})
	}
}

// A server may answer before it has read the request, and need never read it.
func TestClient_earlyAnswer(t *testing.T) {
	t.Parallel()
	const refusal = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\n{}"
	for _, size := range []int{2, roomSize, sendInline, 32 << 20} {
		body := strings.Repeat("x", size)
		t.Run("unread", func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(_ int64, c net.Conn) {
				_, _ = io.WriteString(c, refusal)
				_, _ = c.Read(make([]byte, 1)) // the client has begun, and goes on until it leaves
				<-t.Context().Done()
			})
			c := s.client(nil)
			var r Response
			require.NoError(t, c.Do(t.Context(), post(body), &r))
			require.Equal(t, 413, r.Status())
			text, err := io.ReadAll(&r)
			require.NoError(t, err)
			require.Equal(t, "{}", string(text))
			require.NoError(t, r.Close())
			if size == 32<<20 {
				require.Nil(t, c.pool.get(), "the request is not out")
			}
		})
		t.Run("and closed", func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(_ int64, c net.Conn) {
				_, _ = io.WriteString(c, refusal)
				_ = c.(*net.TCPConn).CloseWrite()
				_, _ = io.Copy(io.Discard, c)
			})
			c := s.client(nil)
			res, err := call(t.Context(), c, post(body))
			require.NoError(t, err)
			require.Equal(t, got{413, "{}", nil}, res)
		})
	}
	t.Run("while the body is sent", func(t *testing.T) {
		t.Parallel()
		s := serve(t, func(_ int64, c net.Conn) {
			_, _ = io.WriteString(c, chunked+"1\r\nx\r\n")
			take(bufio.NewReader(c))
			_, _ = io.WriteString(c, "0\r\n\r\n")
			_, _ = c.Read(make([]byte, 1))
		})
		c := s.client(nil)
		res, err := call(t.Context(), c, post(strings.Repeat("x", 16<<20)))
		require.NoError(t, err)
		require.Equal(t, got{200, "x", nil}, res)
	})
}

// An answer that a server left behind while it broke the request off is heard.
func TestClient_tornRequest(t *testing.T) {
	t.Parallel()
	s := serve(t, func(_ int64, c net.Conn) {
		_, _ = io.WriteString(c, okay)
		_, _ = io.Copy(io.Discard, c)
	})
	c := s.client(nil)
	cn, err := c.dial(t.Context(), farAway())
	require.NoError(t, err)
	_, err = cn.tcp.Read(nil)
	require.NoError(t, err)
	require.NoError(t, cn.tcp.(*net.TCPConn).CloseWrite())
	r := Response{client: c, ctx: t.Context(), conn: cn}
	require.NoError(t, r.exchange(post("{}")))
	text, err := io.ReadAll(&r)
	require.NoError(t, err)
	require.Equal(t, "{}", string(text))
	require.Nil(t, c.pool.get(), "the request is not out")
}

// Pieces of any size, at any place, make the same answer.
func TestResponse_pieces(t *testing.T) {
	t.Parallel()
	const answer = "HTTP/1.1 100 Continue\r\n\r\n" + ok + "X-Kept: a\r\nx-kept: b\r\nTransfer-Encoding: chunked\r\n\r\n" +
		"5;x\r\nhello\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n"
	for size := 1; size < len(answer); size++ {
		near, far := net.Pipe()
		go func() {
			defer func() { _ = far.Close() }()
			take(bufio.NewReader(far))
			for rest := answer; rest != ""; {
				n := min(size, len(rest))
				if _, err := io.WriteString(far, rest[:n]); err != nil {
					return
				}
				rest = rest[n:]
			}
		}()
		c := New(Config{Keep: []string{"X-Kept"}, Piece: farOff})
		r := Response{client: c, ctx: t.Context(), conn: &conn{net: near, tcp: near}, readBy: farAway()}
		require.NoError(t, r.exchange(post("{}")))
		value, times := r.Value(0)
		require.Equal(t, "a", value)
		require.Equal(t, 2, times)
		text, err := io.ReadAll(&r)
		require.NoError(t, err)
		require.Equal(t, "hello!", string(text))
		require.NoError(t, r.Close())
	}
}
