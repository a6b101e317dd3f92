package gateway_test

import (
	"bufio"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/hosts/gateway"
)

// shortWrite is for clients that take nothing at all; a write that is merely
// scheduled late must not be taken for one.
func shortWrite(c *gateway.Config) { c.WriteWait = 500 * time.Millisecond }

func TestGateway_routes(t *testing.T) { // W1
	s := newSite(t, options{})
	head := " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + s.token + "\r\nConnection: close\r\n\r\n"
	for _, path := range []string{
		"/", "/v1", "/v1/", "/v1/unknown", "/v1/models/", "/v1/chat/completions/", "/v1/chat", "/v2/models", "//v1/models", "/v1//models",
		"/v1/./models", "/v1/../v1/models", "/v1/x/../models", "/%76%31/models", "/v1/%6dodels", "/v1%2fmodels", "/v1/models%2f", "/v1/%2e%2e/v1/models",
		"/V1/models", "/v1/Models", "/v1/files", "/v1/assistants", "/v1/completions", "/v1/audio/speech", "/v1/images/generations",
		"/v1/responsesx", "/v1/responses%2fresp_1", "/v1/models;x", "/v1\\models", "/healthz", "/.env",
	} {
		s.raw("GET "+path+head).refused(http.StatusNotFound, "unknown_url")
	}
	for _, line := range []string{
		"POST /v1/models", "DELETE /v1/models", "DELETE /v1/models/test", "PUT /v1/models", "OPTIONS /v1/models", "PATCH /v1/models", "BREW /v1/models",
		"GET /v1/chat/completions", "DELETE /v1/responses", "PUT /v1/chat/completions", "get /v1/models", "GET /v1/embeddings",
		"POST /v1/responses/resp_1", "PUT /v1/responses/resp_1", "GET /v1/responses/resp_1/cancel", "DELETE /v1/responses/resp_1/cancel",
		"POST /v1/responses/resp_1/input_items",
	} {
		r := s.raw(line + head)
		r.refused(http.StatusMethodNotAllowed, "method_not_allowed")
		require.NotEmpty(t, r.header.Get("Allow"))
	}
	s.raw("GET http://elsewhere/v1/unknown"+head).refused(http.StatusNotFound, "unknown_url")
	s.raw("POST /v1/models HTTP/1.1\r\nHost: x\r\nX-HTTP-Method-Override: GET\r\nConnection: close\r\n\r\n").refused(http.StatusMethodNotAllowed, "method_not_allowed")
	s.untouched()
}

func TestGateway_hostileJSON(t *testing.T) { // SECURITY: gateway
	s := newSite(t, options{})
	for name, c := range map[string]struct{ body, code string }{
		"empty":             {"", "invalid_json"},
		"array":             {"[]", "invalid_json"},
		"two":               {chat("test", "") + chat("test", ""), "invalid_json"},
		"duplicate":         {chat("test", `,"model":"test-large"`), "invalid_json"},
		"duplicate escaped": {chat("test", `,"mode\u006c":"test-large"`), "invalid_json"},
		"case-folded":       {chat("test", `,"Model":"test-large"`), "invalid_request"},
		"folded stream":     {chat("test", `,"STREAM":true`), "invalid_request"},
		"kelvin sign":       {chat("test", `,"max_to\u212aens":1`), "invalid_request"},
		"deep":              {chat("test", `,"x":`+strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000)), "invalid_json"},
		"bad UTF-8":         {chat("te\xffst", ""), "invalid_json"},
		"lone surrogate":    {chat("test", `,"x":"\ud800"`), "invalid_json"},
		"NUL in the model":  {chat(`te\u0000st`, ""), "invalid_request"},
		"raw NUL":           {chat("te\x00st", ""), "invalid_json"},
		"no model":          {`{"messages":[]}`, "invalid_request"},
		"model a number":    {`{"model":1,"messages":[]}`, "invalid_request"},
		"negative limit":    {chat("test", `,"max_completion_tokens":-1`), "invalid_request"},
		"1e400 limit":       {chat("test", `,"max_completion_tokens":1e400`), "invalid_request"},
		"129 choices":       {chat("test", `,"n":129`), "invalid_request"},
		"no choice":         {chat("test", `,"n":0`), "invalid_request"},
		"BOM":               {"\ufeff" + chat("test", ""), "invalid_json"},
	} {
		r := s.do(http.MethodPost, completions, c.body)
		require.Equal(t, http.StatusBadRequest, r.status, name)
		r.refused(http.StatusBadRequest, c.code)
	}
	s.untouched()
}

