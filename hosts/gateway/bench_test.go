package gateway_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/openaiupstream"
	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/admit"
	"github.com/archibot/archibotchat/core/app/models"
	"github.com/archibot/archibotchat/core/app/relay"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/core/pricing"
	"github.com/archibot/archibotchat/hosts/gateway"
	"github.com/archibot/archibotchat/ports/store"
)

// noLedger books nothing, so that the rest of the path shows.
type noLedger struct{ relay.Ledger }

func (noLedger) Work(ctx context.Context, _ ledger.Hold) (context.Context, context.CancelCauseFunc) {
	return context.WithCancelCause(context.WithoutCancel(ctx))
}

// Begin lets all work start at once; its hold never comes before its end.
func (noLedger) Begin(op ledger.Op, _ bool) (ledger.Hold, bool) {
	return ledger.Hold{Account: op.Account, Request: op.Request, Amount: op.Amount}, true
}

func (noLedger) Hold(op ledger.Op) (ledger.Outcome, error) {
	return ledger.Outcome{Hold: ledger.Hold{Account: op.Account, Request: op.Request, Amount: op.Amount}}, nil
}

func (noLedger) Hasten(ledger.Hold)         {}
func (noLedger) Confirmed(ledger.Hold) bool { return false }

func (noLedger) Confirm(h ledger.Hold) (ledger.Outcome, error) { return ledger.Outcome{Hold: h}, nil }

func (noLedger) Settle(_ ledger.Hold, amount int64, _ ledger.Usage, _ string) (ledger.Outcome, error) {
	return ledger.Outcome{Debited: amount, Available: granted}, nil
}

func (l noLedger) SettleOrRelease(h ledger.Hold, amount int64, u ledger.Usage, reason string) (ledger.Outcome, error) {
	return l.Settle(h, amount, u, reason)
}

func (noLedger) Refused(audit.Event)                 {}
func (noLedger) RefusedFrom(audit.Event, netip.Addr) {}

