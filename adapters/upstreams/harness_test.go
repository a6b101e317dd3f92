package upstreams_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/archibot/archibotchat/adapters/upstreams"
	"github.com/archibot/archibotchat/core/fault"
	core "github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/ports/inference"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// upstream does what it is told and counts.
type upstream struct {
	name string

	mu    sync.Mutex
	calls int
	do    func(ctx context.Context) error
	list  []inference.Model
	err   error // of the list
}

func (u *upstream) Name() string { return u.name }

func (u *upstream) Do(ctx context.Context, r *inference.Request) (*inference.Response, error) {
	u.mu.Lock()
	u.calls++
	do := u.do
	u.mu.Unlock()
	if do == nil && r.Keeper != "" && r.Keeper != u.name {
		return nil, refusal(404)
	}
	if do != nil {
		if err := do(ctx); err != nil {
			return nil, err
		}
	}
	return &inference.Response{Upstream: u.name, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

func (u *upstream) Object(ctx context.Context, o *inference.ObjectCall) (*inference.Response, error) {
	return u.Do(ctx, &inference.Request{Keeper: o.Keeper})
}

func (u *upstream) Models(context.Context) ([]inference.Model, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.list, u.err
}

func (u *upstream) fails(err error) { u.does(func(context.Context) error { return err }) }

func (u *upstream) does(do func(context.Context) error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.do = do
}

// count returns the calls since the last count.
func (u *upstream) count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := u.calls
	u.calls = 0
	return n
}

var (
	errUnsent  = fault.Wrap(inference.ErrUnsent, fault.BadUpstream, "upstream_unavailable", "x")
	errDropped = fault.New(fault.BadUpstream, "upstream_unavailable", "x")
	errInvalid = fault.New(fault.BadUpstream, "upstream_invalid", "x")
	errSilent  = fault.New(fault.Timeout, "upstream_timeout", "x")
)

func refusal(status int) error { return &inference.Refusal{Status: status} }

// site is two upstreams in a bubble of fake time.
type site struct {
	*upstreams.Upstreams
	t             *testing.T
	first, second *upstream
	log           *bytes.Buffer
}

func inBubble(t *testing.T, failures int, test func(t *testing.T, s *site)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &site{t: t, first: &upstream{name: "first"}, second: &upstream{name: "second"}, log: &bytes.Buffer{}}
		s.Upstreams = open(t, s.log, failures, upstreams.Member{Upstream: s.first}, upstreams.Member{Upstream: s.second})
		test(t, s)
	})
}

func open(t *testing.T, log io.Writer, failures int, members ...upstreams.Member) *upstreams.Upstreams {
	t.Helper()
	u, err := upstreams.New(upstreams.Config{Members: members, Failures: failures, Now: time.Now, Log: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	return u
}

func (s *site) ask() error {
	_, err := s.Do(s.t.Context(), &inference.Request{Route: core.Responses, Model: "m"})
	return err
}

// asked requires how often the upstreams were asked since the last time.
func (s *site) asked(first, second int) {
	s.t.Helper()
	require.Equal(s.t, []int{first, second}, []int{s.first.count(), s.second.count()})
}
