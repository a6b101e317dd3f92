//go:build e2e

package turns_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// visitor is a browser that is signed in, at one server.
type visitor struct{ root, cookie string }

type (
	turn struct {
		ID        string `json:"id"`
		State     string `json:"state"`
		RequestID string `json:"request_id"`
		Debited   int64  `json:"debited_microcredits"`
		Settled   bool   `json:"settled"`
		Failure   struct {
			Code      string `json:"code"`
			Message   string `json:"message"`
			Retryable bool   `json:"retryable"`
		} `json:"failure"`
	}
	message struct {
		ID   string `json:"id"`
		Role string `json:"role"`
		Text string `json:"text"`
	}
	thread struct {
		ID string `json:"id"`
	}
	started struct {
		Turn     turn    `json:"turn"`
		Question message `json:"question"`
		Answer   message `json:"answer"`
		Thread   thread  `json:"thread"`
	}
)

// call makes a call that must work.
func (v visitor) call(t *testing.T, method, path string, body, into any) {
	t.Helper()
	var send io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		require.NoError(t, err)
		send = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, v.root+path, send)
	require.NoError(t, err)
	r.Header.Set("Cookie", v.cookie)
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Less(t, res.StatusCode, 300, "%s %s: %s", method, path, raw)
	require.NoError(t, json.Unmarshal(raw, into), "%s", raw)
}

func (v visitor) thread(t *testing.T) string {
	t.Helper()
	var made thread
	v.call(t, http.MethodPost, "/api/threads", map[string]string{}, &made)
	return made.ID
}

func (v visitor) start(t *testing.T, thread, text string) started {
	t.Helper()
	return v.startOn(t, thread, text, model)
}

func (v visitor) startOn(t *testing.T, thread, text, model string) started {
	t.Helper()
	return v.ask(t, thread, map[string]string{"key": rand.Text(), "text": text, "model": model})
}

func (v visitor) retry(t *testing.T, thread, question string) started {
	t.Helper()
	return v.ask(t, thread, map[string]string{"key": rand.Text(), "question": question})
}

func (v visitor) ask(t *testing.T, thread string, draft map[string]string) (st started) {
	t.Helper()
	v.call(t, http.MethodPost, "/api/threads/"+thread+"/turns", draft, &st)
	return st
}

func (v visitor) turn(t *testing.T, id string) (got turn) {
	t.Helper()
	v.call(t, http.MethodGet, "/api/turns/"+id, nil, &got)
	return got
}

func (v visitor) stop(t *testing.T, id string) (got turn) {
	t.Helper()
	v.call(t, http.MethodPost, "/api/turns/"+id+"/stop", map[string]string{}, &got)
	return got
}

// answered returns the text of the answer in a thread of one question.
func (v visitor) answered(t *testing.T, thread string) string {
	t.Helper()
	var shown struct {
		Messages []message `json:"messages"`
	}
	v.call(t, http.MethodGet, "/api/threads/"+thread+"/messages", nil, &shown)
	require.Len(t, shown.Messages, 2)
	return shown.Messages[1].Text
}

// follower is a tab that follows a turn.
type follower struct {
	done chan struct{}

	mu    sync.Mutex
	text  string
	ended *turn
	err   error
}

// follow follows a turn from a cursor on.
func (v visitor) follow(t *testing.T, id string, cursor int) *follower {
	t.Helper()
	f := &follower{done: make(chan struct{})}
	ctx, leave := context.WithCancel(t.Context())
	t.Cleanup(func() { leave(); <-f.done })
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.root+"/api/turns/"+id+"/stream", nil)
	require.NoError(t, err)
	r.Header.Set("Cookie", v.cookie)
	r.Header.Set("Last-Event-ID", strconv.Itoa(cursor))
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	go func() {
		defer close(f.done)
		defer func() { _ = res.Body.Close() }()
		if res.StatusCode != http.StatusOK {
			f.fail(fmt.Errorf("status %s", res.Status))
			return
		}
		f.fail(f.read(res.Body, cursor))
	}()
	return f
}

func (f *follower) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *follower) trouble() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fmt.Sprint("trouble: ", f.err)
}

func (f *follower) read(body io.Reader, cursor int) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 8<<20)
	event, id := "", cursor
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "event":
			event = value
		case "id":
			id, _ = strconv.Atoi(value)
		case "data":
			if err := f.take(event, value, id, cursor); err != nil {
				return err
			}
		}
	}
	return lines.Err()
}

func (f *follower) take(event, data string, id, cursor int) error {
	var said struct {
		Text string `json:"text"`
		Turn *turn  `json:"turn"`
		Code string `json:"code"`
	}
	if err := json.Unmarshal([]byte(data), &said); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch event {
	case "text":
		f.text += said.Text
		if id != cursor+len(f.text) {
			return fmt.Errorf("cursor %d after %d bytes", id, cursor+len(f.text))
		}
	case "end":
		f.ended = said.Turn
	case "reset", "closed":
		return fmt.Errorf("%s: %s", event, data)
	}
	return nil
}

func (f *follower) seen() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text
}

// ends waits until the follower is told of the end.
func (f *follower) ends(t *testing.T) turn {
	t.Helper()
	<-f.done
	require.NoError(t, f.err)
	require.NotNil(t, f.ended, "the stream ended without its end; text %q", f.text)
	return *f.ended
}
