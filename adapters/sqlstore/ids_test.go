package sqlstore_test

import (
	"fmt"
	"sync/atomic"
	"time"
)

var made atomic.Int64

// newID returns an ID that no other call of this process returns.
func newID(prefix string) string { return fmt.Sprintf("%s_%012d", prefix, made.Add(1)) }

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
