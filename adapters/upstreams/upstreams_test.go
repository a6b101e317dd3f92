package upstreams_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/upstreams"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/inference"
)

func TestUpstreams_Order(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, s *site) {
		require.Equal(t, "first, second", s.Name())
		res, err := s.Do(t.Context(), &inference.Request{})
		require.NoError(t, err)
		require.Equal(t, "first", res.Upstream)
		s.asked(1, 0)
		s.first.fails(refusal(429))
		res, err = s.Do(t.Context(), &inference.Request{})
		require.NoError(t, err)
		require.Equal(t, "second", res.Upstream)
		s.asked(1, 1)
	})
}

// What one upstream keeps, no other is asked for (W4).
func TestUpstreams_Keeper(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *site) {
		for _, ask := range []func(keeper string) (*inference.Response, error){
			func(keeper string) (*inference.Response, error) {
				require.NoError(t, s.Foresee(&inference.Request{Model: "m", Keeper: keeper}))
				return s.Do(t.Context(), &inference.Request{Model: "m", Keeper: keeper})
			},
			func(keeper string) (*inference.Response, error) {
				return s.Object(t.Context(), &inference.ObjectCall{Verb: inference.Retrieve, Keeper: keeper})
			},
		} {
			res, err := ask("second")
			require.NoError(t, err)
			require.Equal(t, "second", res.Upstream)
			s.asked(0, 1)
			_, err = ask("third")
			require.Equal(t, refusal(404), err)
			s.first.count()
			s.second.fails(refusal(429))
			_, err = ask("second")
			require.Equal(t, refusal(429), err)
			s.asked(0, 1)
			s.second.fails(nil)
		}
		s.second.fails(errSilent)
		for range 2 {
			_, err := s.Object(t.Context(), &inference.ObjectCall{Keeper: "second"})
			require.Equal(t, errSilent, err)
		}
		_, err := s.Object(t.Context(), &inference.ObjectCall{Keeper: "second"})
		require.Equal(t, "upstream_unavailable", fault.CodeOf(err))
		require.Error(t, s.Foresee(&inference.Request{Keeper: "second"}))
		require.NoError(t, s.ask())
		s.asked(1, 2)
	})
}

// Only where no work was begun does a call go on (W8).
func TestUpstreams_Failures(t *testing.T) {
	for name, c := range map[string]struct {
		err           error
		first, second int // how often each is asked if both fail so
	}{
		"unsent":            {errUnsent, 2, 1}, // once more, when nobody had it
		"limited":           {refusal(429), 1, 1},
		"unavailable":       {refusal(503), 1, 1},
		"our key":           {refusal(401), 1, 1},
		"forbidden":         {refusal(403), 1, 1},
		"broken off":        {errDropped, 1, 0},
		"no answer":         {errInvalid, 1, 0},
		"silent":            {errSilent, 1, 0},
		"internal error":    {refusal(500), 1, 0},
		"bad gateway":       {refusal(502), 1, 0},
		"gateway timeout":   {refusal(504), 1, 0},
		"overloaded":        {refusal(529), 1, 0},
		"request timeout":   {refusal(408), 1, 0},
		"bad request":       {refusal(400), 1, 0},
		"unknown model":     {refusal(404), 1, 0},
		"too large":         {refusal(413), 1, 0},
		"unprocessable":     {refusal(422), 1, 0},
		"a fault of ours":   {fault.New(fault.Internal, "internal", "x"), 1, 0},
		"an unknown error":  {errors.New("x"), 1, 0},
		"canceled up there": {context.Canceled, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 0, func(t *testing.T, s *site) {
				s.first.fails(c.err)
				s.second.fails(c.err)
				require.Equal(t, c.err, s.ask())
				s.asked(c.first, c.second)
				s.second.fails(nil)
				if c.second > 0 {
					require.NoError(t, s.ask())
				} else {
					require.Equal(t, c.err, s.ask())
				}
				s.asked(1, c.second)
			})
		})
	}
}

func TestUpstreams_TellsWhenToComeBack(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, s *site) {
		s.first.fails(refusal(429))
		for _, err := range []error{errUnsent, refusal(503), refusal(401)} {
			s.second.fails(err)
			require.Equal(t, refusal(429), s.ask())
			s.asked(1, 1)
		}
		s.second.fails(errDropped)
		require.Equal(t, errDropped, s.ask(), "which may have cost something")
	})
}

func TestUpstreams_Again(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, s *site) {
		tries := 0
		s.first.does(func(context.Context) error {
			if tries++; tries == 2 {
				return nil
			}
			return errUnsent
		})
		s.second.fails(errUnsent)
		start := time.Now()
		require.NoError(t, s.ask())
		s.asked(2, 1)
		require.GreaterOrEqual(t, time.Since(start), 50*time.Millisecond)
		require.Less(t, time.Since(start), 150*time.Millisecond)
	})
}

