package upstream_test

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestServer_Teach(t *testing.T) {
	t.Parallel()
	_, h := start(t)
	require.Equal(t, http.StatusNoContent, post(t, h, "/__teach", `{"question":"Hello","answer":"Say \"hi\" to  all.\n","script":"in7-out3"}`).StatusCode)

	got := read(t, post(t, h, "/v1/chat/completions", chatBody("test", false)))
	require.Contains(t, got, `"content":"Say \"hi\" to  all.\n"`)
	require.Contains(t, got, `"prompt_tokens":7,"completion_tokens":3`)
	got = read(t, post(t, h, "/v1/chat/completions", chatBody("test", true)))
	require.Equal(t, 5, strings.Count(got, `"delta":{"content":"`))
	require.Contains(t, got, `"delta":{"content":"\"hi\" "}`)
	parts := strings.Replace(chatBody("test", false), `"Hello"`, `[{"type":"text","text":"Hello"}]`, 1)
	require.Contains(t, read(t, post(t, h, "/v1/chat/completions", parts)), `to  all.`)

	other := strings.Replace(chatBody("test", false), "Hello", "Goodbye", 1)
	require.Contains(t, read(t, post(t, h, "/v1/chat/completions", other)), "word0")
	require.Equal(t, http.StatusBadRequest, post(t, h, "/__teach", "nonsense").StatusCode)
}

func TestServer_Admit(t *testing.T) {
	t.Parallel()
	s, h := start(t)
	lines := bufio.NewReader(post(t, h, "/v1/chat/completions", chatBody("test-chunks3-gate3", true)).Body)
	next := func() string {
		for {
			line, err := lines.ReadString('\n')
			require.NoError(t, err)
			if line != "\n" {
				return line
			}
		}
	}
	require.Contains(t, next(), `"role":"assistant"`)
	for i := range 2 {
		s.Admit(3, 1)
		require.Contains(t, next(), fmt.Sprintf("word%d ", i))
	}
	require.Zero(t, s.Stats().Completed, "the third waits")
	s.Admit(3, -1)
	require.Contains(t, next(), "word2 ")
	require.Contains(t, next(), `"finish_reason":"stop"`)
	require.Contains(t, next(), "usage")
	require.Contains(t, next(), "[DONE]")

	s.Admit(3, 0)
	res := post(t, h, "/v1/chat/completions", chatBody("test-gate3", true))
	require.NoError(t, res.Body.Close()) // who leaves does not wait on
}
