package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/hosts/api"
)

func TestTurns(t *testing.T) { // C2, C3, C4
	t.Parallel()
	s := openSite(t)
	st, a := s.asked(t, "What is a keel?")
	require.Equal(t, "running", st.Turn.State)
	require.Equal(t, "m-1", st.Turn.Model, "the first one with a price of its own that can chat")
	require.Equal(t, st.Answer.ID, st.Thread.Head)
	require.Equal(t, st.Turn.ID, st.Thread.RunningTurn)
	require.Equal(t, "What is a keel?", st.Thread.Title)
	require.Equal(t, st.Question.ID, st.Answer.Parent)
	require.Contains(t, a.body, "What is a keel?")

	again := s.ask(t, st.Thread.ID, "key-00000001", `"text":"What is a keel?"`)
	require.Equal(t, http.StatusOK, again.StatusCode, "the same key is the same turn")
	require.Equal(t, st.Turn.ID, into[api.StartedTurn](t, again).Turn.ID)
	problem(t, s.ask(t, st.Thread.ID, "key-00000001", `"text":"Other"`), http.StatusConflict, "key_reused")
	problem(t, s.ask(t, st.Thread.ID, "key-00000001", `"question":"`+st.Answer.ID+`"`), http.StatusConflict, "key_reused")
	problem(t, s.ask(t, st.Thread.ID, "key-00000002", `"text":"Other"`), http.StatusConflict, "turn_running")

	a.say(t, "A beam.")
	a.finish(t)
	s.follow(t, s.ann, st.Turn.ID, "").end(t)
	turn := into[api.Turn](t, s.do(t, s.ann, "GET", "/api/turns/"+st.Turn.ID, ""))
	require.Equal(t, "done", turn.State)
	require.Equal(t, turn, into[api.Turn](t, s.do(t, s.ann, "POST", "/api/turns/"+st.Turn.ID+"/stop", `{}`)), "it has ended")

	// In other words, and answered again.
	r := s.ask(t, st.Thread.ID, "key-00000003", `"text":"And a hull?","model":"m-2"`)
	require.Equal(t, http.StatusCreated, r.StatusCode, r.text)
	edit, b := into[api.StartedTurn](t, r), s.up.next(t)
	require.Equal(t, []string{st.Question.ID, edit.Question.ID}, edit.Question.Versions)
	require.Equal(t, "m-2", edit.Thread.Model)
	b.say(t, "The bo")
	f := s.follow(t, s.ann, edit.Turn.ID, "")
	f.until(t, "bo")
	stopped := into[api.Turn](t, s.do(t, s.ann, "POST", "/api/turns/"+edit.Turn.ID+"/stop", `{}`))
	require.Equal(t, "stopped", stopped.State)
	require.Equal(t, "stopped", data[api.TurnEnd](t, f.end(t)).Turn.State)
	r = s.ask(t, st.Thread.ID, "key-00000004", `"question":"`+edit.Question.ID+`"`)
	retry, c := into[api.StartedTurn](t, r), s.up.next(t)
	require.Equal(t, []string{edit.Answer.ID, retry.Answer.ID}, retry.Answer.Versions)
	c.say(t, "The body.")
	c.finish(t)
	s.follow(t, s.ann, retry.Turn.ID, "").end(t)

	for _, by := range []*http.Cookie{s.mo, s.foreign} {
		problem(t, s.do(t, by, "GET", "/api/turns/"+st.Turn.ID, ""), http.StatusNotFound, "not_found")
		problem(t, s.do(t, by, "POST", "/api/turns/"+st.Turn.ID+"/stop", `{}`), http.StatusNotFound, "not_found")
		problem(t, s.do(t, by, "POST", "/api/threads/"+st.Thread.ID+"/turns", `{"key":"key-00000009","text":"x"}`), http.StatusNotFound, "not_found")
	}
	problem(t, s.ask(t, st.Thread.ID, "key-00000005", `"text":"x","model":"none"`), http.StatusNotFound, "model_not_found")
	require.NotContains(t, s.log.String(), "keel", "U2")
}

// Who asks and asks gets 429, and never a 5xx.
func TestTurns_many(t *testing.T) {
	t.Parallel()
	s := openSite(t)
	var open []*farAnswer
	for n := range 12 {
		r := s.ask(t, s.thread(t), fmt.Sprintf("key-of-turn-%d", n), `"text":"x"`)
		if n < 8 {
			require.Equal(t, http.StatusCreated, r.StatusCode, r.text)
			open = append(open, s.up.next(t))
			continue
		}
		problem(t, r, http.StatusTooManyRequests, "too_many_turns")
		require.NotEmpty(t, r.Header.Get("Retry-After"))
	}
	for _, a := range open {
		a.finish(t)
	}
}

// A shut gate stores nothing.
func TestTurns_refused(t *testing.T) { // G5
	t.Parallel()
	h := build(t)
	k := h.talks["user_admin"]
	before := h.call(t, h.admin, "GET", k.at("/api/threads/{thread}"), "").text
	p := problem(t, h.call(t, h.admin, "POST", k.at("/api/threads/{thread}/turns"), `{"key":"another-key","text":"x"}`), http.StatusPaymentRequired, "credits_exhausted")
	require.NotEmpty(t, p.NextStep)
	require.Equal(t, before, h.call(t, h.admin, "GET", k.at("/api/threads/{thread}"), "").text)
}
