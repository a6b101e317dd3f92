package inference_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/inference"
)

// What is written here passes the same scan as any client's body.
func TestChatBody(t *testing.T) {
	t.Parallel()
	words := "say \"hi\" <b>&\u2028 \\ \n ü 😀"
	body := inference.ChatBody("org/m\"1", [][]byte{
		inference.ChatMessage(inference.RoleSystem, "be brief"), inference.ChatMessage(inference.RoleUser, words),
	})
	call, err := inference.Scan(inference.ChatCompletions, body)
	require.NoError(t, err)
	require.Equal(t, "org/m\"1", call.Model)
	require.True(t, call.Stream)
	require.True(t, call.IncludeUsage)
	require.Equal(t, body, call.Forward(body), "nothing is left to be asked for")
	var read struct {
		Messages []struct{ Role, Content string }
	}
	require.NoError(t, json.Unmarshal(body, &read))
	require.Equal(t, []struct{ Role, Content string }{{"system", "be brief"}, {"user", words}}, read.Messages)
	require.Contains(t, string(body), "<b>&", "nothing is longer than it must be")
}

func TestReadChat(t *testing.T) {
	t.Parallel()
	said := func(delta string) string { return `data: {"choices":[{"index":0,"delta":` + delta + `}]}` + "\n\n" }
	for name, c := range map[string]struct {
		part string
		want inference.ChatPiece
	}{
		"text":                 {said(`{"content":"hello"}`), inference.ChatPiece{Text: "hello"}},
		"escapes":              {said(`{"content":"a\n\"\u00fc\ud83d\ude00"}`), inference.ChatPiece{Text: "a\n\"ü😀"}},
		"a role":               {said(`{"role":"assistant","content":""}`), inference.ChatPiece{}},
		"null":                 {said(`{"content":null}`), inference.ChatPiece{}},
		"a refusal":            {said(`{"refusal":"no"}`), inference.ChatPiece{Text: "no"}},
		"reasoning":            {said(`{"reasoning_content":"hm"}`), inference.ChatPiece{}},
		"half a character":     {said(`{"content":"x\ud83d"}`), inference.ChatPiece{Text: "x\uFFFD"}},
		"bytes that are none":  {said("{\"content\":\"x\xff\"}"), inference.ChatPiece{Text: "x\uFFFD"}},
		"U+0000":               {said(`{"content":"x\u0000"}`), inference.ChatPiece{Text: "x\uFFFD"}},
		"several frames":       {said(`{"content":"a"}`) + ": wait\n\n" + said(`{"content":"b"}`), inference.ChatPiece{Text: "ab"}},
		"line ends of Windows": {strings.ReplaceAll(said(`{"content":"a"}`)+said(`{"content":"b"}`), "\n", "\r\n"), inference.ChatPiece{Text: "ab"}},
		"two lines of data":    {"data: {\"choices\":[{\"index\":0,\ndata: \"delta\":{\"content\":\"a\"}}]}\n\n", inference.ChatPiece{Text: "a"}},
		"another choice":       {`data: {"choices":[{"index":1,"delta":{"content":"b"},"finish_reason":"stop"}]}` + "\n\n", inference.ChatPiece{}},
		"no choices":           {`data: {"choices":[],"usage":{"prompt_tokens":1}}` + "\n\n", inference.ChatPiece{}},
		"the end":              {`data: {"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}` + "\n\ndata: [DONE]\n\n", inference.ChatPiece{Finish: "length"}},
		"an error":             {string(inference.ErrorFrame(inference.ChatCompletions, "m", "server_error", "upstream_cut")), inference.ChatPiece{Code: "upstream_cut"}},
		"no error":             {`data: {"choices":[],"error":null}` + "\n\n", inference.ChatPiece{}},
		"not JSON":             {"data: <html>\n\n", inference.ChatPiece{}},
		"nothing":              {"", inference.ChatPiece{}},
		"no blank line":        {"data: [DONE]", inference.ChatPiece{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, inference.ReadChat([]byte(c.part)))
		})
	}
	require.Equal(t, inference.ChatPiece{Text: "hi", Finish: "stop"},
		inference.ReadChatAnswer([]byte(`{"choices":[{"index":0,"message":{"role":"assistant","content":"hi","refusal":null},"finish_reason":"stop"}]}`)))
	require.Equal(t, inference.ChatPiece{}, inference.ReadChatAnswer([]byte(`[]`)))
}

// Whatever comes, the text can be stored.
func FuzzReadChat(f *testing.F) {
	f.Add([]byte(`data: {"choices":[{"index":0,"delta":{"content":"a\ud83d"}}]}` + "\n\n"))
	f.Add([]byte("data: {\"choices\":[{\"delta\":{\"content\":\"\xff\\u0000\"}}]}\r\n\r\ndata: x"))
	f.Fuzz(func(t *testing.T, part []byte) {
		p := inference.ReadChat(part)
		require.True(t, utf8.ValidString(p.Text))
		require.NotContains(t, p.Text, "\x00")
		inference.ReadChatAnswer(part)
	})
}
