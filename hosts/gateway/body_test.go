package gateway

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/relay"
)

// What a body leaves in a pooled room is wiped before the next one comes, and
// the budget counts the whole room (W10).
func TestRoom(t *testing.T) {
	t.Parallel()
	memory := relay.NewMemory(100 << 10)
	m := room{memory: memory}
	buf, err := m.first(1001)
	require.NoError(t, err)
	require.Equal(t, 1001, cap(buf))
	require.EqualValues(t, smallRoom, memory.Used())
	buf = append(buf, bytes.Repeat([]byte("x"), 1001)...)
	m.filled = len(buf)
	grown, err := m.grow(buf, 1001) // a body that is longer than it said
	require.NoError(t, err)
	require.Equal(t, buf, grown)
	require.Greater(t, cap(grown), len(grown))
	pooled := m.pooled
	m.give()
	require.Zero(t, memory.Used())
	require.Zero(t, *pooled)

	large := room{memory: memory}
	buf, err = large.first(70 << 10)
	require.NoError(t, err)
	require.Equal(t, firstRoom, cap(buf))
	require.Nil(t, large.pooled)
	buf, err = large.grow(buf[:cap(buf)], 70<<10)
	require.NoError(t, err)
	require.Equal(t, 70<<10, cap(buf))
	_, err = large.grow(buf[:cap(buf)], 200<<10)
	require.ErrorIs(t, err, relay.ErrMemory)
	large.give()
	require.Zero(t, memory.Used())

	none := room{memory: relay.NewMemory(smallRoom - 1)}
	_, err = none.first(1)
	require.ErrorIs(t, err, relay.ErrMemory)
	none.give()
	require.Zero(t, none.memory.Used())
}
