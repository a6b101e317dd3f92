package edge

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// unreadWait is how long the rest of a body may take that nobody has read and
// net/http reads away.
const unreadWait = time.Second

// patience bounds how long a client may keep a request waiting: for its body to
// arrive, and for it to take what is written. net/http has bounds for whole
// requests only, and streams last.
type patience struct {
	rc   *http.ResponseController
	edge *Edge
	body *timed // nil: the request has none
}

// wait begins to wait for a request. The request it returns is to be served.
func (e *Edge) wait(w http.ResponseWriter, r *http.Request) (patience, *http.Request) {
	p := patience{rc: http.NewResponseController(w), edge: e}
	if r.Body == nil || r.Body == http.NoBody {
		return p, r
	}
	_ = p.rc.SetReadDeadline(time.Now().Add(e.BodyWait)) // some test writers have none
	p.body = &timed{ReadCloser: r.Body, rc: p.rc}
	r = r.WithContext(r.Context()) // a copy, whose body may be changed
	r.Body = p.body
	return p, r
}

// write is called before something is written.
func (p patience) write() { _ = p.rc.SetWriteDeadline(time.Now().Add(p.edge.WriteWait)) }

// end is called when the handler has returned, before net/http writes what is
// left and reads what was not read.
func (p patience) end() {
	now := time.Now()
	if p.body != nil && !p.body.done {
		now = now.Add(unreadWait) // before what is written
		_ = p.rc.SetReadDeadline(now)
	}
	_ = p.rc.SetWriteDeadline(now.Add(p.edge.WriteWait))
}

// timed is a body with a deadline. Once it is there, nothing more is waited
// for: net/http goes on reading, to see whether the client leaves, and would
// take a deadline for that.
type timed struct {
	io.ReadCloser
	rc   *http.ResponseController
	done bool
}

// Read reads on.
func (t *timed) Read(b []byte) (int, error) {
	n, err := t.ReadCloser.Read(b)
	if errors.Is(err, io.EOF) && !t.done {
		t.done = true
		_ = t.rc.SetReadDeadline(time.Time{})
	}
	return n, err
}
