package inferencetest

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/fault"
	core "github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/ports/inference"
)

// respond makes a call whose body has more fields, and returns the answer's ID
// and the upstream that it is to be found at.
func respond(t *testing.T, h Harness, stream bool, more map[string]any) (id, keeper string) {
	t.Helper()
	r := request(core.Responses, h.Model, stream)
	var body map[string]any
	require.NoError(t, json.Unmarshal(r.Body, &body))
	for name, value := range more {
		body[name] = value
	}
	r.Body, _ = json.Marshal(body) //nolint:errchkjson // texts and truths
	res, err := h.Upstream.Do(t.Context(), r)
	require.NoError(t, err)
	answer, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.NotEmpty(t, res.Upstream)
	id = answerID(string(answer))
	require.True(t, core.ValidID(id), id)
	return id, res.Upstream
}

// onKept makes a call on a kept response and returns the answer.
func onKept(t *testing.T, h Harness, o inference.ObjectCall) (map[string]any, error) {
	t.Helper()
	o.RequestID = "req_conformance"
	res, err := h.Upstream.Object(t.Context(), &o)
	if err != nil {
		return nil, err
	}
	defer func() { require.NoError(t, res.Body.Close()) }()
	require.False(t, res.Stream)
	require.Equal(t, o.Keeper, res.Upstream)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	if o.Verb == inference.Delete {
		return nil, nil
	}
	var v map[string]any
	require.NoError(t, json.Unmarshal(body, &v), string(body))
	return v, nil
}

func requireStatus(t *testing.T, status int, err error) {
	t.Helper()
	var refusal *inference.Refusal
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, status, refusal.Status)
	require.NotEmpty(t, refusal.Message)
}

func requireElsewhere(t *testing.T, want bool, err error) {
	t.Helper()
	var refusal *inference.Refusal
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, want, refusal.Elsewhere)
}

func testKept(t *testing.T, h Harness) {
	for _, stream := range []bool{false, true} {
		id, keeper := respond(t, h, stream, nil)
		got, err := onKept(t, h, inference.ObjectCall{Verb: inference.Retrieve, ID: id, Keeper: keeper, Include: []string{"message.output_text.logprobs"}})
		require.NoError(t, err)
		require.Equal(t, id, got["id"])
		require.Equal(t, "response", got["object"])
		require.Equal(t, "completed", got["status"])
		if got, err = onKept(t, h, inference.ObjectCall{Verb: inference.Cancel, ID: id, Keeper: keeper}); err != nil {
			requireStatus(t, 400, err) // it is complete already
		} else {
			require.Equal(t, id, got["id"])
		}
		_, err = onKept(t, h, inference.ObjectCall{Verb: inference.Delete, ID: id, Keeper: keeper})
		require.NoError(t, err)
		for _, verb := range []inference.Verb{inference.Retrieve, inference.Delete, inference.Cancel, inference.InputItems} {
			_, err = onKept(t, h, inference.ObjectCall{Verb: verb, ID: id, Keeper: keeper})
			requireStatus(t, 404, err)
		}
	}
}

func testInputItems(t *testing.T, h Harness) {
	items := []map[string]string{{"role": "user", "content": "one"}, {"role": "user", "content": "two"}, {"role": "user", "content": "three"}}
	id, keeper := respond(t, h, false, map[string]any{"input": items})
	call := inference.ObjectCall{Verb: inference.InputItems, ID: id, Keeper: keeper}
	list := func() (ids []string, more bool) {
		got, err := onKept(t, h, call)
		require.NoError(t, err)
		require.Equal(t, "list", got["object"])
		data, _ := got["data"].([]any)
		for _, item := range data {
			fields, _ := item.(map[string]any)
			text, _ := fields["id"].(string)
			require.True(t, core.ValidID(text), text)
			ids = append(ids, text)
		}
		more, _ = got["has_more"].(bool)
		return ids, more
	}
	newest, more := list()
	require.Len(t, newest, 3)
	require.False(t, more)
	call.Order = "asc"
	oldest, _ := list()
	require.Equal(t, []string{newest[2], newest[1], newest[0]}, oldest)
	call.Limit = 2
	page, more := list()
	require.Equal(t, oldest[:2], page)
	require.True(t, more)
	call.After = page[1]
	page, more = list()
	require.Equal(t, oldest[2:], page)
	require.False(t, more)
}

func testNotKept(t *testing.T, h Harness) {
	off, keeper := respond(t, h, false, map[string]any{"store": false})
	id, _ := respond(t, h, false, map[string]any{"store": true})
	for _, verb := range []inference.Verb{inference.Retrieve, inference.Delete, inference.Cancel, inference.InputItems} {
		for _, o := range []inference.ObjectCall{
			{ID: off, Keeper: keeper}, {ID: "resp_unknown", Keeper: keeper}, {ID: id, Keeper: "somebody else"}, {ID: id},
		} {
			o.Verb = verb
			_, err := onKept(t, h, o)
			requireStatus(t, 404, err)
			requireElsewhere(t, o.Keeper != keeper, err)
		}
		for _, bad := range []string{"", "..", "../models", "%2e%2e", "a?b", "a#b", strings.Repeat("a", 300)} {
			_, err := onKept(t, h, inference.ObjectCall{Verb: verb, ID: bad, Keeper: keeper})
			require.Error(t, err)
			require.Equal(t, fault.Internal, fault.KindOf(err), bad)
		}
	}
	_, err := onKept(t, h, inference.ObjectCall{Verb: "../files", ID: id, Keeper: keeper})
	require.Error(t, err)
	require.Equal(t, fault.Internal, fault.KindOf(err))
	_, err = onKept(t, h, inference.ObjectCall{Verb: inference.Retrieve, ID: id, Keeper: keeper})
	require.NoError(t, err, "none of that reached it")
}

func testEarlier(t *testing.T, h Harness) {
	id, keeper := respond(t, h, false, nil)
	r := request(core.Responses, h.Model, false)
	r.Keeper = keeper
	ask := func(id string) error {
		r.Body = []byte(strings.Replace(string(request(core.Responses, h.Model, false).Body), "{", `{"previous_response_id":"`+id+`",`, 1))
		res, err := h.Upstream.Do(t.Context(), r)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Contains(t, string(body), `"previous_response_id":"`+id+`"`)
		return nil
	}
	require.NoError(t, ask(id))
	var refusal *inference.Refusal
	require.ErrorAs(t, ask("resp_unknown"), &refusal)
	require.Contains(t, []int{400, 404}, refusal.Status)
	r.Keeper = "somebody else"
	err := ask(id)
	requireStatus(t, 404, err)
	requireElsewhere(t, true, err)
}
