//go:build e2e

package sdk_test

import (
	"errors"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

// W3, W6, W9: every shape is answered, debited once and found by its request ID.
func (f *fixture) answers(t *testing.T) {
	for _, shape := range harness.Shapes {
		t.Run(shape.String(), func(t *testing.T) {
			a, err := f.client("good").Ask(t.Context(), shape, "tok-in120-out80-cached10-chunks4")
			require.NoError(t, err)
			require.True(t, a.Complete)
			require.Equal(t, "word0 word1 word2 word3 ", a.Text)
			cost := harness.TokenTariff.Cost(120, 10, 80)
			if shape.Stream && !shape.Responses && !shape.Usage {
				require.Zero(t, a.Usage, "who did not ask for usage sees none")
				require.NotContains(t, string(a.Body), `"prompt_tokens"`)
			} else {
				require.Equal(t, harness.Usage{Input: 120, Cached: 10, Output: 80}, a.Usage)
			}
			if !shape.Stream {
				remaining := f.site.Show(t, f.holders["good"].account).Credits.Available
				require.Equal(t, strconv.FormatInt(cost, 10), a.Header.Get("X-Archibot-Credits-Debited"))
				require.Equal(t, strconv.FormatInt(remaining, 10), a.Header.Get("X-Archibot-Credits-Remaining"))
			}
			f.requireEvent(t, "good", a.Request, "usage.debited", "", -cost)
		})
	}
}

// W1: the list is what is priced, and needs no credits.
func (f *fixture) models(t *testing.T) {
	for _, role := range []string{"good", "broke"} {
		api := f.client(role).API()
		page, err := api.Models.List(t.Context())
		require.NoError(t, err)
		var ids []string
		for _, m := range page.Data {
			ids = append(ids, m.ID)
		}
		require.Equal(t, []string{harness.ListedModel}, ids)

		var head *http.Response
		m, err := api.Models.Get(t.Context(), harness.ListedModel, option.WithResponseInto(&head))
		require.NoError(t, err)
		require.NotEmpty(t, head.Header.Get("X-Request-Id"))
		require.Equal(t, harness.ListedModel, m.ID)

		_, err = api.Models.Get(t.Context(), harness.UnpricedModel)
		var failure *openai.Error
		require.ErrorAs(t, err, &failure)
		require.Equal(t, 404, failure.StatusCode)
		require.Equal(t, "model_not_found", failure.Code)
		require.NotEmpty(t, failure.Response.Header.Get("X-Request-Id"))
	}
	stranger := f.client("unknown").API()
	_, err := stranger.Models.List(t.Context())
	var failure *openai.Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, 401, failure.StatusCode)
}

// W3: each refusal is the SDK's typed error, with a request ID.
func (f *fixture) refusals(t *testing.T) {
	rows := f.site.Database.Open(t)
	for _, c := range refusals(t) {
		t.Run(c.Name, func(t *testing.T) {
			before := harness.LedgerRows(t, rows)
			for i, shape := range harness.Shapes {
				a, err := f.client(c.Key).Ask(t.Context(), shape, c.Model)
				var failure *openai.Error
				require.ErrorAs(t, err, &failure, shape)
				require.Equal(t, c.Status, failure.StatusCode, shape)
				if c.Code != nil {
					require.Equal(t, *c.Code, failure.Code, shape)
				}
				require.NotEmpty(t, failure.Message, shape)
				require.NotEmpty(t, failure.Type, shape)
				require.NotEmpty(t, a.Request, shape)
				for name, value := range c.Header {
					require.Equal(t, value, a.Header.Get(name), "%s of %s", name, shape)
				}
				require.Empty(t, a.Header.Get("X-Ratelimit-Limit-Requests"), "the upstream's limits are its own")
				require.Empty(t, a.Header.Get("Set-Cookie"))
				// G6: refusals alike within seconds are one event, the first; a
				// released hold is one each.
				if c.Event == "usage.released" || c.Event != "" && i == 0 {
					f.requireEvent(t, c.Key, a.Request, c.Event, c.Reason, 0)
				}
			}
			// L6: refused here leaves no row; refused by the upstream leaves a
			// released hold.
			after := harness.LedgerRows(t, rows)
			if c.Event == "usage.released" {
				before.Holds += int64(len(harness.Shapes))
			}
			require.Equal(t, before, after)
		})
	}
	require.Equal(t, f.undebited(t), f.site.Show(t, f.holders["good"].account).Credits.Available)
}

// undebited is what the good account must have left: its grant less its debits.
func (f *fixture) undebited(t *testing.T) int64 {
	t.Helper()
	left := grant
	for _, e := range f.site.Activity(t, f.holders["good"].account, "") {
		if e.Kind == "usage.debited" {
			left += e.Amount
		}
	}
	return left
}

