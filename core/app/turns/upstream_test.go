package turns_test

import (
	"context"
	"errors"
	"fmt"
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
	json  bool
	panic bool
}

// answer is the body of an answer under way.
type answer struct {
	*io.PipeWriter
	body   string
	ctx    context.Context
	reader *io.PipeReader
	panic  bool
}

func (u *upstream) Name() string                                 { return "test" }
func (u *upstream) Models(context.Context) ([]port.Model, error) { return nil, nil }
func (u *upstream) Object(context.Context, *port.ObjectCall) (*port.Response, error) {
	return nil, errors.ErrUnsupported
}

func (u *upstream) Do(ctx context.Context, r *port.Request) (*port.Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	a := &answer{body: string(r.Body), ctx: ctx, panic: u.panic}
	a.reader, a.PipeWriter = io.Pipe()
	u.calls = append(u.calls, a)
	if u.fail != nil {
		return nil, u.fail
	}
	context.AfterFunc(ctx, func() { _ = a.CloseWithError(ctx.Err()) })
	return &port.Response{Upstream: "test", Stream: !u.json, Body: a}, nil
}

func (a *answer) Read(p []byte) (int, error) {
	n, err := a.reader.Read(p)
	if a.panic && err != nil {
		panic("secret words")
	}
	return n, err
}

func (a *answer) Close() error { return a.reader.Close() }

func (u *upstream) called() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.calls)
}

func (u *upstream) call(n int) *answer {
	u.mu.Lock()
	defer u.mu.Unlock()
	if n < len(u.calls) {
		return u.calls[n]
	}
	return nil
}

// answer returns the nth call, once it is made.
func (u *upstream) answer(n int) *answer {
	u.t.Helper()
	for range 100 {
		synctest.Wait()
		if a := u.call(n); a != nil {
			return a
		}
		time.Sleep(time.Millisecond)
	}
	require.Fail(u.t, "nothing was asked of the upstream")
	return nil
}

// chunk is one frame that says text.
func chunk(text string) string {
	return fmt.Sprintf("data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%q}}]}\n\n", text)
}

// parts of answers. The usage costs 50.
const (
	role     = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"
	finished = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
	atLength = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n"
	usage    = "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":20}}\n\n"
	done     = "data: [DONE]\n\n"
	cost     = 50
)

// say writes a part of the answer and waits until it has had its effect.
func (a *answer) say(text string) {
	_, _ = io.WriteString(a.PipeWriter, text)
	synctest.Wait()
}

// finish ends the answer well.
func (a *answer) finish() {
	a.say(finished + usage + done)
	_ = a.PipeWriter.Close()
	synctest.Wait()
}
