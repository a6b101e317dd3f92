package http1

import "errors"

// Whole reports whether the body is at its end, so that Read would return no
// byte more but io.EOF. It does not wait: what has not come yet is not there.
// It belongs to the goroutine that reads.
func (r *Response) Whole() bool {
	if !r.use.CompareAndSwap(open, reading) {
		return r.use.Load() == ended && r.whole
	}
	whole, err := r.atEnd()
	if whole || err != nil {
		_ = r.end(err) // Read says it again
		return r.whole
	}
	if !r.use.CompareAndSwap(reading, open) {
		r.drop()
	}
	return false
}

// atEnd reads what is left around the chunks, if there is no more data.
func (r *Response) atEnd() (bool, error) {
	if r.framing != inChunks {
		return false, nil // the end comes with the last byte, or with the connection's
	}
	for polled := false; r.part != data; {
		whole, err := r.chunkLine(false)
		if !errors.Is(err, errWait) {
			if whole || err != nil {
				return whole, err
			}
			continue
		}
		if polled {
			return false, nil
		}
		polled = true
		if err := r.allow(r.client.cfg.Piece); err != nil {
			return false, err
		}
		if !r.conn.poll() {
			return false, nil
		}
	}
	return false, nil
}
