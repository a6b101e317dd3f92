package http1

import (
	"bytes"
	"errors"
	"time"
)

// framing says how the end of a body is known.
type framing uint8

const (
	nothing  framing = iota // there is no body
	byLength                // of so many bytes
	inChunks
	toTheEnd // of the connection
)

// part says what of a chunked body comes next.
type part uint8

const (
	sizeLine part = iota
	data
	afterData // its CRLF
	trailers
)

// body is what is known of a body that is being read.
type body struct {
	framing  framing
	part     part
	left     int64 // bytes of the body, or of the present chunk
	trailing int   // bytes of trailers so far
	noise    int64 // bytes around chunks beyond what is usual
}

// frame begins the body that comes after h.
func (b *body) frame(h *head) {
	switch {
	case h.status == 204 || h.status == 304 || h.length == 0:
		// What such a head says of a body is not to be relied on.
		h.last = h.last || h.chunked || h.length > 0
	case h.chunked:
		b.framing = inChunks
	case h.length > 0:
		b.framing, b.left = byLength, h.length
	default:
		b.framing = toTheEnd
	}
}

// readBody reads some of the body, and says whether that was the rest of it.
func (r *Response) readBody(p []byte) (int, bool, error) {
	if len(p) == 0 {
		return 0, false, nil
	}
	switch r.framing {
	case inChunks:
		return r.readChunks(p)
	case byLength:
		n, err := r.take(p[:min(int64(len(p)), r.left)])
		r.left -= int64(n)
		return n, r.left == 0, err
	default:
		n, err := r.take(p)
		if errors.Is(err, errEnd) {
			return n, true, nil
		}
		return n, false, err
	}
}

// take reads what is there, or else once from the connection.
func (r *Response) take(p []byte) (int, error) {
	c := r.conn
	if c.from == c.to {
		if err := r.allow(r.client.cfg.Piece); err != nil {
			return 0, err
		}
		if len(p) >= len(c.buf) {
			return c.read(p)
		}
		if err := c.fill(len(c.buf)); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.have())
	c.from += n
	return n, nil
}

// readChunks reads chunks as far as p and what has come reach. It waits only
// if it has nothing yet.
func (r *Response) readChunks(p []byte) (int, bool, error) {
	n := 0
	for {
		if r.part != data {
			whole, err := r.chunkLine(n == 0)
			switch {
			case errors.Is(err, errWait):
				return n, false, nil
			case whole || err != nil:
				return n, whole, err
			}
			continue
		}
		if n == len(p) || n > 0 && r.conn.from == r.conn.to {
			return n, false, nil
		}
		m, err := r.take(p[n:min(int64(len(p)), int64(n)+r.left)])
		n += m
		if r.left -= int64(m); r.left == 0 {
			r.part = afterData
		}
		if err != nil {
			return n, false, err
		}
	}
}

// errWait means that a line is not there yet.
var errWait = errors.New("the line has not come yet")

// chunkLine reads one of the lines around chunks; true at the last of all. It
// fails with errWait where it would have to wait and is not to.
func (r *Response) chunkLine(wait bool) (bool, error) {
	limit := maxSizeLine
	if r.part == trailers {
		limit = maxTrailers - r.trailing
	}
	c := r.conn
	end, err := c.lineEnd(0, func() error {
		if !wait {
			return errWait
		}
		if err := r.allow(r.client.cfg.Piece); err != nil {
			return err
		}
		return c.fill(limit)
	})
	switch {
	case err != nil:
		return false, err
	case end > limit:
		return false, errTooLong
	}
	line := c.buf[c.from : c.from+end-len("\r\n")]
	c.from += end
	switch r.part {
	case sizeLine:
		return false, r.begin(line)
	case afterData:
		r.part = sizeLine
		if len(line) > 0 {
			return false, errChunk
		}
		return false, nil
	default:
		r.trailing += end
		if len(line) == 0 {
			return true, nil
		}
		if _, _, ok := cutField(string(line)); !ok {
			return false, errField
		}
		return false, nil
	}
}

// Bytes around a chunk that are usual, beside twice its data, and how many more
// an answer may have in all.
const (
	usualNoise = 16
	maxNoise   = 16 << 10
)

// begin begins the chunk whose first line is given.
func (r *Response) begin(line []byte) error {
	size, extension, _ := bytes.Cut(line, []byte(";"))
	n, ok := hexadecimal(size)
	if !ok || !isText(string(extension)) {
		return errChunk
	}
	// A byte a chunk is usual, so that five of noise come with one of data. A
	// server that sends much more does so to keep us busy.
	r.noise = max(0, r.noise+int64(len(line))+int64(len("\r\n\r\n"))-usualNoise-2*n)
	if r.noise > maxNoise {
		return errTooLong
	}
	r.left, r.part = n, data
	if n == 0 {
		r.part = trailers
	}
	return nil
}

// allow lets the server be silent for limit from now on, or up to a second
// longer: so the deadline need not be moved at each read. It fails if the call
// was ended, whose mark on the connection is the deadline, too.
func (r *Response) allow(limit time.Duration) error {
	if r.fixed {
		return r.ctx.Err()
	}
	now, slack := time.Now(), min(limit/8, time.Second)
	if left := r.readBy.Sub(now); limit <= left && left <= limit+slack {
		return nil
	}
	r.readBy = now.Add(limit + slack)
	if err := r.conn.tcp.SetReadDeadline(r.readBy); err != nil {
		return err
	}
	return r.ctx.Err()
}
