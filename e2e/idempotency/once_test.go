//go:build e2e

// Package idempotency_test sends requests twice, many times, to several servers
// and across their deaths, under one Idempotency-Key (W7, HOTPATH 18): one
// debit, one answer, and no work upstream once that was had.
package idempotency_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const grant = 1_000 * harness.Credit

// named returns a client whose requests all bear a key.
func named(baseURL, apiKey, name string) *harness.Client {
	return harness.NewClient(baseURL, apiKey, option.WithHeader("Idempotency-Key", name))
}

// replayed reports whether an answer is one that was given before.
func replayed(a harness.Answer) bool { return a.Header.Get("Idempotency-Replayed") == "true" }

// refusal returns the status and code of the SDK's error, 0 if it is another.
func refusal(err error) (status int, code string) {
	var failure *openai.Error
	if !errors.As(err, &failure) {
		return 0, ""
	}
	return failure.StatusCode, failure.Code
}

// *100 parallel over two replicas → one upstream call.*
func TestHundred(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, harness.NewPostgres(t), harness.Options{})
	account := site.Account(t, harness.NewAccount{Credits: grant})
	key := site.Key(t, account.ID).Key
	replicas := []*harness.Replica{site.Start(t), site.Start(t)}
	rows := site.Database.Open(t)

	for _, shape := range harness.Shapes {
		t.Run(shape.String(), func(t *testing.T) {
			model := "tok-in120-out80-cached10-chunks4-delay400-" + shape.String()
			type end struct {
				answer harness.Answer
				err    error
			}
			ends := make([]end, 100)
			harness.Parallel(len(ends), len(ends), func(i int) {
				c := named(replicas[i%2].BaseURL(), key, "n-"+shape.String())
				ends[i].answer, ends[i].err = c.Ask(t.Context(), shape, model)
			})
			var first harness.Answer
			inProgress, again := 0, 0
			for _, e := range ends {
				switch {
				case e.err == nil && !replayed(e.answer):
					require.Empty(t, first.Request, "two were run")
					first = e.answer
				case e.err == nil:
					again++
				default:
					status, code := refusal(e.err)
					require.Equal(t, 409, status, "%v", e.err)
					require.Equal(t, "idempotency_in_progress", code)
					require.NotEmpty(t, e.answer.Header.Get("Retry-After"))
					inProgress++
				}
			}
			require.True(t, first.Complete)
			require.Equal(t, 99, inProgress+again)
			for _, e := range ends {
				if e.err == nil {
					require.Equal(t, string(first.Body), string(e.answer.Body))
				}
			}
			for _, r := range replicas {
				a, err := named(r.BaseURL(), key, "n-"+shape.String()).Ask(t.Context(), shape, model)
				require.NoError(t, err)
				require.True(t, replayed(a))
				require.Equal(t, string(first.Body), string(a.Body))
				require.Equal(t, first.Request, a.Header.Get("X-Archibot-Original-Request-Id"))
				_, err = named(r.BaseURL(), key, "n-"+shape.String()).Ask(t.Context(), shape, model+"-other")
				status, code := refusal(err)
				require.Equal(t, 422, status)
				require.Equal(t, "idempotency_key_reused", code)
			}
			require.EqualValues(t, 1, site.Upstream.Stats(t).ByModel[model])
			cost := harness.TokenTariff.Cost(120, 10, 80)
			require.Equal(t, harness.Debit{Request: first.Request, Entries: 1, Amount: cost}, harness.Debits(t, rows)[first.Request])
			require.EqualValues(t, 1, harness.Count(t, rows, "holds", "model = $1", model))
			t.Logf("%d in progress, %d given again", inProgress, again)
		})
	}
	require.Len(t, harness.Debits(t, rows), len(harness.Shapes))
	site.Verify(t)
}

// Neither key nor request nor answer can be read from the database.
func TestUnreadable(t *testing.T) {
	harness.Each(t, func(t *testing.T, db harness.Database) {
		site := harness.NewSite(t, db, harness.Options{})
		account := site.Account(t, harness.NewAccount{Credits: grant})
		key := site.Key(t, account.ID).Key
		r := site.Start(t)
		const name = "canary-name-0b7e"
		for _, shape := range harness.Shapes {
			a, err := named(r.BaseURL(), key, name+shape.String()).Ask(t.Context(), shape, "tok-chunks4")
			require.NoError(t, err)
			require.Equal(t, "word0 word1 word2 word3 ", a.Text)
		}
		rows := db.Open(t)
		require.EqualValues(t, len(harness.Shapes), harness.Count(t, rows, "idempotency", "kept = 'whole'"))
		require.EqualValues(t, len(harness.Shapes), harness.Count(t, rows, "idempotency_outcomes", ""))
		seen := false
		for place, content := range db.Dump(t) {
			text := string(content)
			seen = seen || strings.Contains(text, account.ID)
			for _, needle := range []string{name, "word0", "Say a few words", `"choices"`, `"object"`} {
				require.Negative(t, strings.Index(text, needle), "%s in %s", needle, place)
			}
		}
		require.True(t, seen, "the dump holds what is there")
	})
}
