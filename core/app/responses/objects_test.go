package responses_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/relay"
	"github.com/archibot/archibotchat/core/app/responses"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/pricing"
	port "github.com/archibot/archibotchat/ports/inference"
	"github.com/archibot/archibotchat/ports/store"
)

var verbs = []port.Verb{port.Retrieve, port.Delete, port.Cancel, port.InputItems}

const kept = `{"id":"resp_1","object":"response","status":"completed"}`

func (b *bench) ask(account string, verb port.Verb, id string) (string, error) {
	b.t.Helper()
	a, err := b.Do(b.by(account), access.AreaAPI, port.ObjectCall{Verb: verb, ID: id})
	defer a.Give()
	if err != nil {
		require.Empty(b.t, a)
	}
	return string(a.Body), err
}

func TestService_Do(t *testing.T) { // W4
	inBubble(t, func(b *bench) {
		b.claimed("resp_1", 30)
		b.up.answer = says(kept)
		for _, verb := range []port.Verb{port.Retrieve, port.Cancel, port.InputItems} {
			a, err := b.Do(b.by(account), access.AreaAPI, port.ObjectCall{Verb: verb, ID: "resp_1", Keeper: "another", RequestID: "x", Include: []string{"a.b"}})
			require.NoError(b.t, err)
			require.Equal(b.t, kept, string(a.Body))
			require.Equal(b.t, []port.Header{{Name: "Openai-Version", Value: "1"}}, a.Headers)
			a.Give()
			last := b.up.calls[len(b.up.calls)-1]
			require.Equal(b.t, port.ObjectCall{Verb: verb, ID: "resp_1", Keeper: "test", RequestID: "req_asks", Include: []string{"a.b"}}, last)
		}
	})
}

// An ID that is not the account's own is one and the same error, and no upstream
// is asked.
func TestService_Do_notOwned(t *testing.T) { // W4
	inBubble(t, func(b *bench) {
		b.up.answer = says(kept)
		b.claimed("resp_1", 30)
		b.claimed("resp_gone", 30)
		_, err := b.db.Store.Responses().Delete(b.t.Context(), account, "resp_gone")
		require.NoError(b.t, err)
		for _, verb := range verbs {
			for _, c := range []struct{ account, id string }{
				{"acct_2", "resp_1"},
				{account, "resp_none"},
				{account, "resp_gone"},
				{account, ""},
				{account, ".."},
				{account, "resp_1/../x"},
				{account, "%2e%2e"},
				{account, strings.Repeat("r", 300)},
				{account, "resp_1\x00"},
				{"", "resp_1"},
				{account, "RESP_1"},
			} {
				_, err := b.ask(c.account, verb, c.id)
				require.Equal(b.t, store.ErrNotFound, err, c)
			}
		}
		require.Empty(b.t, b.up.calls)
		for _, id := range []string{"resp_gone", "resp_none", "", ".."} {
			_, _, err := b.Previous(b.t.Context(), account, id, pricing.Quote{})
			require.Equal(b.t, store.ErrNotFound, err)
		}
		_, _, err = b.Previous(b.t.Context(), "acct_2", "resp_1", pricing.Quote{})
		require.Equal(b.t, store.ErrNotFound, err)
	})
}

// What an upstream wrote after the answer was cut here was not paid for.
func TestService_Do_unfinished(t *testing.T) { // L9
	inBubble(t, func(b *bench) {
		b.up.answer = says(kept)
		require.NoError(b.t, b.Claim(b.t.Context(), response("resp_1")))
		_, err := b.ask(account, port.Retrieve, "resp_1")
		require.ErrorIs(b.t, err, responses.ErrUnfinished)
		require.Empty(b.t, b.up.calls)
		for _, verb := range []port.Verb{port.Cancel, port.InputItems, port.Delete} {
			_, err := b.ask(account, verb, "resp_1")
			require.NoError(b.t, err, verb)
		}
	})
}