func TestGateway_bodySize(t *testing.T) { // W10
	s := newSite(t, options{gateway: func(c *gateway.Config) { c.MaxBody = 200_000 }})
	fill := func(n int) string {
		b := chat("test", `,"x":"`)
		b = strings.TrimSuffix(b, "}")
		return b + strings.Repeat("x", n-len(b)-2) + `"}`
	}
	require.Equal(t, http.StatusOK, s.do(http.MethodPost, completions, fill(200_000)).status)
	s.do(http.MethodPost, completions, fill(200_001)).refused(http.StatusRequestEntityTooLarge, "request_too_large")

	chunked := func(body string) reply {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.srv.URL+completions, io.MultiReader(strings.NewReader(body)))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+s.token)
		res, err := s.srv.Client().Do(r)
		require.NoError(t, err)
		return s.read(res)
	}
	require.Equal(t, http.StatusOK, chunked(fill(200_000)).status)
	chunked(fill(200_001)).refused(http.StatusRequestEntityTooLarge, "request_too_large")

	r := s.send(http.MethodPost, completions, fill(1000), http.Header{"Authorization": {"Bearer " + s.token}, "Content-Encoding": {"gzip"}})
	r.refused(http.StatusBadRequest, "unsupported_encoding")
	require.EqualValues(t, 2, s.up.Stats().Requests)
}

// A length that is only announced takes none of what all share.
func TestGateway_announcedBodies(t *testing.T) { // W10
	s := newSite(t, options{})
	for range 40 { // 20 MiB each, of a budget of 512
		_, err := io.WriteString(s.dial(), "POST "+completions+" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+s.token+"\r\nContent-Length: 20000000\r\n\r\n{")
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return s.app.Memory.Used() >= 40*64<<10 }, 10*time.Second, time.Millisecond)
	require.Less(t, s.app.Memory.Used(), int64(4<<20))
	require.Equal(t, http.StatusOK, s.do(http.MethodPost, completions, chat("test", "")).status)
	s.srv.CloseClientConnections()
}

func TestGateway_slowBody(t *testing.T) { // W10
	s := newSite(t, options{gateway: func(c *gateway.Config) { c.BodyWait = 200 * time.Millisecond }})
	for name, c := range map[string]struct {
		token  string
		status int
		code   string
	}{
		"of an admitted key": {s.token, http.StatusRequestTimeout, "request_timeout"},
		"of a refused key":   {"abk_x", http.StatusUnauthorized, "invalid_api_key"},
	} {
		conn := s.dial()
		start := time.Now()
		_, err := io.WriteString(conn, "POST "+completions+" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+c.token+"\r\nContent-Length: 100\r\n\r\n{")
		require.NoError(t, err)
		in := bufio.NewReader(conn)
		res, err := http.ReadResponse(in, nil)
		require.NoError(t, err, name)
		s.read(res).refused(c.status, c.code)
		_, err = in.ReadByte()
		require.ErrorIs(t, err, io.EOF, "the connection %s is closed", name)
		require.Less(t, time.Since(start), 10*time.Second)
	}
	conn := s.dial() // a body where none is read
	_, err := io.WriteString(conn, "GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+s.token+"\r\nContent-Length: 100\r\n\r\n{")
	require.NoError(t, err)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, s.read(res).status)
	s.untouched()
}

// A refusal costs a well-behaved client no new connection.
func TestGateway_refusalKeepsConnection(t *testing.T) {
	s := newSite(t, options{})
	conn := s.dial()
	in := bufio.NewReader(conn)
	body := chat("test", "")
	for range 3 {
		_, err := io.WriteString(conn, "POST "+completions+" HTTP/1.1\r\nHost: x\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"+body)
		require.NoError(t, err)
		res, err := http.ReadResponse(in, nil)
		require.NoError(t, err)
		s.read(res).refused(http.StatusUnauthorized, "invalid_api_key")
	}
}

func TestGateway_smuggling(t *testing.T) { // SECURITY: gateway; net/http refuses or reads them one way
	s := newSite(t, options{})
	auth := "Authorization: Bearer " + s.token + "\r\n"
	for _, text := range []string{
		"POST " + completions + " HTTP/1.1\r\nHost: x\r\n" + auth + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
		"POST " + completions + " HTTP/1.1\r\nHost: x\r\n" + auth + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
		"POST " + completions + " HTTP/1.1\r\nHost: x\r\n" + auth + "Content-Length: -1\r\n\r\n",
		"POST " + completions + " HTTP/1.1\r\nHost: x\r\n" + auth + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
	} {
		conn := s.dial()
		_, err := io.WriteString(conn, text)
		require.NoError(t, err)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.GreaterOrEqual(t, res.StatusCode, 400)
		require.Less(t, res.StatusCode, 502)
	}
	s.untouched()
}
