package spend_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSpend_Work(t *testing.T) {
	inBubble(t, func(b *bench) {
		r := b.start()
		h := b.hold(r)
		type key struct{}
		ctx, leave := context.WithCancel(context.WithValue(b.t.Context(), key{}, "value"))
		work, end := r.Work(ctx, h)
		leave()
		require.NoError(b.t, work.Err(), "who asked for it may leave")
		require.Equal(b.t, "value", work.Value(key{}))
		require.Nil(b.t, work.Value("another"))
		end(context.DeadlineExceeded)
		<-work.Done()
		require.ErrorIs(b.t, context.Cause(work), context.DeadlineExceeded)
		again, endAgain := r.Work(ctx, h)
		require.NoError(b.t, again.Err(), "the end of one is not that of another")
		endAgain(nil)
		_, err := r.Release(h, "test")
		require.NoError(b.t, err)
	})
}
