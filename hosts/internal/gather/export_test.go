package gather

import "io"

// Through has what the connection sends go through w.
func (c *Conn) Through(w func(io.Writer) io.Writer) { c.to = w(c.TCPConn) }
