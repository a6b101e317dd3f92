//go:build unix

package http1

import "syscall"

// watch makes ready what quiet needs.
func (c *conn) watch(s syscall.Conn) {
	raw, err := s.SyscallConn()
	if err != nil {
		return // it is then used once
	}
	c.raw = raw
	c.more = func(fd uintptr) bool {
		if n, err := syscall.Read(int(fd), c.buf[c.to:]); err == nil && n > 0 {
			c.to += n
			c.found = true
		}
		return true
	}
	var one [1]byte
	c.probe = func(fd uintptr) bool {
		// A byte that nobody asked for is as bad as an end, so that it need not
		// be put back.
		n, err := syscall.Read(int(fd), one[:])
		c.found = n < 0 && err == syscall.EAGAIN
		return true // whatever it was: do not wait
	}
}

// quiet reports whether the connection is open and the server has said nothing
// on it since its last answer. It does not wait.
func (c *conn) quiet() bool {
	if c.raw == nil {
		return false
	}
	c.found = false
	return c.raw.Read(c.probe) == nil && c.found
}

// poll reads what has come, and reports whether that was anything. It does not
// wait, and with TLS, which may have to, finds nothing.
func (c *conn) poll() bool {
	if c.raw == nil || c.written != nil {
		return false
	}
	if c.from == c.to {
		c.from, c.to = 0, 0
	}
	c.found = false
	return c.to < len(c.buf) && c.raw.Read(c.more) == nil && c.found
}
