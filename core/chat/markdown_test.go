package chat_test

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/chat"
)

var update = flag.Bool("update", false, "write the golden files")

// What a thread looks like as Markdown is a golden file.
func TestHeading_golden(t *testing.T) { // C1
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	th := chat.Thread{ID: "thr_1", Title: "Names for a ship", Instructions: "Be brief.\r\n\nBe kind.", CreatedAt: at.Add(-time.Hour)}
	text := chat.Heading(th, at)
	turn := chat.Turn{ID: "turn_1", Model: "gpt-9", State: chat.Done, Input: 12, Output: 45, Debited: 1500, Settled: true, Request: "req_1"}
	stopped, failed, running := turn, turn, turn
	stopped.State, stopped.Estimated, stopped.Debited = chat.Stopped, true, 2_000_000
	failed.State, failed.Reason, failed.Input, failed.Output, failed.Debited = chat.Failed, "upstream_unavailable", 0, 0, 0
	running.State, running.Settled = chat.Running, false
	lost := failed
	lost.Reason, lost.Settled = "server_lost", false
	for _, m := range []struct {
		role chat.Role
		text string
		turn chat.Turn
	}{
		{chat.RoleUser, "What shall it be called?", chat.Turn{}},
		{chat.RoleAssistant, "*Endeavour*\n", turn},
		{chat.RoleUser, "In Go?", chat.Turn{}},
		{chat.RoleAssistant, "```go\nconst name = ", stopped},
		{chat.RoleAssistant, "", failed},
		{chat.RoleAssistant, "Half", lost},
		{chat.RoleAssistant, "", running},
	} {
		text += chat.Entry(chat.Message{Role: m.role, Text: m.text, CreatedAt: at}, m.turn)
	}
	const file = "testdata/thread.md"
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), text, "run: go test ./core/chat -update")
}

// A block of code that is left open is ended; others are not.
func TestEntry_fences(t *testing.T) {
	t.Parallel()
	for text, open := range map[string]string{
		"plain": "", "```\nx\n```": "", "```go\nx": "```", "~~~~\nx\n~~~": "~~~~", "````\n```\n": "````", "```\n~~~\n": "```", "   ```\nx": "```", "    ```\nx": "",
		"``` a`b\nx": "", "```\nx\n``` \ny": "", "```\nx\n```y": "```", "a ```\n": "",
	} {
		got := chat.Entry(chat.Message{Role: chat.RoleAssistant, Text: text}, chat.Turn{ID: "turn_1"})
		body, _, _ := strings.Cut(strings.SplitN(got, "\n\n", 3)[2], "\n\n*")
		want := strings.TrimRight(text, "\n")
		if open != "" {
			want += "\n" + open
		}
		require.Equal(t, want, strings.TrimRight(body, "\n"), "%q", text)
	}
}
