package audit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/audit"
)

func TestCheckpoint(t *testing.T) {
	t.Parallel()
	c := audit.Checkpoint{Origin: "archibotchat/hosted", Size: 1234, Root: audit.Hash{0: 1, 31: 0xff}, At: time.Date(2025, 3, 1, 12, 0, 0, 123_456_000, time.UTC)}
	// Kept checkpoints are read for years: this form does not change.
	const text = "archibotchat/hosted\n1234\nAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP8=\ntime 2025-03-01T12:00:00.123456Z\n"
	require.Equal(t, text, c.Text())
	for _, form := range []string{text, text + "\n— somebody AAAA\n"} {
		got, err := audit.ParseCheckpoint(form)
		require.NoError(t, err)
		require.Equal(t, c, got)
	}
	for _, bad := range []string{
		"", "\n", strings.Replace(text, "1234", "0", 1), strings.Replace(text, "1234", "-1", 1), strings.Replace(text, "1234", "01234", 1),
		strings.Replace(text, "1234", "+1234", 1), strings.Replace(text, "1234", "99999999999999999999", 1),
		strings.Replace(text, "AQAA", "AQA", 1), strings.Replace(text, "AP8=", "AP9=", 1), strings.Replace(text, "time ", "", 1),
		strings.Replace(text, "2025", "25", 1), strings.TrimPrefix(text, "archibotchat/hosted"), text + "more\n",
		strings.Join(strings.Split(text, "\n")[:3], "\n") + "\n",
	} {
		_, err := audit.ParseCheckpoint(bad)
		require.Error(t, err, "%q", bad)
	}
}

func FuzzParseCheckpoint(f *testing.F) {
	f.Add(audit.Checkpoint{Origin: "o", Size: 1}.Text())
	f.Fuzz(func(t *testing.T, text string) {
		c, err := audit.ParseCheckpoint(text)
		if err != nil {
			return
		}
		again, err := audit.ParseCheckpoint(c.Text())
		require.NoError(t, err)
		require.Equal(t, c, again)
	})
}
