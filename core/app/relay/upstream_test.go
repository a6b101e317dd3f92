package relay_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	port "github.com/archibot/archibotchat/ports/inference"
)

// upstream is the far side, played by the test.
type upstream struct {
	t     *testing.T
	mu    sync.Mutex
	calls []*answer
	fail  error
	hang  bool
	json  bool
	shy   bool         // gives a call up whose client leaves
	vain  error        // foreseen
	asked port.Request // of Foresee
	whole bool         // says of each answer that it is at its end
	soon  bool         // the next frame follows at once
}

// answer is the body of an answer under way; the test writes it.
type answer struct {
	*io.PipeWriter
	body   string
	ctx    context.Context
	reader *io.PipeReader
	closed bool
	up     *upstream
}

func (u *upstream) Name() string { return "test" }

func (u *upstream) Foresee(r *port.Request) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.asked = *r
	return u.vain
}

func (u *upstream) Models(context.Context) ([]port.Model, error) { return nil, nil }

func (u *upstream) Object(context.Context, *port.ObjectCall) (*port.Response, error) {
	return nil, errors.ErrUnsupported
}

func (u *upstream) Do(ctx context.Context, r *port.Request) (*port.Response, error) {
	u.mu.Lock()
	a := &answer{body: string(r.Body), ctx: ctx, up: u}
	a.reader, a.PipeWriter = io.Pipe()
	u.calls = append(u.calls, a)
	fail, hang, json, shy := u.fail, u.hang, u.json, u.shy
	u.mu.Unlock()
	if shy {
		<-r.Left
		fail = context.Canceled
	}
	if hang {
		<-ctx.Done()
		fail = ctx.Err()
	}
	if fail != nil {
		_ = a.Close()
		return nil, fail
	}
	context.AfterFunc(ctx, func() { _ = a.CloseWithError(ctx.Err()) })
	return &port.Response{Upstream: "test", Stream: r.Stream && !json, Body: a}, nil
}

func (a *answer) Read(p []byte) (int, error) { return a.reader.Read(p) }

// Ready waits in vain: the test says what comes, and when. If it is soon, the
// test must say it at once.
func (a *answer) Ready(wait time.Duration) bool {
	if a.up.soon {
		return true
	}
	time.Sleep(wait)
	return false
}

func (a *answer) Whole() bool { return a.up.whole }

func (a *answer) Close() error {
	a.up.mu.Lock()
	a.closed = true
	a.up.mu.Unlock()
	return a.reader.Close()
}

func (u *upstream) open() (n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, a := range u.calls {
		if !a.closed && u.fail == nil && !u.hang && !u.shy {
			n++
		}
	}
	return n
}

// answer returns the one call there is.
func (u *upstream) answer() *answer {
	u.t.Helper()
	synctest.Wait()
	u.mu.Lock()
	defer u.mu.Unlock()
	require.Len(u.t, u.calls, 1)
	return u.calls[0]
}

func (u *upstream) called() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.calls)
}

// say writes a part of the answer and waits until it has had its effect.
func (a *answer) say(text string) {
	_, _ = io.WriteString(a.PipeWriter, text)
	synctest.Wait()
}
