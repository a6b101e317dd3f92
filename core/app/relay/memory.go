package relay

import (
	"io"
	"sync/atomic"
	"time"

	"github.com/archibot/archibotchat/core/fault"
)

// Memory is the one budget for all bodies that are in memory at a time (W10).
type Memory struct {
	limit int64
	used  atomic.Int64
}

// NewMemory returns a budget of limit bytes.
func NewMemory(limit int64) *Memory { return &Memory{limit: limit} }

// ErrMemory means that too many bodies are in memory.
var ErrMemory = &fault.Error{Kind: fault.Unavailable, Code: "overloaded", Message: "The service is handling too much data just now. Nothing was debited; try again shortly.", RetryAfter: time.Second}

// Take reserves n bytes, or fails with ErrMemory.
func (m *Memory) Take(n int64) error {
	if m.used.Add(n) > m.limit {
		m.used.Add(-n)
		return ErrMemory
	}
	return nil
}

// Give returns n bytes.
func (m *Memory) Give(n int64) { m.used.Add(-n) }

// Used returns how many bytes are reserved.
func (m *Memory) Used() int64 { return m.used.Load() }

// budgeted reads a stream whose frames are gathered in memory. A frame within
// frameFree costs nothing; what a longer one takes is taken from the budget
// until the next is asked for.
type budgeted struct {
	from   io.Reader
	memory *Memory
	frame  int64 // bytes read for the present frame
	took   int64
}

// frameFree is what every stream may take beside the budget.
const frameFree = 64 << 10

// errRoom is ErrMemory for work that may be charged for.
var errRoom = &fault.Error{Kind: ErrMemory.Kind, Code: ErrMemory.Code, Message: "The service is handling too much data just now, and had to break the answer off.", RetryAfter: time.Second}

// Read fails with errRoom if the budget is used up.
func (b *budgeted) Read(p []byte) (int, error) {
	if need := b.frame - b.took; need > frameFree {
		grown := max(b.frame, frameFree) // a buffer that grows is twice there for a moment
		if err := b.memory.Take(grown); err != nil {
			return 0, errRoom
		}
		b.took += grown
	}
	n, err := b.from.Read(p)
	b.frame += int64(n)
	return n, err
}

// next says that the frame was dealt with.
func (b *budgeted) next() {
	b.frame = 0
	b.free()
}

func (b *budgeted) free() {
	b.memory.Give(b.took)
	b.took = 0
}
