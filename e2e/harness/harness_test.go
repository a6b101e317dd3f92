//go:build e2e

package harness_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func TestTariff_Cost(t *testing.T) {
	t.Parallel()
	require.EqualValues(t, 3, harness.TokenTariff.Cost(0, 0, 0))
	require.EqualValues(t, 3+7+1, harness.TokenTariff.Cost(0, 0, 1), "a millionth is rounded up")
	require.EqualValues(t, 3+225+700+1, harness.TokenTariff.Cost(100, 0, 100))
	require.EqualValues(t, 3+5+203+0, harness.TokenTariff.Cost(100, 10, 0), "3 + 5 + 202.5 rounds up once")
	require.Equal(t, harness.Credit, harness.RequestTariff.Cost(9, 0, 9))
}

// The client has to tell a whole answer from a broken one by itself, before it
// may accuse the server of anything.
func TestClient_Ask(t *testing.T) {
	t.Parallel()
	upstream := harness.StartUpstream(t, "sk-direct", 10)
	client := harness.NewClient(upstream.BaseURL(), "sk-direct")

	for _, shape := range harness.Shapes {
		t.Run(shape.String(), func(t *testing.T) {
			a, err := client.Ask(t.Context(), shape, "tok-in7-out5-cached3-chunks3")
			require.NoError(t, err)
			require.True(t, a.Complete)
			require.Equal(t, "word0 word1 word2 ", a.Text)
			if !shape.Stream || shape.Responses || shape.Usage {
				require.Equal(t, harness.Usage{Input: 7, Cached: 3, Output: 5}, a.Usage)
			}

			a, err = client.Ask(t.Context(), shape, "tok-cut")
			require.Error(t, err)
			require.False(t, a.Complete)

			if shape.Stream {
				a, err = client.Ask(t.Context(), shape, "tok-nodone")
				require.NoError(t, err, "the SDK does not notice")
				require.False(t, a.Complete)
			}

			a, err = client.Ask(t.Context(), shape, "tok-err400")
			require.Error(t, err)
			require.False(t, a.Complete)
			require.Equal(t, 400, a.Status)
			require.Contains(t, string(a.Body), "unsupported_value")
		})
	}
	stats := upstream.Stats(t)
	require.EqualValues(t, len(harness.Shapes), stats.Completed)
}
