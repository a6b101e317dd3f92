package relay

import (
	"sync/atomic"
	"time"

	"github.com/archibot/archibotchat/core/fault"
)

// Memory is the one budget for all bodies that are in memory at a time (W10).
type Memory struct {
	max  int64
	used atomic.Int64
}

// NewMemory returns a budget of max bytes.
func NewMemory(max int64) *Memory { return &Memory{max: max} }

// ErrMemory means that too many bodies are in memory.
var ErrMemory = &fault.Error{Kind: fault.Unavailable, Code: "overloaded", Message: "The service is handling too much data just now. Nothing was debited; try again shortly.", RetryAfter: time.Second}

// Take reserves n bytes, or fails with ErrMemory.
func (m *Memory) Take(n int64) error {
	if m.used.Add(n) > m.max {
		m.used.Add(-n)
		return ErrMemory
	}
	return nil
}

// Give returns n bytes.
func (m *Memory) Give(n int64) { m.used.Add(-n) }

// Used returns how many bytes are reserved.
func (m *Memory) Used() int64 { return m.used.Load() }
