package turns_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/app/turns"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/core/pricing"
	port "github.com/archibot/archibotchat/ports/inference"
	"github.com/archibot/archibotchat/ports/store"
)

const (
	account = "acct_1"
	granted = 10_000_000
	model   = "m-1"
)

// house is a store with an account and two members, and servers on it, in a
// bubble of fake time.
type house struct {
	t       *testing.T
	db      *sqlstore.Store
	ids     *system.IDs
	up      *upstream
	servers []*server
}

// server is a whole core at work, which the test may cut from its store.
type server struct {
	*core.App
	edge *edge
	stop func()
}

// inBubble runs a test with one server. When it is over no goroutine may be left,
// nothing may be held, and no memory be taken.
func inBubble(t *testing.T, test func(h *house, s *server)) {
	t.Helper()
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t, ids: system.NewIDs(system.Now), up: &upstream{t: t}}
		db, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: blank.SQLite(t, filepath.Join(dir, "test.db")), NewID: h.ids.New, Now: system.Now})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		require.NoError(t, db.Migrate(t.Context()))
		h.db = db
		h.account(account)
		defer func() { // also of a test that gave up
			for _, s := range h.servers {
				s.stop()
			}
		}()
		test(h, h.server())
		for _, s := range h.servers {
			s.stop()
			require.Zero(t, s.Memory.Used(), "memory that was never given back")
		}
		require.Zero(t, h.balance().Held, "credits left aside") // L4
	})
}

func (h *house) account(id string) {
	now := system.Now()
	require.NoError(h.t, h.db.Accounts().Create(h.t.Context(), store.Account{Billing: billing.Active, Account: access.Account{
		ID: id, Name: "Test", Status: access.StatusActive, Groups: access.NewGroups(access.GroupChat), CreatedAt: now, UpdatedAt: now,
	}}))
	_, err := h.db.Commit(h.t.Context(), store.Replica{}, []ledger.Op{{Kind: ledger.OpGrant, Account: id, Lot: "lot_" + id, Amount: granted, Source: ledger.SourceOperator}})
	require.NoError(h.t, err)
}

// book is a price book: a token of input costs 1, one of output 2.
type book struct{}

func (book) Book(context.Context) (pricing.Book, error) {
	return pricing.NewBook([]pricing.Edition{{Effective: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), Models: []pricing.Model{
		{ID: model, Price: pricing.Price{PerInput: 1_000_000, PerCachedInput: 1_000_000, PerOutput: 2_000_000, MaxOutputTokens: 1000}},
		{ID: "m-2", Price: pricing.Price{PerInput: 1_000_000, PerCachedInput: 1_000_000, PerOutput: 2_000_000, MaxOutputTokens: 1000}},
		{ID: "m-dear", Price: pricing.Price{PerInput: 1_000_000_000_000, PerCachedInput: 1_000_000, PerOutput: 2_000_000, MaxOutputTokens: 1000}},
	}}})
}

