//go:build e2e

package sdk_test

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

var errLost = errors.New("connection reset by peer")

// once sends calls that bear an Idempotency-Key. The SDK sends none by itself,
// and repeats the one it was given when it tries again (W7).
func (f *fixture) once(t *testing.T) {
	good := f.holders["good"]
	for _, shape := range harness.Shapes {
		t.Run(shape.String()+" loses its answer", func(t *testing.T) {
			model := "tok-in120-out80-cached10-chunks4-go-once-" + shape.String()
			calls := 0
			var lost []byte
			lossy := option.WithMiddleware(func(r *http.Request, next option.MiddlewareNext) (*http.Response, error) {
				calls++
				require.Equal(t, []string{"go-" + shape.String()}, r.Header.Values("Idempotency-Key"))
				response, err := next(r)
				if err != nil || calls > 1 {
					return response, err
				}
				lost, _ = io.ReadAll(response.Body)
				_ = response.Body.Close()
				return nil, errLost
			})
			client := harness.NewClient(f.replica.BaseURL(), good.key, option.WithMaxRetries(2), option.WithHeader("Idempotency-Key", "go-"+shape.String()), lossy)
			a, err := client.Ask(t.Context(), shape, model)
			require.NoError(t, err)
			require.True(t, a.Complete)
			require.Equal(t, 2, calls)
			require.Equal(t, string(lost), string(a.Body))
			require.Equal(t, "true", a.Header.Get("Idempotency-Replayed"))
			original := a.Header.Get("X-Archibot-Original-Request-Id")
			require.NotEqual(t, original, a.Request)
			require.EqualValues(t, 1, f.site.Upstream.Stats(t).ByModel[model])
			f.requireEvent(t, "good", original, "usage.debited", "", -harness.TokenTariff.Cost(120, 10, 80))
			require.Empty(t, f.site.Activity(t, good.account, a.Request), "the second one cost nothing")
		})
	}
	t.Run("waits for a first one in progress", func(t *testing.T) {
		const model = "tok-chunks25-gap100-go-once"
		ask := func(retries int) (harness.Answer, error) {
			return harness.NewClient(f.replica.BaseURL(), good.key, option.WithMaxRetries(retries), option.WithHeader("Idempotency-Key", "go-wait")).Ask(t.Context(), harness.Shape{Stream: true}, model)
		}
		first := make(chan harness.Answer, 1)
		go func() {
			a, _ := ask(0)
			first <- a
		}()
		harness.Eventually(t, eventTime, "the first one is at work", func() error {
			if f.site.Upstream.Stats(t).ByModel[model] == 0 {
				return errors.New("it is not")
			}
			return nil
		})
		_, err := ask(0)
		var failure *openai.Error
		require.ErrorAs(t, err, &failure)
		require.Equal(t, 409, failure.StatusCode)
		require.Equal(t, "idempotency_in_progress", failure.Code)
		a, err := ask(10)
		require.NoError(t, err)
		require.Equal(t, string((<-first).Body), string(a.Body))
		require.EqualValues(t, 1, f.site.Upstream.Stats(t).ByModel[model])
	})
	t.Run("without a key the SDK sends none", func(t *testing.T) {
		watch := option.WithMiddleware(func(r *http.Request, next option.MiddlewareNext) (*http.Response, error) {
			require.Empty(t, r.Header.Values("Idempotency-Key"))
			return next(r)
		})
		for _, shape := range harness.Shapes {
			_, err := harness.NewClient(f.replica.BaseURL(), good.key, watch).Ask(t.Context(), shape, "tok-chunks4")
			require.NoError(t, err)
		}
	})
}
