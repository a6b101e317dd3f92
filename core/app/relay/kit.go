package relay

import (
	"io"
	"sync"

	"github.com/archibot/archibotchat/core/inference"
	port "github.com/archibot/archibotchat/ports/inference"
)

// kit is what a stream is read with. It comes from a pool, because its buffers
// are most of what a stream takes.
type kit struct {
	frames *inference.FrameReader
	meter  inference.Meter
	body   budgeted
	limit  io.LimitedReader
	early  []byte
	held   []byte
}

var kits = sync.Pool{New: func() any { return &kit{frames: inference.NewFrameReader(nil, 0, 0)} }}

// kitKept is the largest buffer that is kept for the next stream.
const kitKept = 32 << 10

// newKit returns a kit for the stream of a job, whose lines may have so many bytes.
func (r *run) newKit(from io.Reader, line int) *kit {
	k := kits.Get().(*kit)
	k.limit = io.LimitedReader{R: from, N: r.deps.Limits.StreamBytes}
	k.body = budgeted{from: &k.limit, memory: r.deps.Memory}
	k.frames.Reset(&k.body)
	k.frames.Limit(line, terminalBytes)
	k.meter.Reset(r.job.Call)
	return k
}

// put gives the kit back, without what the stream left in it. Nobody may use it
// or what was made of it after that.
func (k *kit) put() {
	k.frames.Reset(nil)
	k.meter.Reset(inference.Call{})
	k.limit, k.body = io.LimitedReader{}, budgeted{}
	k.early, k.held = wiped(k.early), wiped(k.held)
	kits.Put(k)
}

func wiped(b []byte) []byte {
	if cap(b) > kitKept {
		return nil
	}
	clear(b[:cap(b)])
	return b[:0]
}

// whole reports whether an answer is at its end already.
func whole(body io.Reader) bool {
	w, ok := body.(port.Whole)
	return ok && w.Whole()
}
