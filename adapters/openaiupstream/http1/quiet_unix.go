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
