package upstreams_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/inference"
)

func TestUpstreams_Breaker(t *testing.T) {
	inBubble(t, 3, func(t *testing.T, s *site) {
		s.first.fails(errUnsent)
		for range 3 {
			require.NoError(t, s.ask())
		}
		s.asked(3, 3)
		require.NoError(t, s.ask())
		s.asked(0, 1) // left alone, and nobody waits for it

		s.second.fails(errSilent)
		for range 3 {
			require.Equal(t, errSilent, s.ask())
		}
		s.asked(0, 3)
		time.Sleep(400 * time.Millisecond)
		for _, err := range []error{s.ask(), s.Foresee(&inference.Request{Model: "m"})} {
			f := fault.From(err)
			require.Equal(t, fault.Unavailable, f.Kind)
			require.Equal(t, "upstream_unavailable", f.Code)
			require.Equal(t, time.Second, f.RetryAfter, "no less than a second")
		}
		s.asked(0, 0)
		require.Contains(t, s.log.String(), `level=WARN msg="the upstream keeps failing and is left alone for a while" upstream=second pause=1s`)

		time.Sleep(600 * time.Millisecond)
		require.NoError(t, s.Foresee(&inference.Request{Model: "m"}))
		s.first.fails(nil)
		require.NoError(t, s.ask())
		s.asked(1, 0)
		require.Contains(t, s.log.String(), `level=INFO msg="trying the upstream again" upstream=first`)
		require.Contains(t, s.log.String(), `level=INFO msg="the upstream is back" upstream=first`)
		require.Equal(t, errSilent, s.one("second"))
		require.Contains(t, s.log.String(), `level=WARN msg="the upstream still fails" upstream=second pause=2s`)
		require.Equal(t, 2*time.Second, fault.From(s.one("second")).RetryAfter)
	})
}

// one asks one upstream by name.
func (s *site) one(name string) error {
	_, err := s.Do(s.t.Context(), &inference.Request{Keeper: name})
	return err
}

// What clients do wrong, and what they call off, leaves the breaker closed.
func TestUpstreams_BreakerForgives(t *testing.T) {
	for _, status := range []int{400, 403, 404, 413, 422, 429} {
		inBubbleOf(t, status)
	}
	t.Run("called off", func(t *testing.T) {
		inBubble(t, 1, func(t *testing.T, s *site) {
			ctx, cancel := context.WithCancel(t.Context())
			s.first.does(func(context.Context) error { cancel(); return ctx.Err() })
			_, err := s.Do(ctx, &inference.Request{})
			require.ErrorIs(t, err, context.Canceled)
			s.first.fails(nil)
			require.NoError(t, s.ask())
			s.asked(2, 0)
		})
	})
}

func inBubbleOf(t *testing.T, status int) {
	t.Helper()
	t.Run(refusal(status).Error(), func(t *testing.T) {
		inBubble(t, 1, func(t *testing.T, s *site) {
			s.first.fails(refusal(status))
			s.second.fails(refusal(status))
			for range 50 {
				require.Equal(t, refusal(status), s.ask())
			}
			require.Equal(t, 50, s.first.count())
			require.Empty(t, s.log.String())
		})
	})
}

func TestUpstreams_BreakerCounts(t *testing.T) {
	for name, err := range map[string]error{
		"our key": refusal(401), "bad gateway": refusal(502), "unavailable": refusal(503), "gateway timeout": refusal(504),
		"unsent": errUnsent, "broken off": errDropped, "no answer": errInvalid, "silent": errSilent,
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 2, func(t *testing.T, s *site) {
				s.first.fails(err)
				_, _ = s.ask(), s.ask()
				require.NoError(t, s.ask())
				require.Equal(t, 2, s.first.count())
			})
		})
	}
	t.Run("internal errors by their share", func(t *testing.T) {
		inBubble(t, 2, func(t *testing.T, s *site) {
			s.first.fails(refusal(500))
			for range 20 {
				require.Equal(t, refusal(500), s.ask())
			}
			require.NoError(t, s.ask())
			s.asked(20, 1)
		})
	})
	t.Run("a panic tells nothing and blocks nothing", func(t *testing.T) {
		inBubble(t, 1, func(t *testing.T, s *site) {
			s.first.fails(errSilent)
			_ = s.ask()
			time.Sleep(time.Second)
			s.first.does(func(context.Context) error { panic("x") })
			require.Panics(t, func() { _ = s.ask() })
			s.first.fails(nil)
			require.NoError(t, s.ask())
			s.asked(3, 0)
		})
	})
}

// A crowd that finds an upstream on trial sends one call there and the rest on.
func TestUpstreams_OneOnTrial(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		s.first.fails(errSilent)
		_ = s.ask()
		time.Sleep(time.Second)
		release := make(chan struct{})
		s.first.does(func(context.Context) error { <-release; return nil })
		var crowd sync.WaitGroup
		for range 100 {
			crowd.Go(func() { require.NoError(t, s.ask()) })
		}
		synctest.Wait()
		s.asked(2, 99)
		close(release)
		crowd.Wait()
		require.NoError(t, s.ask())
		s.asked(1, 0)
	})
}
