package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/memlimits"
	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/blank"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/accounts"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/core/pricing"
	"github.com/archibot/archibotchat/hosts/api"
	"github.com/archibot/archibotchat/hosts/edge"
	port "github.com/archibot/archibotchat/ports/inference"
	"github.com/archibot/archibotchat/ports/store"
)

// site is the app API of a whole core at work, behind a real listener, whose
// upstream is played by the test.
type site struct {
	*core.App
	server *httptest.Server
	up     *farSide
	log    *lines
	store  *sqlstore.Store
	// cookies of two members of an account, and of one of another.
	ann, mo, foreign *http.Cookie
	account          string
	left             sync.Map // addresses of clients whose connections the server has closed
}

// narrow are connections that buffer little of what they send.
type narrow struct{ net.Listener }

func (n narrow) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return c, c.(*net.TCPConn).SetWriteBuffer(16 << 10)
}

// lines is a log that many write.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// farSide is the upstream. Each call is an answer that the test writes.
type farSide struct{ calls chan *farAnswer }

type farAnswer struct {
	*io.PipeWriter
	body string
}

func (*farSide) Name() string { return "far" }

func (*farSide) Models(context.Context) ([]port.Model, error) { return nil, nil }

func (*farSide) Object(context.Context, *port.ObjectCall) (*port.Response, error) {
	return nil, errors.ErrUnsupported
}

func (f *farSide) Do(ctx context.Context, r *port.Request) (*port.Response, error) {
	reader, writer := io.Pipe()
	context.AfterFunc(ctx, func() { _ = writer.CloseWithError(ctx.Err()) })
	select {
	case f.calls <- &farAnswer{writer, string(r.Body)}:
		return &port.Response{Upstream: "far", Stream: true, Body: reader}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// next returns the next call.
func (f *farSide) next(t *testing.T) *farAnswer {
	t.Helper()
	select {
	case a := <-f.calls:
		return a
	case <-time.After(20 * time.Second):
		require.Fail(t, "nothing was asked of the upstream")
		return nil
	}
}

func (a *farAnswer) say(t *testing.T, text string) {
	t.Helper()
	require.NoError(t, a.write(text))
}

func (a *farAnswer) write(text string) error {
	_, err := fmt.Fprintf(a.PipeWriter, "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%q}}]}\n\n", text)
	return err
}

// finish ends the answer; it cost 50 microcredits.
func (a *farAnswer) finish(t *testing.T) {
	t.Helper()
	_, err := io.WriteString(a.PipeWriter, "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"+
		"data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":20}}\n\ndata: [DONE]\n\n")
	require.NoError(t, err)
	require.NoError(t, a.Close())
}

// chatBook prices two models that can chat, and one that cannot.
type chatBook struct{}

func (chatBook) Book(context.Context) (pricing.Book, error) {
	price := pricing.Price{PerInput: 1_000_000, PerCachedInput: 500_000, PerOutput: 2_000_000, PerRequest: 1, MaxOutputTokens: 1000}
	free := pricing.Price{PerInput: 1_000_000, PerCachedInput: 500_000, PerOutput: 2_000_000, MaxOutputTokens: 1000}
	return pricing.NewBook([]pricing.Edition{{Effective: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), Models: []pricing.Model{
		{ID: "m-1", Price: free}, {ID: "m-2", Price: price}, {ID: "embed", Price: pricing.Price{PerInput: 1, MaxOutputTokens: 1}},
	}}})
}

