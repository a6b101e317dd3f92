package relay

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// Each request makes one run. A byte more than this takes 384 bytes more of
// memory: it is the largest of Go's size class.
func TestRun_size(t *testing.T) {
	t.Parallel()
	require.LessOrEqual(t, unsafe.Sizeof(run{}), uintptr(2304))
}