// farSide answers every request on a connection with the same bytes, with as
// little work as it takes.
func farSide(b *testing.B, answer []byte) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	b.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				buf := make([]byte, 16<<10)
				for {
					if _, err := c.Read(buf); err != nil { // a request comes in one piece here
						return
					}
					if _, err := c.Write(answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// fixed are prices that never change.
type fixed pricing.Edition

func (f fixed) InForce() (pricing.Edition, error) { return pricing.Edition(f), nil }

func (f fixed) Known() pricing.Edition { return pricing.Edition(f) }

// bench measures requests through a gateway that books nothing: what the HTTP
// in, the admission, the scan, the call upstream and the answer out cost.
func bench(b *testing.B, body string, answer []byte, end string) {
	b.Helper()
	ids := system.NewIDs(system.Now)
	db, err := sqlstore.Open(b.Context(), sqlstore.Config{URL: blank.SQLite(b, filepath.Join(b.TempDir(), "test.db")), NewID: ids.New, Now: system.Now})
	require.NoError(b, err)
	defer func() { _ = db.Close() }()
	require.NoError(b, db.Migrate(b.Context()))
	now := system.Now()
	require.NoError(b, db.Accounts().Create(b.Context(), store.Account{Billing: billing.Active, Account: access.Account{
		ID: account, Name: "Bench", Status: access.StatusActive, Groups: access.NewGroups(access.GroupAPI), CreatedAt: now, UpdatedAt: now,
	}}))
	peppers, err := keys.ParsePeppers("v1:" + strings.Repeat("p", 32))
	require.NoError(b, err)
	token := keys.Mint([32]byte{1})
	require.NoError(b, db.Keys().Create(b.Context(), keys.Key{
		ID: "key_1", Account: account, Name: "bench", Digest: peppers[0].Digest(token), Pepper: "v1", Scopes: keys.AllScopes, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
	}))
	up, err := openaiupstream.New(openaiupstream.Config{Name: "far", BaseURL: farSide(b, answer) + "/v1", Key: upstreamKey})
	require.NoError(b, err)
	defer up.Close()
	prices, err := pricing.NewBook([]pricing.Edition{{Effective: time.Unix(1, 0), Models: []pricing.Model{{ID: "test", Price: pricing.Price{PerInput: 1, PerOutput: 2, MaxOutputTokens: 1000}}}}})
	require.NoError(b, err)

	log := slog.New(slog.DiscardHandler)
	door := admit.New(admit.Deps{Store: db, Peppers: peppers, Enabled: access.NewGroups(access.GroupAPI), Boundary: gates.BoundaryNotRequired, Recorder: noLedger{}, Now: system.Now})
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- door.Run(ctx, log) }()
	defer func() {
		cancel()
		require.NoError(b, <-ended)
	}()
	memory := relay.NewMemory(1 << 30)
	g := gateway.New(gateway.Config{
		Admit: door, Models: models.New(models.Deps{Upstream: up, Prices: fixed(prices.Editions()[0]), Now: system.Now, Log: log}), Memory: memory, NewID: ids.New, Log: log,
		Relay: relay.New(relay.Deps{Ledger: noLedger{}, Upstream: up, Recorder: noLedger{}, Memory: memory, Now: system.Now, Log: log}),
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	srv := &http.Server{Handler: g, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = srv.Serve(l) }()
	defer func() { _ = srv.Close() }()

	request := fmt.Appendf(nil, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		token.Reveal(), len(body), body)
	b.ReportAllocs()
	b.SetParallelism(16)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			b.Error(err)
			return
		}
		defer func() { _ = c.Close() }()
		buf := make([]byte, 64<<10)
		for p.Next() {
			if _, err := c.Write(request); err != nil {
				b.Error(err)
				return
			}
			n := 0
			for !bytes.HasSuffix(buf[:n], []byte(end)) {
				m, err := c.Read(buf[n:])
				if n += m; err != nil {
					b.Errorf("%v after %q", err, buf[:n])
					return
				}
			}
			if !bytes.HasPrefix(buf[:n], []byte("HTTP/1.1 200 ")) {
				b.Errorf("%q", buf[:n])
				return
			}
		}
	})
	b.StopTimer()
}

const benchUsage = `"usage":{"prompt_tokens":120,"completion_tokens":80,"total_tokens":200,"prompt_tokens_details":{"cached_tokens":0}}}`

func benchBody(more string) string {
	return `{"model":"test",` + more + `"max_tokens":200,"messages":[{"role":"user","content":"` + strings.Repeat("Summarise this paragraph and keep every number exact. ", 10) + `"}]}`
}

func BenchmarkGateway_json(b *testing.B) {
	answer := `{"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"bench","choices":[{"index":0,"message":{"role":"assistant","content":"` +
		strings.Repeat("All figures were kept exact. ", 25) + `","refusal":null},"logprobs":null,"finish_reason":"stop"}],` + benchUsage
	bench(b, benchBody(""), fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\nOpenai-Processing-Ms: 12\r\nOpenai-Version: 2020-10-01\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer), answer[len(answer)-20:])
}

func BenchmarkGateway_stream(b *testing.B) {
	const head = `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench",`
	var answer bytes.Buffer
	answer.WriteString("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\nTransfer-Encoding: chunked\r\n\r\n")
	part := func(text string) { fmt.Fprintf(&answer, "%x\r\n%s\r\n", len(text), text) }
	for i := range 20 {
		part(fmt.Sprintf(`%s"choices":[{"index":0,"delta":{"content":"word%d "},"finish_reason":null}],"usage":null}`+"\n\n", head, i))
	}
	part(head + `"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}` + "\n\n")
	part(head + `"choices":[],` + benchUsage + "\n\n")
	part("data: [DONE]\n\n")
	answer.WriteString("0\r\n\r\n")
	bench(b, benchBody(`"stream":true,"stream_options":{"include_usage":true},`), answer.Bytes(), "data: [DONE]\n\n\r\n0\r\n\r\n")
}