// A deletion is noted once the upstream has said so, with its event.
func TestService_Do_delete(t *testing.T) { // U1
	notFound := &port.Refusal{Status: http.StatusNotFound, Message: "x"}
	for name, c := range map[string]struct {
		answer  func(context.Context, *port.ObjectCall) (*port.Response, error)
		deleted bool
		code    string
	}{
		"confirmed":            {says(`{"deleted":true}`), true, ""},
		"confirmed by nothing": {says(""), true, ""},
		"gone already":         {fails(notFound), true, ""},
		"kept elsewhere":       {fails(port.NotKept()), false, "upstream_unavailable"},
		"refused":              {fails(&port.Refusal{Status: 500}), false, "refused"},
		"unreachable":          {fails(fault.New(fault.BadUpstream, "upstream_unavailable", "x")), false, "upstream_unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				b.claimed("resp_1", 30)
				b.up.answer = c.answer
				body, err := b.ask(account, port.Delete, "resp_1")
				r, lookErr := b.db.Store.Responses().Get(b.t.Context(), account, "resp_1")
				require.NoError(b.t, lookErr)
				require.Equal(b.t, c.deleted, !r.DeletedAt.IsZero())
				es, listErr := b.db.Events().List(b.t.Context(), store.EventQuery{Account: account})
				require.NoError(b.t, listErr)
				if !c.deleted {
					var refusal *port.Refusal
					require.True(b.t, errors.As(err, &refusal) || fault.CodeOf(err) == c.code, err)
					require.Empty(b.t, es)
					return
				}
				require.NoError(b.t, err)
				require.JSONEq(b.t, `{"id":"resp_1","object":"response","deleted":true}`, body)
				require.Len(b.t, es, 1)
				require.Equal(b.t, audit.ResponseDeleted, es[0].Kind)
				require.Equal(b.t, audit.Actor{Kind: audit.ActorKey, ID: "key_1"}, es[0].Actor)
				require.Equal(b.t, []string{"req_asks", "key_1", "resp_1", "api", "m"}, []string{es[0].Request, es[0].Key, es[0].Subject, es[0].Area, es[0].Model})
				_, err = b.ask(account, port.Delete, "resp_1")
				require.Equal(b.t, store.ErrNotFound, err)
				require.Len(b.t, b.up.calls, 1)
			})
		})
	}
}

// A client that leaves once its response was deleted upstream leaves a mark.
func TestService_Do_delete_clientGone(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.claimed("resp_1", 30)
		ctx, leave := context.WithCancel(b.by(account))
		b.up.answer = func(context.Context, *port.ObjectCall) (*port.Response, error) {
			leave()
			return says("{}")(ctx, nil)
		}
		_, err := b.Do(ctx, access.AreaAPI, port.ObjectCall{Verb: port.Delete, ID: "resp_1"})
		require.NoError(b.t, err)
		_, err = b.ask(account, port.Retrieve, "resp_1")
		require.Equal(b.t, store.ErrNotFound, err)
	})
}

