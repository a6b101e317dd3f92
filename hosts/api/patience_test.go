package api

import (
	"context"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPatient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, leave := context.WithCancel(t.Context())
		defer leave()
		r, done := patient(httptest.NewRequestWithContext(client, "GET", "/api/me", nil))
		defer done()
		long, stop := unbounded(r.Context())
		defer stop()

		begun := time.Now()
		<-r.Context().Done()
		require.Equal(t, Patience, time.Since(begun))
		require.ErrorIs(t, r.Context().Err(), context.DeadlineExceeded, "the work is bounded")
		require.NoError(t, long.Err(), "what its reader takes time for is not")
		leave()
		synctest.Wait()
		require.ErrorIs(t, long.Err(), context.Canceled, "but ends when the reader leaves")
	})
}

func TestUnbounded_withoutBound(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	long, stop := unbounded(ctx)
	defer stop()
	cancel()
	require.ErrorIs(t, long.Err(), context.Canceled)
}
