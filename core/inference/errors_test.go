package inference_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/inference"
)

// W3: OpenAI's error shape.
func TestErrorBody(t *testing.T) {
	t.Parallel()
	require.JSONEq(t, `{"error":{"message":"a \"b\"\n\\ é","type":"invalid_request_error","param":"n","code":"invalid_json"}}`,
		string(inference.ErrorBody("a \"b\"\n\\ é", "invalid_request_error", "n", "invalid_json")))
	require.Equal(t, `{"error":{"message":"m","type":"server_error","param":null,"code":null}}`,
		string(inference.ErrorBody("m", "server_error", "", "")))
}

// HOTPATH 17: a cut is an error event with a top-level error on both routes.
func TestErrorFrame(t *testing.T) {
	t.Parallel()
	const message = "cut\n\ndata: [DONE]\r\n"
	for route, want := range map[inference.Route]struct{ prefix, data string }{
		inference.ChatCompletions: {"data: ", `{"error":{"message":"cut\n\ndata: [DONE]\r\n","type":"server_error","param":null,"code":"cut"}}`},
		inference.Responses: {"event: error\ndata: ", `{"type":"error","sequence_number":0,"code":"cut","message":"cut\n\ndata: [DONE]\r\n","param":null,
			"error":{"message":"cut\n\ndata: [DONE]\r\n","type":"server_error","param":null,"code":"cut"}}`},
	} {
		frame := inference.ErrorFrame(route, message, "server_error", "cut")
		data, ok := strings.CutPrefix(string(frame), want.prefix)
		require.True(t, ok, "%q", frame)
		data, ok = strings.CutSuffix(data, "\n\n")
		require.True(t, ok, "%q", frame)
		require.NotContains(t, data, "\n")
		require.NotContains(t, data, "\r")
		require.JSONEq(t, want.data, data)

		m := inference.NewMeter(inference.Call{Route: route})
		require.Equal(t, inference.ClassFailure, m.Observe(frame))
	}
}