func TestService_Do_fails(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(context.Context, *port.ObjectCall) (*port.Response, error)
		code   string
	}{
		"another's answer": {says(`{"id":"resp_2"}`), "upstream_invalid"},
		"no ID":            {says(`{}`), "upstream_invalid"},
		"cut":              {says(kept[:20]), "upstream_invalid"},
		"a list":           {says(`[]`), "upstream_invalid"},
		"empty":            {says(``), "upstream_invalid"},
		"too large":        {says(`{"id":"resp_1","x":"` + strings.Repeat("x", 64<<10) + `"}`), "upstream_invalid"},
		"kept no more":     {fails(&port.Refusal{Status: http.StatusNotFound, Message: "resp_1 not found"}), "not_found"},
		"kept elsewhere":   {fails(port.NotKept()), "upstream_unavailable"},
		"timeout":          {fails(fault.New(fault.Timeout, "upstream_timeout", "x")), "upstream_timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				b.claimed("resp_1", 30)
				b.up.answer = c.answer
				_, err := b.ask(account, port.Retrieve, "resp_1")
				require.Equal(b.t, c.code, fault.CodeOf(err))
			})
		})
	}
	t.Run("refused", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			b.claimed("resp_1", 30)
			want := &port.Refusal{Status: http.StatusTooManyRequests}
			b.up.answer = fails(want)
			_, err := b.ask(account, port.Retrieve, "resp_1")
			require.ErrorIs(b.t, err, want)
		})
	})
	t.Run("no memory", func(t *testing.T) { // W10
		inBubble(t, func(b *bench) {
			b.claimed("resp_1", 30)
			require.NoError(b.t, b.memory.Take(1<<20-5000))
			b.up.answer = says(`{"id":"resp_1","x":"` + strings.Repeat("x", 30<<10) + `"}`)
			_, err := b.ask(account, port.Retrieve, "resp_1")
			require.ErrorIs(b.t, err, relay.ErrMemory)
			b.memory.Give(1<<20 - 5000)
		})
	})
	t.Run("hangs", func(t *testing.T) { // W10
		inBubble(t, func(b *bench) {
			b.claimed("resp_1", 30)
			b.up.answer = func(ctx context.Context, _ *port.ObjectCall) (*port.Response, error) {
				return &port.Response{Body: hung{ctx}}, nil
			}
			took := elapsed(func() {
				_, err := b.ask(account, port.Retrieve, "resp_1")
				require.Equal(b.t, "upstream_timeout", fault.CodeOf(err))
			})
			require.Equal(b.t, 2*time.Minute, took)
			ctx, cancel := context.WithTimeout(b.by(account), time.Second)
			defer cancel()
			_, err := b.Do(ctx, access.AreaAPI, port.ObjectCall{Verb: port.Retrieve, ID: "resp_1"})
			require.Equal(b.t, fault.Canceled, fault.KindOf(err))
		})
	})
}

// hung is a body that does not come.
type hung struct{ ctx context.Context }

func (h hung) Read([]byte) (int, error) {
	<-h.ctx.Done()
	return 0, h.ctx.Err()
}

func (h hung) Close() error { return nil }

var _ io.ReadCloser = hung{}

// The bound of what an earlier response adds.
func TestService_Previous(t *testing.T) { // HOTPATH 10
	inBubble(t, func(b *bench) {
		b.claimed("resp_known", 1000)
		b.claimed("resp_huge", math.MaxInt64)
		b.claimed("resp_uncounted", 0)
		require.NoError(b.t, b.Claim(b.t.Context(), response("resp_cut")))
		quote := func(model string, most int64) pricing.Quote {
			return pricing.Quote{Model: model, Price: pricing.Price{InputTokens: most}}
		}
		for _, c := range []struct {
			id    string
			quote pricing.Quote
			want  int64
		}{
			{"resp_known", quote("m", 0), 1000},
			{"resp_known", quote("m", 128_000), 1000},
			{"resp_known", quote("m", 500), 500},
			{"resp_known", quote("another", 0), 4000},
			{"resp_known", quote("another", 3000), 3000},
			{"resp_huge", quote("another", 0), math.MaxInt64 / 4 * 4},
			{"resp_uncounted", quote("m", 128_000), 128_000},
			{"resp_uncounted", quote("m", 0), -1},
			{"resp_cut", quote("m", 128_000), 128_000},
			{"resp_cut", quote("m", 0), -1},
		} {
			keeper, tokens, err := b.Previous(b.t.Context(), account, c.id, c.quote)
			if c.want < 0 {
				require.ErrorIs(b.t, err, responses.ErrUnbounded)
				continue
			}
			require.NoError(b.t, err)
			require.Equal(b.t, "test", keeper)
			require.Equal(b.t, c.want, tokens, c)
		}
	})
}
