package chat_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/chat"
)

func TestTitleOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ question, want string }{
		"short":                  {"How do I sort a list?", "How do I sort a list?"},
		"first line":             {"Sort this:\n3 1 2", "Sort this:"},
		"space around":           {"\n\n  a \t b  \nc", "a b"},
		"a fence first":          {"```\ncode();\n```", "code();"},
		"nothing":                {" \n\t", "New chat"},
		"marks alone":            {"---\n***", "New chat"},
		"what turns writing":     {"a\u202eb\u200fc\x07", "abc"},
		"exactly 60":             {strings.Repeat("x", 60), strings.Repeat("x", 60)},
		"one word of 61":         {strings.Repeat("x", 61), strings.Repeat("x", 59) + "…"},
		"cut at a word":          {strings.Repeat("word ", 20), strings.TrimSpace(strings.Repeat("word ", 11)) + " word…"},
		"a long word at the end": {"short " + strings.Repeat("y", 80), "short " + strings.Repeat("y", 53) + "…"},
		"comma at the cut":       {strings.Repeat("abcd, ", 20), strings.TrimSuffix(strings.Repeat("abcd, ", 10), ", ") + "…"},
		"no Latin":               {"日本語で答えてください", "日本語で答えてください"},
		"smileys":                {"😀", "😀"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := chat.TitleOf(c.question)
			require.Equal(t, c.want, got)
			require.LessOrEqual(t, utf8.RuneCountInString(got), 60)
		})
	}
	for _, long := range []string{strings.Repeat("😀", 100), strings.Repeat("日本 ", 100), strings.Repeat("ü", 61)} {
		got := chat.TitleOf(long)
		require.LessOrEqual(t, utf8.RuneCountInString(got), 60)
		require.LessOrEqual(t, len(got), chat.MaxTitle)
		require.True(t, utf8.ValidString(got))
		require.True(t, strings.HasSuffix(got, "…"))
	}
}