// Retries are at most a tenth of the calls, whatever fails.
func TestUpstreams_Budget(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, s *site) {
		s.first.fails(errUnsent)
		s.second.fails(errUnsent)
		const calls = 500
		for range calls {
			require.Equal(t, errUnsent, s.ask())
		}
		first, second := s.first.count(), s.second.count()
		require.Equal(t, calls, second)
		require.InDelta(t, calls+calls/10+10, first, 1)
	})
}

func TestUpstreams_ClientLeaves(t *testing.T) {
	t.Run("before", func(t *testing.T) {
		inBubble(t, 0, func(t *testing.T, s *site) {
			left := make(chan struct{})
			close(left)
			_, err := s.Do(t.Context(), &inference.Request{Left: left})
			require.ErrorIs(t, err, context.Canceled)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err = s.Do(ctx, &inference.Request{})
			require.ErrorIs(t, err, context.Canceled)
			s.asked(0, 0)
		})
	})
	t.Run("during the first", func(t *testing.T) {
		inBubble(t, 0, func(t *testing.T, s *site) {
			left := make(chan struct{})
			s.first.does(func(context.Context) error { close(left); return refusal(503) })
			_, err := s.Do(t.Context(), &inference.Request{Left: left})
			require.Equal(t, refusal(503), err)
			s.asked(1, 0)
		})
	})
	t.Run("during the pause", func(t *testing.T) {
		inBubble(t, 0, func(t *testing.T, s *site) {
			left := make(chan struct{})
			s.first.fails(errUnsent)
			s.second.does(func(context.Context) error {
				time.AfterFunc(time.Millisecond, func() { close(left) })
				return errUnsent
			})
			_, err := s.Do(t.Context(), &inference.Request{Left: left})
			require.Equal(t, errUnsent, err)
			s.asked(1, 1)
		})
	})
	t.Run("a call under way goes on", func(t *testing.T) {
		inBubble(t, 0, func(t *testing.T, s *site) {
			left := make(chan struct{})
			s.first.does(func(ctx context.Context) error { close(left); return ctx.Err() })
			_, err := s.Do(t.Context(), &inference.Request{Left: left})
			require.NoError(t, err)
		})
	})
}

func TestUpstreams_Models(t *testing.T) {
	t.Parallel()
	first := &upstream{name: "first", list: []inference.Model{{ID: "gpt-1", OwnedBy: "a"}, {ID: "other", OwnedBy: "a"}, {ID: "solo", OwnedBy: "a"}}}
	second := &upstream{name: "second", list: []inference.Model{{ID: "gpt-1", OwnedBy: "b"}, {ID: "other", OwnedBy: "b"}}}
	u := open(t, io.Discard, 0, upstreams.Member{Upstream: first, Models: []string{"gpt-*", "solo"}}, upstreams.Member{Upstream: second, Models: []string{"other", "gpt-1"}})
	want := []inference.Model{{ID: "gpt-1", OwnedBy: "a"}, {ID: "solo", OwnedBy: "a"}, {ID: "other", OwnedBy: "b"}}
	got, err := u.Models(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, got)

	first.err, first.list = errUnsent, nil
	got, err = u.Models(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, got, "the last list of one that is away")
	second.err = errSilent
	_, err = u.Models(t.Context())
	require.Equal(t, errUnsent, err)

	do := func(model string) error {
		r := &inference.Request{Model: model}
		_, err := u.Do(t.Context(), r)
		if fault.KindOf(err) == fault.NotFound {
			require.Equal(t, err, u.Foresee(r))
		}
		return err
	}
	require.NoError(t, do("gpt-2"))
	require.NoError(t, do("other"))
	require.Equal(t, []int{1, 1}, []int{first.count(), second.count()})
	first.fails(refusal(503))
	require.Equal(t, refusal(503), do("gpt-2"), "the second does not serve it")
	require.NoError(t, do("gpt-1"))
	require.Equal(t, 1, second.count())
	for _, model := range []string{"", "gpt", "othe", "others", "solo-2"} {
		require.Equal(t, "model_not_allowed", fault.CodeOf(do(model)), model)
	}
}

func TestConfig_Validate(t *testing.T) {
	t.Parallel()
	_, err := upstreams.New(upstreams.Config{})
	require.ErrorContains(t, err, "no upstream")
	require.ErrorContains(t, err, "clock or the log")
	_, err = upstreams.New(upstreams.Config{Failures: -1, Members: []upstreams.Member{
		{Upstream: &upstream{name: "a"}},
		{Upstream: &upstream{name: "a"}},
		{Upstream: &upstream{}},
		{},
		{Upstream: &upstream{name: "b"}, Models: []string{"ok*", "a*b", "**", ""}},
	}})
	for _, want := range []string{`name "a"`, `name ""`, "is missing", `"a*b"`, `"**"`, `""` + " is neither", "not be negative"} {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, err.Error(), "ok*")
}