// server starts another server on the store.
func (h *house) server() *server {
	h.t.Helper()
	peppers, err := keys.ParsePeppers("v1:" + strings.Repeat("p", 32))
	require.NoError(h.t, err)
	s := &server{edge: &edge{Store: h.db}}
	s.App, err = core.New(h.t.Context(), core.Deps{
		Store: s.edge, Upstream: h.up, Prices: book{}, Peppers: peppers, Areas: access.NewGroups(access.GroupChat), Boundary: gates.BoundaryNotRequired,
		Environment: "test", Sign: func(text string) ([]byte, error) { return []byte(text + "\n— test AAAAAA==\n"), nil },
		Now: system.Now, NewID: h.ids.New, Entropy: system.Entropy, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(h.t, err)
	ctx, cancel := context.WithCancel(h.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	s.stop = sync.OnceFunc(func() {
		s.edge.on(nil)
		cancel()
		require.NoError(h.t, <-ended)
	})
	for tries := 0; s.Ready(h.t.Context()) != nil; tries++ {
		select {
		case err := <-ended:
			require.NoError(h.t, err, "the server ended by itself")
		default:
		}
		require.Less(h.t, tries, 5000, "the server does not get ready")
		time.Sleep(time.Millisecond)
	}
	h.servers = append(h.servers, s)
	return s
}

// edge is the store as a server reaches it: fail may refuse to write about turns.
type edge struct {
	store.Store
	mu   sync.Mutex
	fail func(what string) error
	kind ledger.OpKind
	then func()
}

// before has something happen before the next step of a kind is booked.
func (e *edge) before(kind ledger.OpKind, then func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.kind, e.then = kind, then
}

func (e *edge) TryCommit(ctx context.Context, by store.Replica, ops []ledger.Op, patience time.Duration) ([]ledger.Outcome, error) {
	e.mu.Lock()
	then := e.then
	if !slices.ContainsFunc(ops, func(op ledger.Op) bool { return op.Kind == e.kind }) {
		then = nil
	}
	if then != nil {
		e.then = nil
	}
	e.mu.Unlock()
	if then != nil {
		then()
	}
	return e.Store.TryCommit(ctx, by, ops, patience)
}

func (e *edge) on(fail func(what string) error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fail = fail
}

func (e *edge) may(what string) error {
	e.mu.Lock()
	fail := e.fail
	e.mu.Unlock()
	if fail == nil {
		return nil
	}
	return fail(what)
}

// Replicas lets several servers have the file, as Postgres would.
func (e *edge) Replicas() store.Replicas { return several{e.Store.Replicas()} }

type several struct{ store.Replicas }

func (several) Sole(context.Context) (func() error, bool, error) {
	return func() error { return nil }, true, nil
}

func (e *edge) Turns() store.Turns { return edgeOfTurns{e.Store.Turns(), e} }

func (e *edge) Do(ctx context.Context, fn func(context.Context, store.Stores) error) error {
	return e.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error { return fn(ctx, edgeInTx{tx, e}) })
}

type edgeInTx struct {
	store.Stores
	of *edge
}

func (e edgeInTx) Turns() store.Turns { return edgeOfTurns{e.Stores.Turns(), e.of} }

type edgeOfTurns struct {
	store.Turns
	of *edge
}

func (e edgeOfTurns) Append(ctx context.Context, t chat.Turn, at int, text string) (bool, error) {
	if err := e.of.may("append"); err != nil {
		return false, err
	}
	return e.Turns.Append(ctx, t, at, text)
}

func (e edgeOfTurns) End(ctx context.Context, owner string, t chat.Turn, text *string) (string, error) {
	if err := e.of.may("end"); err != nil {
		return "", err
	}
	return e.Turns.End(ctx, owner, t, text)
}

func (e edgeOfTurns) Lapsed(ctx context.Context, before time.Time, limit int) ([]chat.Turn, error) {
	if err := e.of.may("sweep"); err != nil {
		return nil, err
	}
	return e.Turns.Lapsed(ctx, before, limit)
}

// away is a store that nobody reaches.
func away(string) error { return store.ErrUnavailable }

// person is a member's session.
type person struct {
	h   *house
	ctx context.Context
	s   *server
	w   store.Whose
}

// person signs a member in.
func (h *house) person(n int) *person {
	h.t.Helper()
	u, _, err := h.db.Users().SignedIn(h.t.Context(), store.User{
		ID: fmt.Sprintf("user_%d", n), Issuer: "https://id.example", Subject: fmt.Sprint("sub", n), Provider: "acme", Rule: sessions.RuleRequired, Groups: access.NewGroups(access.GroupChat),
	})
	require.NoError(h.t, err)
	require.NoError(h.t, h.db.Members().Add(h.t.Context(), store.Member{Account: account, User: u.ID, Role: access.RoleMember}))
	var token sessions.Token
	require.NoError(h.t, h.db.Do(h.t.Context(), func(ctx context.Context, tx store.Stores) error {
		token, _, err = h.servers[0].Sessions.Open(ctx, tx, store.Session{Account: account, User: u.ID, Provider: "acme", Issuer: "https://id.example"})
		return err
	}))
	ses, a, err := h.servers[0].Sessions.Resolve(h.t.Context(), token.Reveal())
	require.NoError(h.t, err)
	ctx := sessions.With(access.WithRequest(h.t.Context(), "req_of_the_api"), sessions.Current{Session: ses, Account: a})
	return &person{h: h, ctx: ctx, s: h.servers[0], w: store.Whose{Account: a.ID, User: u.ID}}
}

// on is the person at another server.
func (p *person) on(s *server) *person {
	other := *p
	other.s = s
	return &other
}

func (p *person) thread() string {
	p.h.t.Helper()
	now := system.Now()
	th := chat.Thread{ID: p.h.ids.New("thr"), Account: p.w.Account, User: p.w.User, CreatedAt: now, UpdatedAt: now}
	require.NoError(p.h.t, p.h.db.Threads().Create(p.h.t.Context(), th))
	return th.ID
}

func (p *person) change(thread string, c store.ThreadChange) {
	p.h.t.Helper()
	require.NoError(p.h.t, p.h.db.Threads().Change(p.h.t.Context(), p.w, thread, c))
}

// ask asks in a thread, after its head.
func (p *person) ask(thread, text string) (turns.Started, error) {
	p.h.t.Helper()
	th, err := p.h.db.Threads().Get(p.h.t.Context(), p.w, thread)
	require.NoError(p.h.t, err)
	return p.start(turns.Ask{Thread: thread, Text: text, Parent: th.Head})
}

func (p *person) start(a turns.Ask) (turns.Started, error) {
	if a.Key == "" {
		a.Key = strings.ToLower(p.h.ids.New("key"))
	}
	a.From = netip.MustParseAddr("192.0.2.1")
	return p.s.Turns.Start(p.ctx, a)
}

// asked is ask in a new thread, which must work, with its answer under way.
func (p *person) asked(text string) (turns.Started, *answer) {
	p.h.t.Helper()
	n := p.h.up.called()
	st, err := p.ask(p.thread(), text)
	require.NoError(p.h.t, err)
	return st, p.h.up.answer(n)
}

func (p *person) turn(id string) chat.Turn {
	p.h.t.Helper()
	t, err := p.s.Turns.Get(p.ctx, id)
	require.NoError(p.h.t, err)
	return t
}

// text returns the answer as it is stored.
func (p *person) text(id string) string {
	p.h.t.Helper()
	text, _, err := p.h.db.Turns().Since(p.h.t.Context(), p.w, id, 0)
	require.NoError(p.h.t, err)
	return text
}

// ended waits for a turn to end.
func (p *person) ended(id string) chat.Turn {
	p.h.t.Helper()
	for range 1000 {
		if t := p.turn(id); t.State != chat.Running {
			return t
		}
		time.Sleep(100 * time.Millisecond)
	}
	require.Fail(p.h.t, "the turn does not end")
	return chat.Turn{}
}

// failed waits for a turn to fail for a reason, with the text it kept and what it cost.
func (p *person) failed(id, reason, text string, debited int64) chat.Turn {
	p.h.t.Helper()
	t := p.ended(id)
	require.Equal(p.h.t, chat.Failed, t.State)
	require.Equal(p.h.t, reason, t.Reason)
	require.Equal(p.h.t, text, p.text(id))
	if debited >= 0 {
		require.True(p.h.t, t.Settled)
		require.Equal(p.h.t, debited, t.Debited)
		require.Equal(p.h.t, granted-debited, p.h.balance().Balance)
	}
	es := p.h.events(audit.ChatTurnFailed)
	require.NotEmpty(p.h.t, es)
	last := es[0]
	require.Equal(p.h.t, t.ID, last.Subject)
	require.Equal(p.h.t, reason, last.Reason)
	require.Equal(p.h.t, t.Request, last.Request)
	return t
}

func (h *house) events(kinds ...audit.Kind) []audit.Event {
	h.t.Helper()
	es, err := h.db.Events().List(h.t.Context(), store.EventQuery{Account: account, Kinds: kinds})
	require.NoError(h.t, err)
	return es
}

func (h *house) balance() ledger.Balance {
	h.t.Helper()
	lots, err := h.db.Ledger().Lots(h.t.Context(), account)
	require.NoError(h.t, err)
	return ledger.Sum(lots, system.Now())
}

// follower is somebody who follows, and what they were told.
type follower struct {
	mu     sync.Mutex
	events []turns.Event
	text   string
	done   chan struct{}
	err    error
	leave  context.CancelFunc
	gate   chan struct{} // nil: not slow
}

// follow follows a turn from a place in a text.
func (p *person) follow(id string, from string) *follower {
	return p.slowly(id, from, nil)
}

func (p *person) slowly(id string, from string, gate chan struct{}) *follower {
	f := &follower{text: from, done: make(chan struct{}), gate: gate}
	ctx, leave := context.WithCancel(p.ctx)
	f.leave = leave
	go func() {
		defer close(f.done)
		defer leave()
		f.err = p.s.Turns.Follow(ctx, id, len(from), func(e turns.Event) error {
			if f.gate != nil {
				<-f.gate
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			f.events = append(f.events, e)
			switch e.Kind {
			case turns.Text:
				f.text += e.Text
			case turns.Reset:
				f.text = e.Text
			default:
			}
			if e.Kind != turns.Step && len(f.text) != e.Cursor {
				return fmt.Errorf("cursor %d after %d bytes", e.Cursor, len(f.text))
			}
			return nil
		})
	}()
	synctest.Wait()
	return f
}

func (f *follower) got() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text
}

func (f *follower) kinds(kind turns.EventKind) (found []turns.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.events {
		if e.Kind == kind {
			found = append(found, e)
		}
	}
	return found
}

// end waits for the end of what is followed.
func (f *follower) end(t *testing.T) turns.Event {
	t.Helper()
	<-f.done
	require.NoError(t, f.err)
	last := f.events[len(f.events)-1]
	require.Equal(t, turns.End, last.Kind)
	return last
}

func steps(t chat.Turn) (names []string) {
	for _, s := range t.Steps {
		name := s.Name
		if s.Note != "" {
			name += " " + s.Note
		}
		names = append(names, name)
	}
	return names
}

// upstream is the far side, played by the test.
type upstream struct {
	t     *testing.T
	mu    sync.Mutex
	calls []*answer
	fail  error
	json  bool
	panic bool
}

// answer is the body of an answer under way.
type answer struct {
	*io.PipeWriter
	body   string
	ctx    context.Context
	reader *io.PipeReader
	panic  bool
}

func (u *upstream) Name() string                                 { return "test" }
func (u *upstream) Models(context.Context) ([]port.Model, error) { return nil, nil }
func (u *upstream) Object(context.Context, *port.ObjectCall) (*port.Response, error) {
	return nil, errors.ErrUnsupported
}

func (u *upstream) Do(ctx context.Context, r *port.Request) (*port.Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	a := &answer{body: string(r.Body), ctx: ctx, panic: u.panic}
	a.reader, a.PipeWriter = io.Pipe()
	u.calls = append(u.calls, a)
	if u.fail != nil {
		return nil, u.fail
	}
	context.AfterFunc(ctx, func() { _ = a.CloseWithError(ctx.Err()) })
	return &port.Response{Upstream: "test", Stream: !u.json, Body: a}, nil
}

func (a *answer) Read(p []byte) (int, error) {
	n, err := a.reader.Read(p)
	if a.panic && err != nil {
		panic("secret words")
	}
	return n, err
}

func (a *answer) Close() error { return a.reader.Close() }

func (u *upstream) called() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.calls)
}

