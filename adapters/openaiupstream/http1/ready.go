package http1

import "time"

// Ready reports whether Read would return at once, or soon: it waits for more
// of the body for up to wait. It belongs to the goroutine that reads.
func (r *Response) Ready(wait time.Duration) bool {
	if !r.use.CompareAndSwap(open, reading) {
		return true // there is an end, or an error, to be read
	}
	ready := r.look(wait)
	if !r.use.CompareAndSwap(reading, open) {
		r.drop()
		return true
	}
	return ready
}

// look reads what comes within a time into the connection's buffer, where Read
// finds it. An error shows again at the next Read.
func (r *Response) look(wait time.Duration) bool {
	c := r.conn
	if c.from != c.to || r.fixed {
		return true // where the deadline may not be moved, Read does the waiting
	}
	if c.tcp.SetReadDeadline(time.Now().Add(wait)) != nil {
		return true
	}
	r.readBy = time.Time{} // so that Read sets its own
	if r.ctx.Err() != nil {
		return true // whose mark on the connection was just moved
	}
	return c.fill(len(c.buf)) == nil
}
