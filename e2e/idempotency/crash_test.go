//go:build e2e

package idempotency_test

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/harness"
)

// recovery bounds how long the dead may keep their holds: the lease of 15 s, a
// round of recovery, and a busy machine.
const recovery = 60 * time.Second

// stand is a site with one account and a server that is killed.
type stand struct {
	t      *testing.T // of the step
	whole  *testing.T // whose end ends the servers
	site   *harness.Site
	key    string
	rows   *sql.DB
	server *harness.Replica
}

func newStand(t *testing.T, db harness.Database) *stand {
	t.Helper()
	site := harness.NewSite(t, db, harness.Options{})
	account := site.Account(t, harness.NewAccount{Credits: grant})
	return &stand{t: t, whole: t, site: site, key: site.Key(t, account.ID).Key, rows: db.Open(t), server: site.Start(t)}
}

// die kills the server and starts another.
func (s *stand) die() {
	s.t.Helper()
	s.server.Kill()
	s.server = s.site.Start(s.whole)
}

func (s *stand) ask(name string, shape harness.Shape, model string) (harness.Answer, error) {
	s.t.Helper()
	return named(s.server.BaseURL(), s.key, name).Ask(s.t.Context(), shape, model)
}

// settle asks until the name is not in progress any more.
func (s *stand) settle(name string, shape harness.Shape, model string) (a harness.Answer, err error) {
	s.t.Helper()
	harness.Eventually(s.t, recovery, "the name "+name+" is no longer in progress", func() error {
		a, err = s.ask(name, shape, model)
		if _, code := refusal(err); code == "idempotency_in_progress" {
			return err
		}
		return nil
	})
	return a, err
}

// hold waits until the model has one hold in a state.
func (s *stand) hold(model, state string) {
	s.t.Helper()
	harness.Eventually(s.t, recovery, "a hold is "+state, func() error {
		if have := harness.Count(s.t, s.rows, "holds", "model = $1 AND state = $2", model, state); have != 1 {
			return fmt.Errorf("%d are", have)
		}
		return nil
	})
}

// send posts a body as far as it is given, of a length, and reads nothing.
func (s *stand) send(name, body string, length int) net.Conn {
	s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.server.Root, "http://"))
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nIdempotency-Key: %s\r\nContent-Length: %d\r\n\r\n%s", s.key, name, length, body)
	require.NoError(s.t, err)
	return conn
}

// calls is how often the upstream was asked for a model.
func (s *stand) calls(model string) int64 { return s.site.Upstream.Stats(s.t).ByModel[model] }

// A server dies at each step of a request; the same request is sent again. No
// work is done upstream once an answer was acknowledged, and none is debited twice.
func TestKill(t *testing.T) {
	harness.Each(t, func(t *testing.T, db harness.Database) {
		s := newStand(t, db)
		ask := func(model string) string {
			return `{"model":"` + model + `","max_tokens":4096,"messages":[{"role":"user","content":"hi"}]}`
		}

		t.Run("before the hold", func(t *testing.T) {
			s.t = t
			const model = "tok-before"
			s.send("before", ask(model)[:10], len(ask(model)))
			s.die()
			a, err := s.ask("before", harness.Shape{}, model)
			require.NoError(t, err)
			require.False(t, replayed(a))
			require.EqualValues(t, 1, s.calls(model))
		})

		t.Run("after the hold", func(t *testing.T) {
			s.t = t
			for _, shape := range []harness.Shape{{}, {Stream: true}} {
				model := "tok-delay1500-held-" + shape.String()
				go func() { _, _ = s.ask("held-"+shape.String(), shape, model) }()
				s.hold(model, "open")
				s.die()
				a, err := s.settle("held-"+shape.String(), shape, model)
				require.NoError(t, err)
				require.True(t, a.Complete)
				require.False(t, replayed(a), "what cost nothing frees its name")
				s.hold(model, "released")
				s.hold(model, "settled")
				calls := s.calls(model)
				again, err := s.ask("held-"+shape.String(), shape, model)
				require.NoError(t, err)
				require.True(t, replayed(again))
				require.Equal(t, string(a.Body), string(again.Body))
				require.Equal(t, calls, s.calls(model))
			}
		})

		t.Run("in the middle of a stream", func(t *testing.T) {
			s.t = t
			const model = "tok-chunks600-gap100-middle"
			shape := harness.Shape{Stream: true}
			ended := make(chan error, 1)
			go func() {
				_, err := s.ask("middle", shape, model)
				ended <- err
			}()
			harness.Eventually(t, recovery, "a mark says that some was delivered", func() error {
				if harness.Count(t, s.rows, "holds", "model = $1 AND mark_delivered", model) == 0 {
					return errors.New("there is none")
				}
				return nil
			})
			s.die()
			require.Error(t, <-ended)
			_, err := s.settle("middle", shape, model)
			status, code := refusal(err)
			require.Equal(t, 409, status, "%v", err)
			require.Equal(t, "outcome_unknown", code)
			s.hold(model, "settled")
			require.EqualValues(t, 1, s.calls(model), "what was paid for is not run again")
		})

		t.Run("after the settle", func(t *testing.T) {
			s.t = t
			const model = "tok-chunks2000-settled"
			body := ask(model)
			conn := s.send("settled", body, len(body))
			s.hold(model, "settled")
			s.die()
			got, _ := io.ReadAll(conn) // whatever the dead had sent
			var first string
			for range 2 {
				again := s.send("settled", body, len(body))
				answer := read(t, again)
				require.Contains(t, answer, "Idempotency-Replayed: true\r\n")
				_, whole, _ := strings.Cut(answer, "\r\n\r\n")
				require.Contains(t, whole, "word1999 ")
				require.True(t, first == "" || first == whole)
				first = whole
			}
			if _, part, ok := strings.Cut(string(got), "\r\n\r\n"); ok {
				require.True(t, strings.HasPrefix(first, part))
			}
			require.EqualValues(t, 1, s.calls(model))
			s.hold(model, "settled")
		})

		harness.AwaitNoHolds(t, s.rows, recovery)
		s.site.Verify(t)
	})
}

// read reads an answer of a known length.
func read(t *testing.T, conn net.Conn) string {
	t.Helper()
	require.NoError(t, conn.SetDeadline(time.Now().Add(recovery)))
	var text strings.Builder
	buf := make([]byte, 64<<10)
	for {
		n, err := conn.Read(buf)
		text.Write(buf[:n])
		head, body, ok := strings.Cut(text.String(), "\r\n\r\n")
		if ok {
			var length int
			_, after, found := strings.Cut(head, "Content-Length: ")
			require.True(t, found, head)
			_, scanErr := fmt.Sscan(after, &length)
			require.NoError(t, scanErr)
			if len(body) >= length {
				return text.String()
			}
		}
		require.NoError(t, err, text.String())
	}
}
