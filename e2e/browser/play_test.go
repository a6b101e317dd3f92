//go:build e2e

package browser_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

const nodeFolder = "node"

// report is what a story saw, and everything that the browser gave away on the
// way.
type report struct {
	Facts      json.RawMessage     `json:"facts"`
	URLs       []string            `json:"urls"`       // in the history of the tabs
	Texts      []string            `json:"texts"`      // that pages of the site show, and their sources
	Storage    []string            `json:"storage"`    // what scripts of the site can read
	Console    []string            `json:"console"`    // all of it
	Violations []string            `json:"violations"` // of the content security policy
	Secrets    map[string][]string `json:"secrets"`    // what passed by and must not stay
	Foreign    []string            `json:"foreign"`    // addresses elsewhere that were asked for
	Dialogs    []string            `json:"dialogs"`    // that pages opened
	Axe        []string            `json:"axe"`        // what axe objects to
	SeenByAxe  []string            `json:"seenByAxe"`  // what it looked at
}

// line is what a story says.
type line struct {
	Ask    string          `json:"ask"`
	With   json.RawMessage `json:"with"`
	Report *report         `json:"report"`
}

// answers are what a story may ask for.
type answers map[string]func(t *testing.T, with json.RawMessage) any

// quietly is what a story gets no answer from but that it was done.
func quietly(do func(t *testing.T, with json.RawMessage)) func(*testing.T, json.RawMessage) any {
	return func(t *testing.T, with json.RawMessage) any {
		t.Helper()
		do(t, with)
		return nil
	}
}

// play runs a story with what it is given, and puts its facts into facts.
func play(t *testing.T, story string, given map[string]any, a answers, facts any) report {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", "run.mjs", story)
	cmd.Dir = nodeFolder
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TMPDIR=" + os.TempDir()}
	var problems bytes.Buffer
	cmd.Stderr = &problems
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	say(t, in, given)
	var done *report
	lines := bufio.NewReader(out)
	for {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		var l line
		require.NoError(t, json.Unmarshal(text, &l), "%s", text)
		if l.Report != nil {
			done = l.Report
			continue
		}
		answer := a[l.Ask]
		require.NotNil(t, answer, l.Ask)
		say(t, in, answer(t, l.With))
	}
	err = cmd.Wait()
	require.NoError(t, err, "%s", problems.String())
	require.NotNil(t, done, "the story ends with a report")
	require.NoError(t, json.Unmarshal(done.Facts, facts), "%s", done.Facts)
	return *done
}

func say(t *testing.T, in io.Writer, v any) {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	_, err = in.Write(append(text, '\n'))
	require.NoError(t, err)
}