// openSite starts one, with 10 credits in its account.
func openSite(t *testing.T) *site {
	t.Helper()
	s := &site{up: &farSide{make(chan *farAnswer)}, log: &lines{}}
	ids := system.NewIDs(system.Now)
	var err error
	s.store, err = sqlstore.Open(t.Context(), sqlstore.Config{URL: blank.SQLite(t, filepath.Join(t.TempDir(), "test.db")), NewID: ids.New, Now: system.Now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.store.Close()) })
	require.NoError(t, s.store.Migrate(t.Context()))
	peppers, err := keys.ParsePeppers("v1:0123456789abcdef0123456789abcdef")
	require.NoError(t, err)
	log := slog.New(slog.NewTextHandler(s.log, nil))
	s.App, err = core.New(t.Context(), core.Deps{
		Store: s.store, Upstream: s.up, Prices: chatBook{}, Peppers: peppers, Areas: access.NewGroups(access.GroupChat, access.GroupAPI), Boundary: gates.BoundaryNotRequired,
		Environment: "test", Sign: func(text string) ([]byte, error) { return []byte(text + "\n— test AAAAAA==\n"), nil },
		Now: system.Now, NewID: ids.New, Entropy: system.Entropy, Log: log,
	})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	require.Eventually(t, func() bool { return s.Ready(ctx) == nil }, 20*time.Second, time.Millisecond)
	s.server = httptest.NewUnstartedServer(api.New(api.Config{
		Sessions: s.Sessions, SignIn: s.SignIn, Base: func() string { return "" }, Gate: s.Gate, Members: s.Members, Setup: s.Setup, Requests: s.Requests, Keyring: s.Keyring,
		Limits: s.Limits, Credits: s.Credits, Activity: s.Activity, Models: s.Models, Threads: s.Threads, Turns: s.Turns, Recorder: s.Recorder, Log: log,
		Edge:     edge.New(edge.Config{NewRequestID: func() string { return ids.New("req") }, Log: log, WriteWait: 2 * time.Second}),
		Attempts: memlimits.New(memlimits.Config{Now: system.Now}),
	}))
	s.server.Listener = narrow{s.server.Listener}
	s.server.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			s.left.Store(c.RemoteAddr().String(), true)
		}
	}
	s.server.Start()
	t.Cleanup(s.server.Close)
	operator := access.WithPrincipal(t.Context(), access.Principal{Kind: access.PrincipalOperator, ID: "cli"})
	open := func() string {
		a, err := s.Accounts.Create(operator, accounts.Draft{Name: "House", Groups: access.NewGroups(access.GroupChat), Billing: billing.Active, Credits: 10 * ledger.Credit})
		require.NoError(t, err)
		return a.ID
	}
	signIn := func(account, name string) *http.Cookie {
		u, _, err := s.store.Users().SignedIn(t.Context(), store.User{
			ID: "user_" + name, Issuer: "https://id.example", Subject: name, Provider: "acme", Rule: sessions.RuleRequired, Groups: access.NewGroups(access.GroupChat),
		})
		require.NoError(t, err)
		require.NoError(t, s.store.Members().Add(t.Context(), store.Member{Account: account, User: u.ID, Role: access.RoleMember}))
		var token sessions.Token
		require.NoError(t, s.store.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
			token, _, err = s.Sessions.Open(ctx, tx, store.Session{Account: account, User: u.ID, Provider: "acme", Issuer: "https://id.example"})
			return err
		}))
		return api.Cookie(token.Reveal(), false)
	}
	s.account = open()
	s.ann, s.mo, s.foreign = signIn(s.account, "ann"), signIn(s.account, "mo"), signIn(open(), "foreign")
	return s
}

// do makes a call.
func (s *site) do(t *testing.T, by *http.Cookie, method, path, body string) reply {
	t.Helper()
	res := s.open(t, t.Context(), by, method, path, body)
	defer func() { _ = res.Body.Close() }()
	return read(t, res)
}

// open makes a call whose answer the test reads itself.
func (s *site) open(t *testing.T, ctx context.Context, by *http.Cookie, method, path, body string, head ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, s.server.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if by != nil {
		r.AddCookie(by)
	}
	for i := 0; i < len(head); i += 2 {
		r.Header.Set(head[i], head[i+1])
	}
	res, err := s.server.Client().Do(r)
	require.NoError(t, err)
	return res
}

// thread begins one of Ann's.
func (s *site) thread(t *testing.T) string {
	t.Helper()
	r := s.do(t, s.ann, "POST", "/api/threads", `{}`)
	require.Equal(t, http.StatusCreated, r.StatusCode, r.text)
	return into[api.Thread](t, r).ID
}

// ask asks in a thread; more is put into the body.
func (s *site) ask(t *testing.T, thread, key, more string) reply {
	t.Helper()
	return s.do(t, s.ann, "POST", "/api/threads/"+thread+"/turns", `{"key":"`+key+`",`+more+`}`)
}

// asked is ask in a new thread, which must work, with its answer under way.
func (s *site) asked(t *testing.T, text string) (api.StartedTurn, *farAnswer) {
	t.Helper()
	r := s.ask(t, s.thread(t), "key-00000001", `"text":"`+text+`"`)
	require.Equal(t, http.StatusCreated, r.StatusCode, r.text)
	return into[api.StartedTurn](t, r), s.up.next(t)
}
