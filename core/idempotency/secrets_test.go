package idempotency_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/idempotency"
	"github.com/archibot/archibotchat/core/keys"
)

const (
	older = "v1:pppppppppppppppppppppppppppppppp"
	newer = "v2:qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"
)

func secrets(t testing.TB, peppers ...string) *idempotency.Secrets {
	t.Helper()
	ps, err := keys.ParsePeppers(strings.Join(peppers, ","))
	require.NoError(t, err)
	return idempotency.NewSecrets(ps)
}

func key(t testing.TB, text string) idempotency.Key {
	t.Helper()
	k, err := idempotency.Parse([]string{text})
	require.NoError(t, err)
	return k
}

func TestSecrets_Names(t *testing.T) { // HOTPATH 18
	t.Parallel()
	s := secrets(t, older)
	ask := func(account, k, route, body string) idempotency.Request {
		return idempotency.Request{Account: account, Key: key(t, k), Route: route, Body: []byte(body)}
	}
	first := s.Names(ask("acct_1", "k", "chat", "hi"))
	require.Len(t, first, 1)
	require.Equal(t, first, s.Names(ask("acct_1", "k", "chat", "hi")))
	for what, r := range map[string]idempotency.Request{"body": ask("acct_1", "k", "chat", "hi "), "route": ask("acct_1", "k", "responses", "hi")} {
		require.Equal(t, first[0].ID, s.Names(r)[0].ID, what)
		require.NotEqual(t, first[0].Print, s.Names(r)[0].Print, what)
	}
	// Neither an equal key nor an equal body shows, and nothing moves from one
	// field into the next.
	for what, r := range map[string]idempotency.Request{
		"account": ask("acct_2", "k", "chat", "hi"), "key": ask("acct_1", "K", "chat", "hi"), "border": ask("acct_", "1k", "chat", "hi"),
	} {
		require.NotEqual(t, first[0].ID, s.Names(r)[0].ID, what)
		require.NotEqual(t, first[0].Print, s.Names(r)[0].Print, what)
	}

	both := secrets(t, newer, older).Names(ask("acct_1", "k", "chat", "hi")) // K2: the new pepper first
	require.Len(t, both, 2)
	require.Equal(t, first[0], both[1])
	require.NotEqual(t, first[0], both[0])
	require.Equal(t, secrets(t, newer).Names(ask("acct_1", "k", "chat", "hi"))[0], both[0])
}

func TestSecrets_Seal(t *testing.T) { // HOTPATH 18
	t.Parallel()
	s, k := secrets(t, older), key(t, "canary-key")
	plain := []byte("canary-answer")
	seal := func() []byte { return s.Seal("acct_1", k, "req_1", [idempotency.NonceLen]byte{9}, plain) }
	open := func(s *idempotency.Secrets, account string, k idempotency.Key, request string, sealed []byte) error {
		_, err := s.Open(account, k, request, sealed)
		return err
	}
	got, err := s.Open("acct_1", k, "req_1", seal())
	require.NoError(t, err)
	require.Equal(t, plain, got)
	require.NotContains(t, string(seal()), "canary")
	require.LessOrEqual(t, len(s.Seal("acct_1", k, "req_1", [idempotency.NonceLen]byte{}, make([]byte, idempotency.MaxOutcome))), idempotency.SealedMax)

	got, err = secrets(t, newer, older).Open("acct_1", k, "req_1", seal())
	require.NoError(t, err, "an earlier pepper still opens")
	require.Equal(t, plain, got)
	require.Error(t, open(secrets(t, newer), "acct_1", k, "req_1", seal()), "another pepper")
	require.Error(t, open(s, "acct_2", k, "req_1", seal()), "another account")
	require.Error(t, open(s, "acct_1", key(t, "other"), "req_1", seal()), "another key")
	require.Error(t, open(s, "acct_1", k, "req_2", seal()), "another request's answer")
	for i := range seal() {
		changed := seal()
		changed[i] ^= 1
		require.Error(t, open(s, "acct_1", k, "req_1", changed), i)
		require.Error(t, open(s, "acct_1", k, "req_1", seal()[:i]), i)
	}
}

func TestSecrets_hidden(t *testing.T) { // U2
	t.Parallel()
	s := secrets(t, older)
	shown := fmt.Sprintf("%v %+v %#v", s, *s, *s)
	require.NotContains(t, shown, "pppp")
	require.NotContains(t, shown, "112 112")
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	for _, o := range []idempotency.Outcome{
		{},
		{Body: []byte(`{}`)},
		{Stream: true, Body: []byte("data: 1\n\n"), Headers: []idempotency.Header{{Name: "Openai-Version", Value: "2020-10-01"}, {Name: "X"}}},
		{Stream: true, Cut: true, Headers: []idempotency.Header{{Name: "N", Value: strings.Repeat("v", 300)}}},
	} {
		b := o.Encode()
		require.Len(t, b, o.Size())
		got, err := idempotency.Decode(b)
		require.NoError(t, err)
		require.True(t, bytes.Equal(o.Body, got.Body))
		got.Body = o.Body
		require.Equal(t, o, got)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 1, 0})
	f.Add([]byte{1, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add(idempotency.Outcome{Stream: true, Headers: []idempotency.Header{{Name: "a", Value: "b"}}, Body: []byte("x")}.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := idempotency.Decode(b)
		if err != nil {
			return
		}
		again, err := idempotency.Decode(o.Encode())
		require.NoError(t, err)
		require.Equal(t, o, again)
	})
}