// A refusal for want of credits must not be tried again by an SDK that retries.
func (f *fixture) retries(t *testing.T) {
	for _, c := range []struct {
		name, key, model string
		calls            int
	}{
		{"no credits: not at all", "broke", "req", 1},
		{"no budget: not at all", "budget", "req", 1},
		{"upstream 500: as the SDK does by default", "good", "tok-err500", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls := 0
			count := option.WithMiddleware(func(r *http.Request, next option.MiddlewareNext) (*http.Response, error) {
				calls++
				return next(r)
			})
			client := harness.NewClient(f.replica.BaseURL(), f.holders[c.key].key, option.WithMaxRetries(2), count)
			_, err := client.Ask(t.Context(), harness.Shape{}, c.model)
			require.Error(t, err)
			require.Equal(t, c.calls, calls)
		})
	}
}

// A key under a rate learns where it stands from every answer, and an SDK that
// is told to wait waits, and gets in.
func (f *fixture) rate(t *testing.T) {
	var heads []http.Header
	watch := option.WithMiddleware(func(r *http.Request, next option.MiddlewareNext) (*http.Response, error) {
		res, err := next(r)
		if err == nil {
			heads = append(heads, res.Header)
		}
		return res, err
	})
	client := harness.NewClient(f.replica.BaseURL(), f.holders["rated"].key, option.WithMaxRetries(2), watch)
	for i := 0; ; i++ {
		require.Less(t, i, 200, "the rate was never reached")
		heads = nil
		a, err := client.Ask(t.Context(), harness.Shapes[i%len(harness.Shapes)], "tok")
		require.NoError(t, err)
		require.True(t, a.Complete)
		for _, h := range heads {
			require.Equal(t, "20", h.Get("X-Ratelimit-Limit-Requests"))
			require.Equal(t, "1000000", h.Get("X-Ratelimit-Limit-Tokens"))
			for _, name := range []string{"X-Ratelimit-Remaining-Requests", "X-Ratelimit-Remaining-Tokens"} {
				_, err := strconv.ParseInt(h.Get(name), 10, 64)
				require.NoError(t, err, name)
			}
			for _, name := range []string{"X-Ratelimit-Reset-Requests", "X-Ratelimit-Reset-Tokens"} {
				_, err := time.ParseDuration(h.Get(name))
				require.NoError(t, err, name)
			}
		}
		if len(heads) > 1 {
			break
		}
	}
	refused := heads[0]
	require.Equal(t, "0", refused.Get("X-Ratelimit-Remaining-Requests"))
	require.Equal(t, "true", refused.Get("X-Should-Retry"))
	wait, err := strconv.Atoi(refused.Get("Retry-After"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, wait, 1)
	require.LessOrEqual(t, wait, 3, "one of twenty a minute flows back in three seconds")
	f.requireEvent(t, "rated", refused.Get("X-Request-Id"), "gate.denied", "rate_limited", 0)
}

// A stream that breaks off is an error, never a clean end (HOTPATH 17), and
// what was delivered is paid for; a JSON answer that breaks off costs nothing.
func (f *fixture) cut(t *testing.T) {
	for _, model := range []string{"tok-gap20-cut", "tok-gap20-reset", "tok-gap20-nodone"} {
		for _, shape := range harness.Shapes {
			if model == "tok-gap20-nodone" && !shape.Stream {
				continue // such a JSON answer is whole
			}
			t.Run(model+" "+shape.String(), func(t *testing.T) {
				a, err := f.client("good").Ask(t.Context(), shape, model)
				require.Error(t, err)
				require.False(t, a.Complete)
				require.NotEmpty(t, a.Request)
				if !shape.Stream {
					var failure *openai.Error
					require.ErrorAs(t, err, &failure)
					require.Equal(t, 502, failure.StatusCode)
					f.requireEvent(t, "good", a.Request, "usage.released", "", 0)
					return
				}
				require.NotEmpty(t, a.Text, "what came before the cut is delivered")
				require.NotContains(t, string(a.Body), "[DONE]")
				require.NotContains(t, string(a.Body), "response.completed")
				var broken *ssestream.StreamError
				require.ErrorAs(t, err, &broken)
				events := f.site.Activity(t, f.holders["good"].account, a.Request)
				require.Len(t, events, 1)
				require.Equal(t, "usage.debited", events[0].Kind)
				require.Negative(t, events[0].Amount)
			})
		}
	}
}

// requireEvent finds the one event of a request in its owner's activity.
func (f *fixture) requireEvent(t *testing.T, role, request, kind, reason string, amount int64) {
	t.Helper()
	var found []harness.Event
	harness.Eventually(t, eventTime, "the event of "+request+" is in Activity", func() error {
		if found = f.site.Activity(t, f.holders[role].account, request); len(found) == 0 {
			return errors.New("there is none")
		}
		return nil
	})
	require.Len(t, found, 1)
	require.Equal(t, kind, found[0].Kind)
	require.Equal(t, request, found[0].Request)
	require.Equal(t, amount, found[0].Amount)
	if reason != "" {
		require.Equal(t, reason, found[0].Reason)
	}
}
