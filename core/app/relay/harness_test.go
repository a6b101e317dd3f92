package relay_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/relay"
	"github.com/archibot/archibotchat/core/app/spend"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/idempotency"
	"github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/core/pricing"
	port "github.com/archibot/archibotchat/ports/inference"
	"github.com/archibot/archibotchat/ports/store"
)

const (
	account = "acct_test"
	granted = 1_000_000
	little  = 4 << 20  // bytes of memory
	plenty  = 16 << 20 // enough to keep the largest answers
)

// edge is the database as the replica reaches it; commit may delay or fail a
// batch before it is passed on.
type edge struct {
	store.Store
	mu     sync.Mutex
	commit func(ctx context.Context, ops []ledger.Op) error
	// unkept fails the recording of answers.
	unkept error
}

func (e *edge) Idempotency() store.Idempotency { return edgeOfAnswers{e.Store.Idempotency(), e} }

type edgeOfAnswers struct {
	store.Idempotency
	of *edge
}

func (e edgeOfAnswers) Record(ctx context.Context, o store.SealedOutcome) error {
	if e.of.unkept != nil {
		return e.of.unkept
	}
	return e.Idempotency.Record(ctx, o)
}

func (e *edge) on(commit func(ctx context.Context, ops []ledger.Op) error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.commit = commit
}

// stall makes commits that hold an op of kind wait.
func (e *edge) stall(kind ledger.OpKind) (proceed func()) {
	gate := make(chan struct{})
	e.on(func(ctx context.Context, ops []ledger.Op) error {
		for _, op := range ops {
			if op.Kind == kind {
				select {
				case <-gate:
				case <-ctx.Done():
					return store.ErrUnavailable
				}
			}
		}
		return nil
	})
	return func() { close(gate) }
}

func (e *edge) TryCommit(ctx context.Context, by store.Replica, ops []ledger.Op, patience time.Duration) ([]ledger.Outcome, error) {
	e.mu.Lock()
	commit := e.commit
	e.mu.Unlock()
	if commit != nil {
		if err := commit(ctx, ops); err != nil {
			return nil, err
		}
	}
	return e.Store.TryCommit(ctx, by, ops, patience)
}

// bench is a relay over a real ledger, in a bubble of fake time.
type bench struct {
	t       *testing.T
	db      *edge
	ids     *system.IDs
	up      *upstream
	memory  *relay.Memory
	relay   *relay.Relay
	deps    relay.Deps
	owner   owner
	secrets *idempotency.Secrets
	// context is what the upstream adds to the next request.
	context int64
	price   pricing.Price
	job     func(j *relay.Job) // changes jobs before they are sent

	mu      sync.Mutex
	refused []audit.Event
}

func (b *bench) Refused(e audit.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused = append(b.refused, e)
}

// inBubble runs a test; when it is over nothing may be held, in memory or in
// the ledger, and no goroutine may be left.
func inBubble(t *testing.T, test func(b *bench)) {
	t.Helper()
	inBubbleOf(t, little, test)
}

// inBubbleOf is inBubble with so much memory.
func inBubbleOf(t *testing.T, memory int64, test func(b *bench)) {
	t.Helper()
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{
			t: t, ids: system.NewIDs(system.Now), up: &upstream{t: t}, memory: relay.NewMemory(memory),
			price: pricing.Price{PerInput: 1_000_000, PerOutput: 2_000_000, MaxOutputTokens: 1000},
		}
		db, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: blank.SQLite(t, filepath.Join(dir, "test.db")), NewID: b.ids.New, Now: system.Now})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		require.NoError(t, db.Migrate(t.Context()))
		now := system.Now()
		require.NoError(t, db.Accounts().Create(t.Context(), store.Account{
			Billing: billing.Active,
			Account: access.Account{ID: account, Name: "Test", Status: access.StatusActive, CreatedAt: now, UpdatedAt: now},
		}))
		_, err = db.Commit(t.Context(), store.Replica{}, []ledger.Op{{Kind: ledger.OpGrant, Account: account, Lot: "lot_1", Amount: granted, Source: ledger.SourceOperator}})
		require.NoError(t, err)
		b.db = &edge{Store: db}

		peppers, err := keys.ParsePeppers("v1:" + strings.Repeat("p", 32))
		require.NoError(t, err)
		b.secrets = idempotency.NewSecrets(peppers)

		log := slog.New(slog.DiscardHandler)
		writer := spend.New(spend.Deps{Store: b.db, NewID: b.ids.New, Now: system.Now, Log: log})
		b.deps = relay.Deps{
			Ledger: writer, Upstream: b.up, Recorder: b, Owner: &b.owner, Memory: b.memory, Now: system.Now, Log: log,
			Outcomes: b.db.Idempotency(), Secrets: b.secrets, Entropy: system.Entropy,
		}
		b.relay = relay.New(b.deps)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- writer.Run(ctx) }()
		synctest.Wait()
		require.True(t, writer.Ready())

		test(b)

		b.db.on(nil)
		time.Sleep(30 * time.Second) // whatever is still queued
		cancel()
		require.NoError(t, <-ended)
		require.Zero(t, b.memory.Used(), "the memory budget") // W10
		require.Zero(t, b.up.open(), "answers left open")
		require.Zero(t, b.balance().Held, "credits left aside") // L4
	})
}

