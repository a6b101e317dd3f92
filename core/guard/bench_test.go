package guard_test

import (
	"strings"
	"testing"

	"github.com/archibot/archibotchat/core/guard"
)

// The time is in proportion to the text, whatever it is.
func BenchmarkFind(b *testing.B) {
	for name, text := range map[string]string{
		"prose": "How do I set my password, and what is a token? ", "assignments": "password=x ", "nested": "password=\"password='", "digits": "4111 1111 1111 1112 ", "dashes": "sk-a-", "dots": "eyJaaaaaaaaaaa.aaaa.",
		"letters": "aaaaaaaaaaaaa", "schemes": "aa://a:", "wide": "ｐａｓｓ",
	} {
		text := strings.Repeat(text, 64<<10/len(text))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				guard.Find(text)
			}
		})
	}
}
