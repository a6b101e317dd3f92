//go:build e2e

package sdk_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

const nodeFolder = "node"

// trace is what a Node test saw of one call.
type trace struct {
	Request string `json:"request"`
	Key     string `json:"key"`
	Event   string `json:"event"`
	Reason  string `json:"reason"`
}

// node runs the Node SDK's tests, then finds their requests in Activity.
func (f *fixture) node(t *testing.T) {
	harness.InstallNode(t, nodeFolder)
	traces := filepath.Join(t.TempDir(), "traces.jsonl")
	held := map[string]string{}
	for role, h := range f.holders {
		held[role] = h.key
	}
	keysJSON, err := json.Marshal(held)
	require.NoError(t, err)

	cmd := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=spec", "--test-concurrency=1")
	cmd.Dir = nodeFolder
	cmd.Env = append(os.Environ(), "E2E_BASE_URL="+f.replica.BaseURL(), "E2E_KEYS="+string(keysJSON), "E2E_TRACES="+traces)
	out, err := cmd.CombinedOutput()
	t.Logf("node:\n%s", out)
	require.NoError(t, err)

	seen := 0
	content, err := os.Open(traces)
	require.NoError(t, err)
	defer func() { _ = content.Close() }()
	for d := json.NewDecoder(content); d.More(); seen++ {
		var c trace
		require.NoError(t, d.Decode(&c))
		f.requireTrace(t, c)
	}
	require.GreaterOrEqual(t, seen, len(refusals(t))+4, "the Node tests said what they did")
}

func (f *fixture) requireTrace(t *testing.T, c trace) {
	t.Helper()
	require.NotEmpty(t, c.Request)
	if c.Event == "" {
		return
	}
	harness.Eventually(t, eventTime, "the event of "+c.Request+" is in Activity", func() error {
		for _, e := range f.site.Activity(t, f.holders[c.Key].account, c.Request) {
			if e.Kind == c.Event && (c.Reason == "" || e.Reason == c.Reason) {
				return nil
			}
		}
		return errors.New("there is none of kind " + c.Event)
	})
}