// within has the relay keep other limits from now on.
func (b *bench) within(l relay.Limits) {
	b.deps.Limits = l
	b.relay = relay.New(b.deps)
}

func (b *bench) balance() ledger.Balance {
	b.t.Helper()
	lots, err := b.db.Ledger().Lots(b.t.Context(), account)
	require.NoError(b.t, err)
	return ledger.Sum(lots, system.Now())
}

// hold returns the one hold that there is.
func (b *bench) hold() ledger.Hold {
	b.t.Helper()
	hs, err := b.db.Ledger().Holds(b.t.Context(), store.Page{})
	require.NoError(b.t, err)
	require.Len(b.t, hs, 1)
	require.Equal(b.t, hs[0].Hold.Debited, hs[0].Debits)
	return hs[0].Hold
}

func (b *bench) released(reason string) {
	b.t.Helper()
	h := b.hold()
	require.Equal(b.t, ledger.HoldReleased, h.State)
	require.Equal(b.t, reason, h.Reason)
	require.EqualValues(b.t, granted, b.balance().Balance, "no entry") // L6, L7
}

func (b *bench) settled(cost int64, reason string) ledger.Hold {
	b.t.Helper()
	h := b.hold()
	require.Equal(b.t, ledger.HoldSettled, h.State)
	require.Equal(b.t, reason, h.Reason)
	require.Equal(b.t, cost, h.Debited)
	require.Equal(b.t, granted-cost, b.balance().Balance)
	return h
}

// visit is a request under way.
type visit struct {
	*client
	leave context.CancelFunc
	done  chan struct{}
	err   error
}

// send starts a request. Its route is that of the body's shape.
func (b *bench) send(body string, c *client) *visit {
	b.t.Helper()
	to := inference.ChatCompletions
	if strings.Contains(body, `"input"`) {
		to = inference.Responses
	}
	call, err := inference.Scan(to, []byte(body))
	require.NoError(b.t, err)
	call.Context = b.context
	ctx, leave := context.WithCancel(b.t.Context())
	v := &visit{client: c, leave: leave, done: make(chan struct{})}
	go func() {
		defer close(v.done)
		defer leave()
		defer func() { // as net/http does
			if p := recover(); p != nil {
				c.note("abort")
			}
		}()
		job := relay.Job{
			Request: b.ids.New("req"), By: access.Principal{Kind: access.PrincipalKey, ID: "key_1", Account: account},
			Area: access.AreaAPI, Call: call, Body: []byte(body), Quote: pricing.Quote{Version: "p1", Model: call.Model, Price: b.price},
		}
		if b.job != nil {
			b.job(&job)
		}
		v.err = b.relay.Forward(ctx, job, c)
	}()
	synctest.Wait()
	return v
}

func (v *visit) wait() error {
	<-v.done
	return v.err
}

func (v *visit) over() bool {
	select {
	case <-v.done:
		return true
	default:
		return false
	}
}

// client is a Sink that keeps what it gets as a transcript.
type client struct {
	mu    sync.Mutex
	text  strings.Builder
	bill  relay.Bill
	rates []ledger.Rates
	head  []port.Header
	frame func() error // called for each frame
	last  bool         // whether the last frame was said to be the newest
}

var _ relay.Sink = (*client)(nil)

func (c *client) note(s string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text.WriteString(s)
}

// got returns what came since it was last asked.
func (c *client) got() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.text.String()
	c.text.Reset()
	return s
}

// on has fn called for each frame from now on.
func (c *client) on(fn func() error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frame = fn
}

// flushed is whether the last frame was said to be the newest.
func (c *client) flushed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

func (c *client) Rates(r ledger.Rates) {
	c.rates = append(c.rates, r)
}

func (c *client) JSON(head []port.Header, body []byte, bill relay.Bill) error {
	c.head, c.bill = head, bill
	if c.frame != nil {
		if err := c.frame(); err != nil {
			return err
		}
	}
	c.note(string(body))
	return nil
}

func (c *client) StartJSON([]port.Header) error { c.note("json|"); return nil }

func (c *client) Start(head []port.Header) error {
	c.head = head
	c.note("head|")
	return nil
}

func (c *client) Frame(frame []byte, newest bool) error {
	c.mu.Lock()
	c.last = newest
	called := c.frame
	c.mu.Unlock()
	if called != nil {
		if err := called(); err != nil {
			return err
		}
	}
	c.note(string(frame))
	return nil
}

func (c *client) End() error { c.note("end"); return nil }

func (c *client) Fail(frame []byte) {
	c.note("fail " + string(frame))
	panic(http.ErrAbortHandler)
}

var errHungUp = errors.New("connection reset by peer")
