package inference

import (
	"bytes"
	"io"

	"github.com/archibot/archibotchat/core/fault"
)

// FrameReader cuts a stream of server-sent events into frames without changing a
// byte: the frames in order are the stream. Lines end with \n or \r\n. It starts
// no goroutine, and reads no further than the stream has bytes, so that a frame
// is there as soon as its blank line is.
type FrameReader struct {
	r                 io.Reader
	maxLine, maxFrame int

	buf   []byte
	start int // of the frame being read
	line  int // of its line being read
	next  int // where the next search for a line's end begins
	end   int // of the bytes read
	err   error
}

const (
	frameBuffer     = 4 << 10
	frameBufferKept = 64 << 10 // a larger one is not kept for the next stream
)

// NewFrameReader returns a reader of r's frames that allows maxLine bytes in a
// line and maxFrame in a frame, terminators included.
func NewFrameReader(r io.Reader, maxLine, maxFrame int) *FrameReader {
	return &FrameReader{r: r, maxLine: maxLine, maxFrame: maxFrame}
}

// Reset makes f read the frames of r from the start. It keeps the limits, and the
// buffer unless that grew large. Reset(nil) lets go of the old stream, and wipes
// what it left.
func (f *FrameReader) Reset(r io.Reader) {
	buf := f.buf
	if cap(buf) > frameBufferKept {
		buf = nil
	}
	if r == nil {
		clear(buf)
	}
	*f = FrameReader{r: r, maxLine: f.maxLine, maxFrame: f.maxFrame, buf: buf}
}

// Limit sets the limits anew.
func (f *FrameReader) Limit(maxLine, maxFrame int) { f.maxLine, f.maxFrame = maxLine, maxFrame }

// Next returns the next frame with its terminating blank line; a blank line alone
// is a frame too. The bytes are valid until the next call.
//
// It returns io.EOF at a clean end, io.ErrUnexpectedEOF if the stream ends inside
// a frame, a *fault.Error of kind BadUpstream ("upstream_invalid") past a limit,
// or the error of the underlying reader. An error stays.
func (f *FrameReader) Next() ([]byte, error) {
	f.start, f.line = f.next, f.next
	for f.err == nil {
		i := bytes.IndexByte(f.buf[f.next:f.end], '\n')
		if i < 0 {
			f.next = f.end
			if f.within(f.end) {
				f.fill()
			}
			continue
		}
		eol := f.next + i + 1
		if !f.within(eol) {
			break
		}
		length := eol - f.line
		blank := length == 1 || length == 2 && f.buf[f.line] == '\r'
		f.line, f.next = eol, eol
		if blank {
			return f.buf[f.start:eol], nil
		}
	}
	return nil, f.err
}

// Buffered says whether bytes of a later frame have been read already; if not,
// the last frame is the newest there is, and worth a flush.
func (f *FrameReader) Buffered() bool { return f.end > f.next }

// within checks the limits for a frame and a line that reach to.
func (f *FrameReader) within(to int) bool {
	if to-f.line > f.maxLine || to-f.start > f.maxFrame {
		f.err = fault.New(fault.BadUpstream, "upstream_invalid", "The upstream sent too long an event.")
	}
	return f.err == nil
}

// fill reads once more, after it made room. Bytes that come with an error are
// looked at first.
func (f *FrameReader) fill() {
	switch {
	case f.start == f.end:
		f.start, f.line, f.next, f.end = 0, 0, 0, 0
	case f.end == len(f.buf) && f.start > 0:
		copy(f.buf, f.buf[f.start:f.end])
		f.line -= f.start
		f.next -= f.start
		f.end -= f.start
		f.start = 0
	}
	if f.end == len(f.buf) {
		grown := make([]byte, max(frameBuffer, 2*len(f.buf)))
		copy(grown, f.buf[:f.end])
		f.buf = grown
	}
	for range 100 {
		n, err := f.r.Read(f.buf[f.end:])
		f.end += n
		if n > 0 {
			return
		}
		if err == io.EOF && f.end > f.start {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			f.err = err
			return
		}
	}
	f.err = io.ErrNoProgress
}