func (u *upstream) call(n int) *answer {
	u.mu.Lock()
	defer u.mu.Unlock()
	if n < len(u.calls) {
		return u.calls[n]
	}
	return nil
}

// answer returns the nth call, once it is made.
func (u *upstream) answer(n int) *answer {
	u.t.Helper()
	for range 100 {
		synctest.Wait()
		if a := u.call(n); a != nil {
			return a
		}
		time.Sleep(time.Millisecond)
	}
	require.Fail(u.t, "nothing was asked of the upstream")
	return nil
}

// chunk is one frame that says text.
func chunk(text string) string {
	return fmt.Sprintf("data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%q}}]}\n\n", text)
}

// parts of answers. The usage costs 50.
const (
	role     = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"
	finished = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
	atLength = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n"
	usage    = "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":20}}\n\n"
	done     = "data: [DONE]\n\n"
	cost     = 50
)

// say writes a part of the answer and waits until it has had its effect.
func (a *answer) say(text string) {
	_, _ = io.WriteString(a.PipeWriter, text)
	synctest.Wait()
}

// finish ends the answer well.
func (a *answer) finish() {
	a.say(finished + usage + done)
	_ = a.PipeWriter.Close()
	synctest.Wait()
}

// answered asks and lets the answer come whole.
func (p *person) answered(thread, question, text string) turns.Started {
	p.h.t.Helper()
	n := p.h.up.called()
	st, err := p.ask(thread, question)
	require.NoError(p.h.t, err)
	a := p.h.up.answer(n)
	a.say(chunk(text))
	a.finish()
	require.Equal(p.h.t, chat.Done, p.ended(st.Turn.ID).State)
	return st
}

func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
