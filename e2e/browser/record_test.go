//go:build e2e

package browser_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
)

// exchange is what a browser asked for and was given, as the wire had it.
type exchange struct {
	url    string
	status int
	asked  http.Header
	header http.Header

	mu   sync.Mutex
	body bytes.Buffer // what came of it so far
}

// bytes returns all of an exchange.
func (e *exchange) bytes() []byte {
	var all bytes.Buffer
	_ = e.asked.Write(&all) // a buffer takes everything
	_ = e.header.Write(&all)
	e.mu.Lock()
	defer e.mu.Unlock()
	all.Write(e.body.Bytes())
	return all.Bytes()
}

// recorder keeps every exchange, streams included.
type recorder struct {
	mu        sync.Mutex
	exchanges []*exchange
}

func (r *recorder) all() []*exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*exchange(nil), r.exchanges...)
}

// watch is the end of a proxy at which answers pass.
func (r *recorder) watch(response *http.Response) error {
	e := &exchange{url: response.Request.URL.RequestURI(), status: response.StatusCode, asked: response.Request.Header.Clone(), header: response.Header.Clone()}
	r.mu.Lock()
	r.exchanges = append(r.exchanges, e)
	r.mu.Unlock()
	response.Body = &tap{response.Body, e}
	return nil
}

// tap copies what is read.
type tap struct {
	io.ReadCloser
	to *exchange
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	t.to.mu.Lock()
	t.to.body.Write(p[:n])
	t.to.mu.Unlock()
	return n, err
}

// plant puts a secret where it must not be, to see that it is found there.
func plant(secret string) func(*http.Response) error {
	return func(response *http.Response) error {
		switch media := response.Header.Get("Content-Type"); {
		case response.Request.URL.Path == "/api/me":
			response.Header.Set("X-Planted", secret)
		case response.Request.URL.Path == "/api/threads":
			response.Header.Add("Set-Cookie", "planted="+secret+"; Path=/; Secure; HttpOnly")
		case strings.HasPrefix(media, "text/event-stream"):
			response.Body = io.NopCloser(io.MultiReader(strings.NewReader(": "+secret+"\n\n"), response.Body))
		case strings.HasPrefix(media, "text/javascript"):
			response.Header.Del("Content-Length")
			response.ContentLength = -1
			response.Body = io.NopCloser(io.MultiReader(response.Body, strings.NewReader("\n//"+secret)))
		}
		return nil
	}
}
