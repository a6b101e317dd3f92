package chat_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/core/fault"
)

func TestCheckTitle(t *testing.T) { // S2
	t.Parallel()
	for text, want := range map[string]string{
		"Names for a ship": "Names for a ship", "  x\t": "x", "Схема 🚢": "Схема 🚢", strings.Repeat("ä", chat.MaxTitle/2): strings.Repeat("ä", chat.MaxTitle/2),
	} {
		got, err := chat.CheckTitle(text, "title")
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
	for text, code := range map[string]string{
		"": "invalid_text", " ": "invalid_text", "a\tb": "invalid_text", "a\u2028b": "invalid_text", "a\x1bb": "invalid_text", "a\x00b": "invalid_text", "a\u2067b": "invalid_text",
		strings.Repeat("x", chat.MaxTitle+1): "invalid_text", "\xff": "invalid_text", "my password: hunter2": "secret_in_text",
	} {
		_, err := chat.CheckTitle(text, "title")
		require.Equal(t, code, fault.CodeOf(err), "%q", text)
		require.Equal(t, "title", fault.From(err).Param)
	}
}

func TestAutoTitle(t *testing.T) { // S2
	t.Parallel()
	long := strings.Repeat("word ", 11)
	for question, want := range map[string]string{
		"What is a keel?\nSay it briefly.": "What is a keel?",
		"":                                 chat.Untitled,
		"password: hunter2":                chat.Untitled,
		long + "password: hunter2":         chat.Untitled, // which the cut would hide
		"What is this?\npassword: hunter2": "What is this?",
		strings.Repeat("wörd ", 400) + "password: hunter2":         strings.Repeat("wörd ", 11) + "wörd…",
		"token " + strings.Repeat("eyJhbGciOiJIUzI1NiJ9.", 10_000): chat.Untitled,
	} {
		require.Equal(t, want, chat.AutoTitle(question), "%.200q", question)
	}
}

func TestCheckText(t *testing.T) {
	t.Parallel()
	require.NoError(t, chat.CheckText("", "text", 4))
	require.NoError(t, chat.CheckText("a\n\tb", "text", 4))
	require.Equal(t, "text_too_long", fault.CodeOf(chat.CheckText("aäöü", "text", 6)))
	require.Equal(t, "invalid_text", fault.CodeOf(chat.CheckText("\x00", "text", 4)))
	require.Equal(t, "invalid_text", fault.CodeOf(chat.CheckText("\xff", "text", 4)))
}

func TestCheckModel(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "gpt-9", "vendor/line:free", strings.Repeat("x", chat.MaxModel)} {
		require.NoError(t, chat.CheckModel(id, "model"), id)
	}
	for _, id := range []string{"a b", "a\n", "\x00", "\xff", "a\u200fb", strings.Repeat("x", chat.MaxModel+1)} {
		require.Equal(t, "invalid_text", fault.CodeOf(chat.CheckModel(id, "model")), "%q", id)
	}
}
