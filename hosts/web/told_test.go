package web_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/gates"
)

// toldTexts are what a language says for the codes of the server: for failures of
// answers, reasons of gates, and problems.
type toldTexts struct {
	Failures, Reasons, Problems map[string]struct{ Sentence, Next string }
}

// Every language but English has words of its own for each failure and each
// reason that the gates know; what else it has words for is there.
func TestTold(t *testing.T) { // G2
	t.Parallel()
	files, err := filepath.Glob("src/i18n/*/told.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	known := quotedCodes(t, "../../core", "../api")
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var told toldTexts
		require.NoError(t, json.Unmarshal(text, &told), file)
		for _, code := range gates.FailureCodes() {
			require.NotEmpty(t, told.Failures[code].Sentence, "%s has no words for the failure %s", file, code)
		}
		require.Len(t, told.Failures, len(gates.FailureCodes()), "%s has words for failures that are none", file)
		for _, reason := range gates.Reasons() {
			require.NotEmpty(t, told.Reasons[string(reason)].Sentence, "%s has no words for the reason %s", file, reason)
		}
		require.Len(t, told.Reasons, len(gates.Reasons()), "%s has words for reasons that are none", file)
		for code := range told.Problems {
			require.True(t, known[code], "%s has words for %s, which the server does not say", file, code)
		}
		for code, text := range told.Failures {
			require.NotEqual(t, gates.FailureOf(code).Message, text.Sentence, "%s: %s is English", file, code)
			require.NotEmpty(t, text.Next, "%s: %s", file, code)
		}
		for code, text := range told.Reasons {
			require.NotEqual(t, gates.Reason(code).Sentence(), text.Sentence, "%s: %s is English", file, code)
			require.NotEmpty(t, text.Next, "%s: %s", file, code)
		}
		for _, part := range []map[string]struct{ Sentence, Next string }{told.Failures, told.Reasons, told.Problems} {
			for code, text := range part {
				require.Regexp(t, `^\p{Lu}.{8,}\.$`, text.Sentence, "%s: %s", file, code)
			}
		}
	}
}

var quoted = regexp.MustCompile(`"([a-z]+(?:_[a-z]+)*)"`)

// quotedCodes returns all that stands in quotation marks in Go files and has the
// form of a code.
func quotedCodes(t *testing.T, folders ...string) map[string]bool {
	t.Helper()
	codes := map[string]bool{}
	for _, folder := range folders {
		require.NoError(t, filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, found := range quoted.FindAllStringSubmatch(string(text), -1) {
				codes[found[1]] = true
			}
			return err
		}))
	}
	return codes
}
