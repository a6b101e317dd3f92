//go:build e2e

package browser_test

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/e2e/harness"
)

var figures = flag.Bool("figures", false, "measure how quick the chat is, and print it")

// figure prints a figure beside what it should be at most; 0: nothing is said.
func figure(name string, value float64, unit string, most float64) {
	line := fmt.Sprintf("%-58s %9.1f %s", name, value, unit)
	if most > 0 {
		line += fmt.Sprintf("  (at most %g)", most)
	}
	fmt.Println(line)
}

// Figures are for people: a busy machine must not fail them. What they should be
// is in issue and README; here is only what would be wrong on any machine.
func TestFigures(t *testing.T) {
	if !*figures {
		t.Skip("asked for with -figures")
	}
	t.Run("browser", func(t *testing.T) {
		s := newStage(t, harness.NewSQLite(t), 1, nil)
		p := s.player(t, "Figures", 1000*harness.Credit, access.RoleMember)
		short, long := s.thread(t, p, "Short", 10), s.thread(t, p, "Long", 1000)
		var facts struct {
			FirstPaint, LargestPaint, Usable float64
			Cold, Warm                       float64
			Short, Long                      []float64 // milliseconds of a stream
			ShortWork, LongWork              []float64 // of the page's own, meanwhile
			Interactions                     []float64
			Script                           float64
		}
		s.play(t, "figures", p, map[string]any{"short": short, "long": long}, nil, &facts)
		figure("JavaScript before /chat, gzipped", facts.Script/1024, "KiB", 300)
		figure("first contentful paint of /chat", facts.FirstPaint, "ms", 0)
		figure("largest contentful paint of /chat", facts.LargestPaint, "ms", 0)
		figure("until one can type at /chat", facts.Usable, "ms", 0)
		figure("1,000 messages, opened by address", facts.Cold, "ms", 1000)
		figure("1,000 messages, opened from the list", facts.Warm, "ms", 1000)
		figure("800 words below 10 messages", median(facts.Short), "ms", 0)
		figure("800 words below 1,000 messages", median(facts.Long), "ms", 0)
		figure("  ratio", median(facts.Long)/median(facts.Short), "", 1.2)
		figure("  the page's work below 10 messages", median(facts.ShortWork), "ms", 0)
		figure("  the page's work below 1,000 messages", median(facts.LongWork), "ms", 0)
		slices.Sort(facts.Interactions)
		require.NotEmpty(t, facts.Interactions)
		figure("interaction to next paint, 75th of 100", facts.Interactions[len(facts.Interactions)*3/4], "ms", 200)
		figure("interaction to next paint, the longest", facts.Interactions[len(facts.Interactions)-1], "ms", 0)
		require.Less(t, facts.Cold, 10_000.0)
	})
	harness.Each(t, func(t *testing.T, db harness.Database) {
		s := newStage(t, db, 1, nil)
		p := s.player(t, "Crowd", harness.Credit, access.RoleMember)
		s.crowd(t, p, 10_000)
		for name, query := range map[string]string{
			"list": "?limit=50", "list of archived": "?view=archived", "search by a common word": "?q=comets", "search by two words": "?q=kites%20number", "search by a rare one": "?q=9876", "search for nothing": "?q=nonesuch",
		} {
			s.quick(t, p, string(db.Kind)+": 10,000 threads: "+name, "/api/threads"+query)
		}
	})
}

// quick prints how long a call takes, by the middle and the worst of many.
func (s *stage) quick(t *testing.T, p player, name, path string) {
	t.Helper()
	var took []float64
	for range 30 {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.replicas[0].Root+path, nil)
		require.NoError(t, err)
		request.Host = host
		request.Header.Set("Cookie", p.Cookie)
		begun := time.Now()
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode, "%s", body)
		took = append(took, float64(time.Since(begun).Microseconds())/1000)
	}
	figure(name, median(took), "ms", 100)
	figure("  the slowest of 30", slices.Max(took), "ms", 100)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[len(sorted)/2]
}
