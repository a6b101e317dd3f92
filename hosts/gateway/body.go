package gateway

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/archibot/archibotchat/core/app/relay"
	"github.com/archibot/archibotchat/core/fault"
)

// room is the memory for one body, with what it takes of the budget.
type room struct {
	memory *relay.Memory
	took   int64
	pooled *[smallRoom]byte
	filled int // of pooled
}

// smallRoom is the room for most bodies. It comes from a pool.
const smallRoom = 16 << 10

var smallRooms = sync.Pool{New: func() any { return new([smallRoom]byte) }}

// give returns everything. Nobody may use the body after that: the next
// request's goes there, and nothing keeps this one's.
func (m *room) give() {
	m.memory.Give(m.took)
	if m.pooled != nil {
		clear(m.pooled[:m.filled])
		smallRooms.Put(m.pooled)
	}
}

// first returns an empty slice for a body of at most most bytes.
func (m *room) first(most int64) ([]byte, error) {
	first := min(most, firstRoom)
	if most <= smallRoom {
		first = smallRoom
	}
	if err := m.memory.Take(first); err != nil {
		return nil, err
	}
	m.took = first
	if most <= smallRoom {
		m.pooled = smallRooms.Get().(*[smallRoom]byte)
		return m.pooled[:0:most], nil
	}
	return make([]byte, 0, first), nil
}

// grow returns a larger copy of a full buf for a body of at most most bytes.
func (m *room) grow(buf []byte, most int64) ([]byte, error) {
	more := max(min(m.took, most-m.took), 1)
	if err := m.memory.Take(more); err != nil {
		return nil, err
	}
	m.took += more
	return append(make([]byte, 0, m.took), buf...), nil
}

// read returns the whole body, which must be known to fit the limit and the
// memory budget. It is in room.
//
// The body is read before anything is forwarded: a proxy that streams it
// breaks off streams when a fast upstream answers before it was read to its end.
func (g *Gateway) read(room *room, rc *http.ResponseController, r *http.Request) ([]byte, error) {
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, fault.New(fault.Invalid, "unsupported_encoding", "Send the body without compression.")
	}
	if r.ContentLength > g.cfg.MaxBody {
		return nil, errBody
	}
	_ = rc.SetReadDeadline(time.Now().Add(g.cfg.BodyWait)) // some test writers have none
	most := g.cfg.MaxBody + 1
	if r.ContentLength >= 0 {
		most = r.ContentLength + 1 // one byte more, so that the last read finds the end
	}
	// Room grows with what has come: a length that is only announced takes none
	// of the budget that all share.
	buf, err := room.first(most)
	if err != nil {
		return nil, err
	}
	for {
		if len(buf) == cap(buf) {
			if buf, err = room.grow(buf, most); err != nil {
				return nil, err
			}
		}
		n, err := r.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if room.pooled != nil {
			room.filled = min(len(buf), smallRoom)
		}
		switch {
		case int64(len(buf)) > g.cfg.MaxBody:
			return nil, errBody
		case errors.Is(err, io.EOF):
			_ = rc.SetReadDeadline(time.Time{})
			return buf, nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, fault.New(fault.Timeout, "request_timeout", "The body of the request did not arrive in time.")
		case err != nil:
			return nil, fault.Wrap(err, fault.Invalid, "invalid_request", "The body of the request could not be read.")
		}
	}
}

// firstRoom is the room that a body of unknown or greater length begins with.
const firstRoom = 64 << 10

var errBody = fault.New(fault.TooLarge, "request_too_large", "The body of the request is larger than this service takes.")
