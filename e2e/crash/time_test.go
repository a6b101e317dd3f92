//go:build e2e

package crash_test

import (
	"context"
	"database/sql"
	"flag"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

var longRun = flag.Bool("long", false, "also kill a server in the second minute of a stream")

const (
	// markLag is how long progress may have gone without a note: the two seconds
	// between notes, and a busy machine.
	markLag = 5 * time.Second
	gap     = 50 * time.Millisecond
)

// state returns how the hold on a model stands.
func state(t *testing.T, rows *sql.DB, model string) resolution {
	t.Helper()
	r, err := read(t.Context(), rows, model)
	require.NoError(t, err, model)
	return r
}

// When a server dies decides what is charged (L9, HOTPATH 8): in the first
// second nothing was noted, and all is given back; later a stream is charged up
// to the last note, also one that had fallen silent; an answer in one piece,
// which nobody has seen, never is.
func TestCrash_Time(t *testing.T) {
	times := []time.Duration{500 * time.Millisecond, 5 * time.Second}
	if *longRun {
		times = append(times, time.Minute)
	}
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{})
		account := site.Account(t, harness.NewAccount{Credits: grant})
		rows := db.Open(t)
		key := site.Key(t, account.ID).Key
		for _, at := range times {
			t.Run(at.String(), func(t *testing.T) {
				speaks, silent, whole := "tok-chunks4000-gap50-"+at.String(), "tok-chunks4000-gap600000-"+at.String(), "tok-delay600000-"+at.String()
				server := site.Start(t)
				client := harness.NewClient(server.BaseURL(), key)
				ends := make(chan harness.Answer, 3)
				begun := time.Now()
				for model, shape := range map[string]harness.Shape{speaks: {Stream: true}, silent: {Stream: true}, whole: {}} {
					go func() {
						a, err := client.Ask(context.WithoutCancel(t.Context()), shape, model)
						if err == nil {
							t.Errorf("%s: the server is dead, but its answer ended cleanly", model)
						}
						ends <- a
					}()
				}
				for _, model := range []string{speaks, silent, whole} {
					harness.Eventually(t, progress, "the request is held", func() error {
						_, err := read(t.Context(), rows, model)
						return err
					})
				}
				held := time.Now()
				kill := time.NewTimer(at)
				<-kill.C
				least := time.Since(held)
				server.Kill()
				most := time.Since(begun)
				var text int
				for range cap(ends) {
					text = max(text, len((<-ends).Text))
				}
				site.Start(t)
				harness.AwaitNoHolds(t, rows, recovery)
				require.Equal(t, "released", state(t, rows, whole).state)
				for _, model := range []string{speaks, silent} {
					got := state(t, rows, model)
					if !got.delivered { // nothing was noted
						require.Less(t, least, markLag, "a note is taken after a second")
						require.Equal(t, "released", got.state, model)
						continue
					}
					// On a busy machine it may have died later than it was meant to.
					require.GreaterOrEqual(t, most, time.Second, "nothing is noted in the first second")
					require.Equal(t, "settled", got.state, model)
					require.Equal(t, got.cost, got.debited, "at the last note")
					require.Positive(t, got.debited, model)
				}
				if got := state(t, rows, speaks); got.delivered {
					seen := int64(text) / 4
					require.LessOrEqual(t, got.debited, harness.TokenTariff.Cost(500, 0, int64(text)), "no more than was produced")
					require.GreaterOrEqual(t, got.debited, harness.TokenTariff.Cost(1, 0, max(1, seen-2*int64(markLag/gap))), "no less than was noted")
				}
				for request, d := range harness.Debits(t, rows) {
					require.EqualValues(t, 1, d.Entries, request)
				}
				site.Verify(t)
			})
		}
	})
}
