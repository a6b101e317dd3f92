// Package inferencetest is the conformance suite of package ports/inference:
// what the relay counts on, whichever upstream it has.
//
// An adapter's test is a harness and a call of [Run].
package inferencetest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/archibot/archibotchat/core/fault"
	core "github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/ports/inference"
)

// Harness is one upstream under test and the models to try it with.
type Harness struct {
	Upstream inference.Upstream
	Model    string // answers soon, and is in the list
	Slow     string // streams for a second or more, the first bytes at once
	Unknown  string // is refused with 404
	// Dropped is read whole and then left without a word; empty where calls
	// cannot be lost.
	Dropped string
	// Unreachable is such an upstream at an address where nobody listens; nil
	// where there is no address.
	Unreachable inference.Upstream
}

// Run tries the upstream that start returns, a new one for each case. What
// start opens it must close by t.Cleanup.
func Run(t *testing.T, start func(t *testing.T) Harness) {
	t.Helper()
	cases := map[string]func(*testing.T, Harness){
		"name":                 testName,
		"JSON":                 testJSON,
		"stream":               testStream,
		"unknown model":        testUnknownModel,
		"unknown route":        testUnknownRoute,
		"models":               testModels,
		"dropped":              testDropped,
		"unreachable":          testUnreachable,
		"kept response":        testKept,
		"input items":          testInputItems,
		"not kept":             testNotKept,
		"earlier response":     testEarlier,
		"canceled before":      testCanceledBefore,
		"canceled in a stream": testCanceledInStream,
		"closed mid-way":       testClosedMidway,
		"many at once":         testManyAtOnce,
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) { test(t, start(t)) })
	}
}

var routes = []core.Route{core.ChatCompletions, core.Responses}

// request returns a small request for model.
func request(route core.Route, model string, stream bool) *inference.Request {
	body := map[string]any{"model": model}
	const prompt = "Which stones are under this house?"
	switch route {
	case core.Responses:
		body["input"] = prompt
	default:
		body["messages"] = []map[string]string{{"role": "user", "content": prompt}}
	}
	if stream {
		body["stream"] = true
		if route == core.ChatCompletions {
			body["stream_options"] = map[string]bool{"include_usage": true}
		}
	}
	b, err := json.Marshal(body)
	if err != nil {
		panic(err) // only strings and booleans
	}
	return &inference.Request{Route: route, RequestID: "req_conformance", Stream: stream, Body: b}
}

func testName(t *testing.T, h Harness) {
	require.NotEmpty(t, h.Upstream.Name())
}

func testJSON(t *testing.T, h Harness) {
	for _, route := range routes {
		res, err := h.Upstream.Do(t.Context(), request(route, h.Model, false))
		require.NoError(t, err, route)
		require.False(t, res.Stream)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err, route)
		require.NoError(t, res.Body.Close())
		require.NoError(t, checkObject(route, body), string(body))
	}
}

func testStream(t *testing.T, h Harness) {
	for _, route := range routes {
		res, err := h.Upstream.Do(t.Context(), request(route, h.Model, true))
		require.NoError(t, err, route)
		require.True(t, res.Stream)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err, route)
		require.NoError(t, res.Body.Close())
		require.NoError(t, checkStream(route, body), string(body))
	}
}

func testUnknownModel(t *testing.T, h Harness) {
	for _, stream := range []bool{false, true} {
		_, err := h.Upstream.Do(t.Context(), request(core.ChatCompletions, h.Unknown, stream))
		var refusal *inference.Refusal
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, 404, refusal.Status)
		require.NotEmpty(t, refusal.Message)
		require.Equal(t, "model_not_found", refusal.Code)
		require.NotErrorIs(t, err, inference.ErrUnsent)
	}
}

// testDropped: what was sent may have been worked on, whatever became of the
// connection (W8).
func testDropped(t *testing.T, h Harness) {
	if h.Dropped == "" {
		t.Skip("calls cannot be lost on the way to this upstream")
	}
	for _, route := range routes {
		_, err := h.Upstream.Do(t.Context(), request(route, h.Dropped, true))
		require.Equal(t, fault.BadUpstream, fault.KindOf(err), err)
		require.Equal(t, "upstream_unavailable", fault.CodeOf(err))
		require.NotErrorIs(t, err, inference.ErrUnsent)
	}
}

