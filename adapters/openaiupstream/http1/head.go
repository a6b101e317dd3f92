package http1

import (
	"bytes"
	"fmt"
	"math"
	"strings"
)

// Limits of what is no body.
const (
	maxHead     = 32 << 10 // bytes of a head
	maxInterim  = 8        // heads with 1xx before the answer's
	maxTrailers = 8 << 10
	maxSizeLine = 256 // of a chunk's size, with its extensions

	// MaxKept is how many fields of an answer can be asked for.
	MaxKept = 8
)

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }

// What can be wrong. None quotes the server, which may repeat a credential.
var (
	errTooLong    = malformed("a head, a line or the trailers are too long")
	errLineEnd    = malformed("a line does not end in CRLF")
	errStatusLine = malformed("the first line is no HTTP/1.1 status line")
	errField      = malformed("a field is not well-formed")
	errLength     = malformed("Content-Length is no plain number or is there twice")
	errCoding     = malformed("Transfer-Encoding is other than chunked, in HTTP/1.0, there twice, or beside Content-Length")
	errChunk      = malformed("a chunk is not well-formed")
	errInterim    = malformed("too many interim answers, or a switch of protocols")
)

// head is the head of an answer.
type head struct {
	status  int
	chunked bool
	length  int64 // of the body; -1 if the head does not say
	last    bool  // the connection ends with this answer

	kept  [MaxKept]string // values of the fields asked for; the first where there are several
	times [MaxKept]uint8  // how often each was there, up to 255
}

// readHead takes one head, whole lines only, from the connection.
func (c *conn) readHead() (string, error) {
	read := func() error {
		if !begins(c.have()) { // it may never end a line
			return errStatusLine
		}
		return c.fill(maxHead)
	}
	for line := 0; ; { // offset from c.from, which fill may move
		end, err := c.lineEnd(line, read)
		if err != nil {
			return "", err
		}
		if end-line == len("\r\n") && line > 0 {
			text := string(c.buf[c.from : c.from+end])
			c.from += end
			return text, nil
		}
		line = end
	}
}

// begins reports whether a head may begin like this.
func begins(b []byte) bool {
	const version = "HTTP/1."
	n := min(len(b), len(version))
	return string(b[:n]) == version[:n]
}

// lineEnd returns the offset from c.from behind the CRLF that ends the line at
// offset line, and reads as far as it must.
func (c *conn) lineEnd(line int, read func() error) (int, error) {
	for seen := line; ; {
		have := c.have()
		i := bytes.IndexByte(have[seen:], '\n')
		if i >= 0 {
			if i += seen; i == line || have[i-1] != '\r' {
				return 0, errLineEnd
			}
			return i + 1, nil
		}
		seen = len(have)
		if err := read(); err != nil {
			return 0, err
		}
	}
}

// parseHead reads a whole head, and the fields named in keep.
func parseHead(text string, keep []string) (head, error) {
	h := head{length: -1}
	line, rest := cutLine(text)
	old, err := h.statusLine(line)
	if err != nil {
		return head{}, err
	}
	h.last = old
	for {
		line, rest = cutLine(rest)
		if line == "" {
			break
		}
		if err := h.field(line, keep); err != nil {
			return head{}, err
		}
	}
	if h.chunked && (old || h.length >= 0) {
		return head{}, errCoding
	}
	return h, nil
}

// cutLine cuts the first line off and takes its CRLF away.
func cutLine(text string) (line, rest string) {
	i := strings.IndexByte(text, '\n')
	return text[:i-1], text[i+1:]
}

// statusLine reads the first line. The result says that it is HTTP/1.0's,
// whose connections are used once.
func (h *head) statusLine(line string) (bool, error) {
	const form = "HTTP/1.x 200"
	if len(line) < len(form) || line[:len("HTTP/1.")] != "HTTP/1." || line[8] != ' ' || line[7] != '0' && line[7] != '1' {
		return false, errStatusLine
	}
	for _, d := range []byte(line[9:12]) {
		if d < '0' || d > '9' {
			return false, errStatusLine
		}
		h.status = h.status*10 + int(d-'0')
	}
	if reason := line[12:]; h.status < 100 || reason != "" && reason[0] != ' ' || !isText(reason) {
		return false, errStatusLine
	}
	return line[7] == '0', nil
}

// field reads one field.
func (h *head) field(line string, keep []string) error {
	name, value, ok := cutField(line)
	if !ok {
		return errField
	}
	switch {
	case strings.EqualFold(name, "Content-Length"):
		n, ok := decimal(value)
		if !ok || h.length >= 0 {
			return errLength
		}
		h.length = n
	case strings.EqualFold(name, "Transfer-Encoding"):
		if h.chunked || !strings.EqualFold(value, "chunked") {
			return errCoding
		}
		h.chunked = true
	case strings.EqualFold(name, "Connection"):
		for option := range strings.SplitSeq(value, ",") {
			h.last = h.last || strings.EqualFold(trimmed(option), "close")
		}
	default:
		for i, k := range keep {
			if strings.EqualFold(name, k) {
				if h.times[i] == 0 {
					h.kept[i] = value
				}
				h.times[i] += 1 - h.times[i]/math.MaxUint8
				break
			}
		}
	}
	return nil
}

// cutField returns the name and the value of a field, if it is well-formed.
func cutField(line string) (name, value string, ok bool) {
	colon := strings.IndexByte(line, ':')
	if colon <= 0 {
		return "", "", false
	}
	for i := range colon {
		if !token[line[i]] {
			return "", "", false
		}
	}
	value = trimmed(line[colon+1:])
	return line[:colon], value, isText(value)
}

func trimmed(s string) string { return strings.Trim(s, " \t") }

// isText reports whether s has no control characters but tabs.
func isText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// token marks the characters of a field's name (RFC 9110, 5.6.2).
var token = func() (set [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
		set[c] = true
	}
	return set
}()

// decimal reads a number of digits alone, up to 18 of them.
func decimal(s string) (int64, bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	var n int64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, true
}

// hexadecimal reads a number of hexadecimal digits alone, up to 15 of them.
func hexadecimal(s []byte) (int64, bool) {
	if len(s) == 0 || len(s) > 15 {
		return 0, false
	}
	var n int64
	for _, c := range s {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		n = n<<4 | int64(c)
	}
	return n, true
}
