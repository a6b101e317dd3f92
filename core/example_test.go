package core_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/archibot/archibotchat/adapters/demoupstream"
	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/accounts"
	"github.com/archibot/archibotchat/core/app/keyring"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/core/pricing"
	"github.com/archibot/archibotchat/hosts/gateway"
)

// prices is a price source of the embedder's own.
type prices struct{}

func (prices) Book(context.Context) (pricing.Book, error) {
	return pricing.NewBook([]pricing.Edition{{Effective: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Models: []pricing.Model{{
		ID: "demo-small", Price: pricing.Price{PerRequest: 100 * 1_000_000, MaxOutputTokens: 4096}, // 100 microcredits a request
	}}}})
}

// An embedder brings a store, an upstream, prices and the machine's clock, and
// gets use cases and a handler for /v1.
func Example() {
	if err := embed(); err != nil {
		fmt.Println(err)
	}
	// Output: 200 OK, 100 microcredits debited, 999900 left
}

func embed() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()

	ids := system.NewIDs(system.Now)
	store, err := sqlstore.Open(ctx, sqlstore.Config{URL: "sqlite:" + filepath.Join(dir, "example.db"), NewID: ids.New, Now: system.Now})
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	if err := store.Migrate(ctx); err != nil {
		return err
	}
	peppers, err := keys.ParsePeppers("v1:" + strings.Repeat("secret--", 4))
	if err != nil {
		return err
	}
	private, _, err := note.GenerateKey(rand.Reader, "example") // keep it: it signs the evidence
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	app, err := core.New(ctx, core.Deps{
		Store: store, Upstream: demoupstream.New(demoupstream.Config{}), Prices: prices{}, Peppers: peppers,
		Areas: access.NewGroups(access.GroupAPI), Boundary: gates.BoundaryNotRequired,
		Environment: "example", Sign: func(text string) ([]byte, error) { return note.Sign(&note.Note{Text: text}, signer) },
		Now: system.Now, NewID: ids.New, Entropy: system.Entropy, Log: log,
	})
	if err != nil {
		return err
	}
	stopped := make(chan error, 1)
	go func() { stopped <- app.Run(ctx) }()

	token, err := customer(ctx, app)
	if err != nil {
		return err
	}
	server := httptest.NewServer(gateway.New(gateway.Config{Admit: app.Admit, Models: app.Models, Relay: app.Relay, Memory: app.Memory, NewID: ids.New, Log: log}))
	err = ask(ctx, server.URL, token)
	server.Close() // hosts first, then the core
	cancel()
	if ended := <-stopped; err == nil {
		err = ended
	}
	return err
}

// customer opens an account with a credit and returns a key of it.
func customer(ctx context.Context, app *core.App) (keys.Token, error) {
	ctx = access.WithPrincipal(ctx, access.Principal{Kind: access.PrincipalOperator, ID: "pat"})
	a, err := app.Accounts.Create(ctx, accounts.Draft{Name: "Example Ltd", Groups: access.NewGroups(access.GroupAPI), Billing: billing.OperatorApproved, Credits: ledger.Credit})
	if err != nil {
		return keys.Token{}, err
	}
	_, token, err := app.Keyring.Create(ctx, keyring.Draft{Account: a.ID, Name: "first"})
	for err == nil && app.Ready(ctx) != nil {
		select { // Run has only just begun
		case <-ctx.Done():
			err = ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	return token, err
}

func ask(ctx context.Context, url string, token keys.Token) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/chat/completions",
		strings.NewReader(`{"model":"demo-small","messages":[{"role":"user","content":"Hello"}]}`))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token.Reveal())
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	fmt.Printf("%s, %s microcredits debited, %s left\n", res.Status, res.Header.Get("X-Archibot-Credits-Debited"), res.Header.Get("X-Archibot-Credits-Remaining"))
	_, err = io.Copy(io.Discard, res.Body)
	return err
}