// testUnreachable: what never arrived may be sent again (W8).
func testUnreachable(t *testing.T, h Harness) {
	if h.Unreachable == nil {
		t.Skip("this upstream has no address")
	}
	for _, route := range routes {
		r := request(route, h.Model, false)
		_, err := h.Unreachable.Do(t.Context(), r)
		require.Equal(t, fault.BadUpstream, fault.KindOf(err), err)
		require.Equal(t, "upstream_unavailable", fault.CodeOf(err))
		require.ErrorIs(t, err, inference.ErrUnsent)
		clear(r.Body) // it is the caller's again
	}
	_, err := h.Unreachable.Models(t.Context())
	require.Equal(t, fault.BadUpstream, fault.KindOf(err), err)
}

func testUnknownRoute(t *testing.T, h Harness) {
	r := request(core.ChatCompletions, h.Model, false)
	r.Route = "../files"
	_, err := h.Upstream.Do(t.Context(), r)
	require.Equal(t, fault.Internal, fault.KindOf(err))
	require.Error(t, err)
}

func testModels(t *testing.T, h Harness) {
	models, err := h.Upstream.Models(t.Context())
	require.NoError(t, err)
	var ids []string
	for _, m := range models {
		ids = append(ids, m.ID)
		require.NotEmpty(t, m.OwnedBy)
		require.Positive(t, m.Created)
	}
	require.Contains(t, ids, h.Model)
	require.NotContains(t, ids, h.Unknown)
}

func testCanceledBefore(t *testing.T, h Harness) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.Upstream.Do(ctx, request(core.Responses, h.Model, true))
	require.ErrorIs(t, err, context.Canceled)
	_, err = h.Upstream.Object(ctx, &inference.ObjectCall{Verb: inference.Retrieve, ID: "resp_1", Keeper: h.Upstream.Name()})
	require.ErrorIs(t, err, context.Canceled)
	_, err = h.Upstream.Models(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func testCanceledInStream(t *testing.T, h Harness) {
	for _, route := range routes {
		ctx, cancel := context.WithCancel(t.Context())
		res, err := h.Upstream.Do(ctx, request(route, h.Slow, true))
		require.NoError(t, err)
		_, err = io.ReadFull(res.Body, make([]byte, 10))
		require.NoError(t, err)
		cancel()
		_, err = io.Copy(io.Discard, res.Body)
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, res.Body.Close())
	}
}

// testClosedMidway closes answers before their end, also twice and while a
// read is under way, and looks for what that left behind.
func testClosedMidway(t *testing.T, h Harness) {
	before := goleak.IgnoreCurrent()
	for range 10 {
		for _, route := range routes {
			r := request(route, h.Slow, true)
			res, err := h.Upstream.Do(t.Context(), r)
			require.NoError(t, err)
			_, err = io.ReadFull(res.Body, make([]byte, 10))
			require.NoError(t, err)
			read := make(chan error, 1)
			go func() {
				_, err := io.Copy(io.Discard, res.Body)
				read <- err
			}()
			require.NoError(t, res.Body.Close())
			require.Error(t, <-read, "a read after Close must not look like the answer's end")
			require.NoError(t, res.Body.Close())
			clear(r.Body) // it is the caller's again
		}
	}
	goleak.VerifyNone(t, before)
}

// testManyAtOnce runs calls of all sorts side by side and reuses their bodies.
func testManyAtOnce(t *testing.T, h Harness) {
	const each = 8
	results := make(chan error)
	ids := make(chan string, 4*each)
	for range each {
		for _, route := range routes {
			for _, stream := range []bool{false, true} {
				go func() { results <- one(t.Context(), h, request(route, h.Model, stream), ids) }()
			}
		}
	}
	for range 4 * each {
		require.NoError(t, <-results)
	}
	close(ids)
	seen := map[string]bool{}
	for id := range ids {
		require.False(t, seen[id], "two answers have the ID %q", id)
		seen[id] = true
	}
}

func one(ctx context.Context, h Harness, r *inference.Request, ids chan<- string) error {
	res, err := h.Upstream.Do(ctx, r)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return err
	}
	clear(r.Body)
	ids <- answerID(string(body))
	if res.Stream {
		return checkStream(r.Route, body)
	}
	return checkObject(r.Route, body)
}

// answerID finds the answer's own ID: the first in it.
func answerID(body string) string {
	_, rest, _ := strings.Cut(body, `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}
