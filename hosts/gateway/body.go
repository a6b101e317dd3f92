package gateway

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/archibot/archibotchat/core/fault"
)

// read returns the whole body, which must be known to fit the limit and the
// memory budget. give returns what it reserved; it is never nil.
//
// The body is read before anything is forwarded: a proxy that streams it
// breaks off streams when a fast upstream answers before it was read to its end.
func (g *Gateway) read(w http.ResponseWriter, r *http.Request) (body []byte, give func(), err error) {
	give = func() {}
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, give, fault.New(fault.Invalid, "unsupported_encoding", "Send the body without compression.")
	}
	if r.ContentLength > g.cfg.MaxBody {
		return nil, give, errBody
	}
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Now().Add(g.cfg.BodyWait)) // some test writers have none
	most := g.cfg.MaxBody + 1
	if r.ContentLength >= 0 {
		most = r.ContentLength + 1 // one byte more, so that the last read finds the end
	}
	// Room grows with what has come: a length that is only announced takes none
	// of the budget that all share.
	took := min(most, firstRoom)
	if err := g.cfg.Memory.Take(took); err != nil {
		return nil, give, err
	}
	give = func() { g.cfg.Memory.Give(took) }
	buf := make([]byte, 0, took)
	for {
		if len(buf) == cap(buf) {
			grow := max(min(took, most-took), 1)
			if err := g.cfg.Memory.Take(grow); err != nil {
				return nil, give, err
			}
			took += grow
			buf = append(make([]byte, 0, took), buf...)
		}
		n, err := r.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > g.cfg.MaxBody:
			return nil, give, errBody
		case errors.Is(err, io.EOF):
			_ = rc.SetReadDeadline(time.Time{})
			return buf, give, nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, give, fault.New(fault.Timeout, "request_timeout", "The body of the request did not arrive in time.")
		case err != nil:
			return nil, give, fault.Wrap(err, fault.Invalid, "invalid_request", "The body of the request could not be read.")
		}
	}
}

// firstRoom is the room that a body of unknown or greater length begins with.
const firstRoom = 64 << 10

var errBody = fault.New(fault.TooLarge, "request_too_large", "The body of the request is larger than this service takes.")
