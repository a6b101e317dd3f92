package openaiupstream_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/fault"
	core "github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/ports/inference"
)

// The address of an object is made of its ID and of known parameters alone (W4).
func TestUpstream_Object_Sends(t *testing.T) {
	t.Parallel()
	u, s := scripted(t, nil)
	all := inference.ObjectCall{
		ID: "resp_1:a=.b", Keeper: "scripted", RequestID: "req_1", Include: []string{"a.b&c=d", "e f"}, After: "x&limit=9#/../", Limit: 7, Order: "asc",
	}
	const include = "include%5B%5D=a.b%26c%3Dd&include%5B%5D=e+f"
	for verb, want := range map[inference.Verb]string{
		inference.Retrieve:   "GET /v1/responses/resp_1:a=.b?" + include,
		inference.Delete:     "DELETE /v1/responses/resp_1:a=.b",
		inference.Cancel:     "POST /v1/responses/resp_1:a=.b/cancel",
		inference.InputItems: "GET /v1/responses/resp_1:a=.b/input_items?after=x%26limit%3D9%23%2F..%2F&" + include + "&limit=7&order=asc",
	} {
		o := all
		o.Verb = verb
		_, err := u.Object(t.Context(), &o)
		require.Error(t, err)
		got := s.Requests()
		last := got[len(got)-1]
		require.Equal(t, want, last.Method+" "+last.Path)
		require.Empty(t, last.Body)
		delete(last.Headers, "Content-Length")
		require.Equal(t, map[string][]string{
			"Authorization": {"Bearer " + key}, "Accept": {"application/json"}, "User-Agent": {"archibotchat"}, "X-Request-Id": {"req_1"},
		}, map[string][]string(last.Headers))
	}
}

func TestUpstream_Object_Answers(t *testing.T) {
	t.Parallel()
	call := &inference.ObjectCall{Verb: inference.Retrieve, ID: "resp_1", Keeper: "scripted"}
	serve := func(status int, kind, body string) (*inference.Response, error) {
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Set-Cookie", "a=b")
			w.Header().Set("Openai-Version", "1")
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}))
		t.Cleanup(h.Close)
		return open(t, h.URL, nil).Object(t.Context(), call)
	}
	res, err := serve(200, "application/json", "{}")
	require.NoError(t, err)
	body, err := all(t, res)
	require.NoError(t, err)
	require.Equal(t, "{}", body)
	require.Equal(t, []inference.Header{{Name: "Openai-Version", Value: "1"}}, res.Headers)

	for _, kind := range []string{"text/html", "text/event-stream", ""} {
		_, err = serve(200, kind, "{}")
		requireFault(t, err, fault.BadUpstream, "upstream_invalid")
	}
	_, err = serve(302, "application/json", "{}")
	requireFault(t, err, fault.BadUpstream, "upstream_unavailable")
	_, err = serve(429, "application/json", `{"error":{"message":"slow down, `+key+`"}}`)
	var refusal *inference.Refusal
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, 429, refusal.Status)
	require.NotContains(t, refusal.Message, key)

	call.Verb = inference.Delete
	res, err = serve(204, "", "")
	require.NoError(t, err)
	body, err = all(t, res)
	require.NoError(t, err)
	require.Empty(t, body)
}

// An ID of another upstream's is not even asked about.
func TestUpstream_Object_OfAnother(t *testing.T) {
	t.Parallel()
	u, s := scripted(t, nil)
	r := chat("test", false)
	r.Route, r.Keeper = core.Responses, "another"
	_, err := u.Do(t.Context(), r)
	var refusal *inference.Refusal
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, 404, refusal.Status)
	_, err = u.Object(t.Context(), &inference.ObjectCall{Verb: inference.Delete, ID: "resp_1", Keeper: "another"})
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, 404, refusal.Status)
	require.Empty(t, s.Requests())
}
