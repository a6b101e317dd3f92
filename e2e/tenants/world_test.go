package tenants_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// person is somebody of an account, with what they show at the doors.
type person struct {
	account, user string
	session       string // its ID
	cookie        string // of the session: name=token
	key           string // an API key of theirs
	keyID         string
}

// token is the session's token without the cookie's name.
func (p person) token() string {
	_, token, _ := strings.Cut(p.cookie, "=")
	return token
}

// world is a running server with two accounts on it, made for one row.
type world struct {
	root  string // http://127.0.0.1:port
	admin person // of our account
	mate  person // a member of it
	alien person // administrator of another account
	staff person // an operator, who belongs to no account
	// pretender is a member whose account has the operators' group, and whose
	// provider says so too of them, though its groups do not count.
	pretender person
	// gone are credentials that ended: a session and a key each.
	gone []person
	// said has a conversation of each user who began one.
	said map[string]talk
	// marks are texts that only our account may see.
	marks []string
	// again signs somebody in once more.
	again func(t *testing.T, p person) person
	// join makes another member of an account.
	join func(t *testing.T, account string) person
	// ask asks for access, as a stranger does, and returns the request's ID.
	ask func(t *testing.T) string
}

// show is what is shown at a door.
type show struct {
	cookie, bearer string
	media          string // of the body; JSON unless said
}

// typed returns the show with a form, if the body is one.
func (s show) typed(form bool) show {
	if form {
		s.media = "application/x-www-form-urlencoded"
	}
	return s
}

// shows is what p shows at a surface's door.
func (p person) shows(s surface) show {
	if s == v1 {
		return show{bearer: p.key}
	}
	return show{cookie: p.cookie}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
	sent   string // method, path and body, for messages
}

// do makes a call. What holds for every answer is looked at here.
func (w *world) do(t *testing.T, with show, method, path, body string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.root+path, strings.NewReader(body))
	require.NoError(t, err)
	if body != "" || method == http.MethodPost {
		r.Header.Set("Content-Type", cmp.Or(with.media, "application/json"))
	}
	if with.cookie != "" {
		r.Header.Set("Cookie", with.cookie)
	}
	if with.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+with.bearer)
	}
	response, err := client.Do(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	a := answer{response.StatusCode, response.Header, string(text), method + " " + path + " " + body}
	require.Less(t, a.status, 500, "%s: %s", a.sent, a.body)
	require.Regexp(t, `^req_[0-9a-v]{26}$`, a.header.Get("X-Request-Id"), a.sent)
	return a
}

// client follows no redirects: where one leads is the answer.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// refusal returns what all refusals of a sort have in common: all but the
// request ID. It fails the test if the answer is no refusal in the surface's
// own form.
func (a answer) refusal(t *testing.T, s surface, status int, code string) string {
	t.Helper()
	require.Equal(t, status, a.status, "%s: %s", a.sent, a.body)
	if s == v1 {
		var body struct {
			Error struct{ Message, Type, Code string }
		}
		require.Equal(t, "application/json", a.header.Get("Content-Type"), a.sent)
		require.NoError(t, json.Unmarshal([]byte(a.body), &body), "%s: %s", a.sent, a.body)
		require.Equal(t, code, body.Error.Code, "%s: %s", a.sent, a.body)
		require.NotEmpty(t, body.Error.Message)
		require.NotEmpty(t, body.Error.Type)
		return a.body
	}
	require.Equal(t, "application/problem+json", a.header.Get("Content-Type"), a.sent)
	var body map[string]any
	require.NoError(t, json.Unmarshal([]byte(a.body), &body), "%s: %s", a.sent, a.body)
	require.Equal(t, code, body["code"], "%s: %s", a.sent, a.body)
	require.Equal(t, a.header.Get("X-Request-Id"), body["request_id"], a.sent)
	delete(body, "request_id")
	rest, err := json.Marshal(body)
	require.NoError(t, err)
	return string(rest)
}

// made returns a text in the answer to a call that made something.
func (a answer) made(t *testing.T, path ...string) string {
	t.Helper()
	require.Less(t, a.status, 300, "%s: %s", a.sent, a.body)
	var at any
	d := json.NewDecoder(bytes.NewReader([]byte(a.body)))
	require.NoError(t, d.Decode(&at), "%s: %s", a.sent, a.body)
	for _, name := range path {
		require.IsType(t, map[string]any{}, at, "%s: %s", a.sent, a.body)
		at = at.(map[string]any)[name]
	}
	require.IsType(t, "", at, "%s: %s", a.sent, a.body)
	return at.(string)
}

// furnish gives our account at least two of everything that is listed.
func (w *world) furnish(t *testing.T) {
	t.Helper()
	w.again(t, w.admin)
	for range 2 {
		w.ask(t)
	}
	for _, whose := range []string{"account", w.mate.user} {
		w.do(t, w.admin.shows(app), http.MethodPut, "/api/limits/"+whose, `{"monthly":8000000}`).made(t, "of")
	}
	for _, email := range []string{"first@matrix.example", "second@matrix.example"} {
		w.do(t, w.admin.shows(app), http.MethodPost, "/api/invitations", `{"email":"`+email+`","role":"member"}`).made(t, "id")
	}
	for range 2 {
		w.do(t, w.admin.shows(app), http.MethodPost, "/api/threads", `{"title":"ours-needle"}`).made(t, "id")
	}
	w.do(t, w.admin.shows(v1), http.MethodPost, "/v1/chat/completions", `{"model":"tok","messages":[{"role":"user","content":"Say a few words."}]}`).made(t, "id")
}

// talks returns a conversation of somebody, the same one each time, so that its
// parts belong together.
func (w *world) talks(t *testing.T, p person) talk {
	t.Helper()
	if found, ok := w.said[p.user]; ok {
		return found
	}
	var said talk
	said.thread = w.do(t, p.shows(app), http.MethodPost, "/api/threads", `{}`).made(t, "id")
	a := w.do(t, p.shows(app), http.MethodPost, "/api/threads/"+said.thread+"/turns", `{"key":"matrix-key","model":"tok","text":"Say a few words."}`)
	said.turn, said.question, said.answer = a.made(t, "turn", "id"), a.made(t, "question", "id"), a.made(t, "answer", "id")
	w.do(t, p.shows(app), http.MethodGet, "/api/turns/"+said.turn+"/stream", "") // to its end
	if w.said == nil {
		w.said = map[string]talk{}
	}
	w.said[p.user] = said
	return said
}
