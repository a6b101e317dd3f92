package api_test

import (
	"fmt"
	"mime"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/hosts/api"
	"github.com/archibot/archibotchat/ports/store"
)

// What is not as it should be is refused, changes nothing, and is not repeated.
func TestChat_input(t *testing.T) { // S2, SECURITY: gateway
	t.Parallel()
	h := build(t)
	k := h.talks["user_admin"]
	h.say(t, k, chat.Message{ID: h.ids.New("msg"), Parent: k.answer, Role: chat.RoleUser, Text: "On?"})
	thread, prompt, draft, turns := k.at("/api/threads/{thread}"), k.at("/api/prompts/{prompt}"), k.at("/api/drafts/{thread}"), k.at("/api/threads/{thread}/turns")
	before := h.call(t, h.admin, "GET", "/api/threads", "").text + h.call(t, h.admin, "GET", "/api/prompts", "").text + h.call(t, h.admin, "GET", draft, "").text
	long := func(n int) string { return strings.Repeat("x", n) }
	secret := "ab" + "k_4fT9CANARYcanary0123456789"
	for _, c := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"POST", "/api/threads", `{"title":"` + long(201) + `"}`, 422, "invalid_request"},
		{"POST", "/api/threads", `{"title":"` + strings.Repeat("ä", 150) + `"}`, 422, "invalid_text"},
		{"POST", "/api/threads", `{"title":"a\u0000b"}`, 422, "invalid_text"},
		{"POST", "/api/threads", `{"title":"` + secret + `"}`, 422, "secret_in_text"},
		{"POST", "/api/threads", `{"model":"a b"}`, 422, "invalid_text"},
		{"POST", "/api/threads", `{"instructions":"` + long(chat.MaxInstructions+1) + `"}`, 422, "invalid_request"},
		{"POST", "/api/threads", `{"instructions":"` + strings.Repeat("ä", chat.MaxInstructions/2+1) + `"}`, 413, "text_too_long"},
		{"POST", "/api/threads", `{"instructions":"a\u0000"}`, 422, "invalid_text"},
		{"POST", "/api/threads", `{"CANARY":1}`, 422, "invalid_request"},
		{"POST", "/api/threads", `{"Title":"x"}`, 422, "invalid_request"},
		{"POST", "/api/threads", `[]`, 422, "invalid_request"},
		{"POST", "/api/threads", `{`, 400, "malformed_body"},
		{"PATCH", thread, `{"pinned":"yes"}`, 422, "invalid_request"},
		{"PATCH", thread, `{"title":"` + secret + `"}`, 422, "secret_in_text"},
		{"PATCH", thread, `{"title":" "}`, 422, "invalid_text"},
		{"PUT", thread + "/head", `{}`, 422, "invalid_request"},
		{"PUT", thread + "/head", `{"message":"` + h.talks["user_member"].question + `"}`, 404, "not_found"},
		{"POST", "/api/prompts", `{"title":"` + secret + `","text":"x"}`, 422, "secret_in_text"},
		{"POST", "/api/prompts", `{"title":"x"}`, 422, "invalid_request"},
		{"POST", "/api/prompts", `{"title":"x","text":"` + long(chat.MaxPrompt+1) + `"}`, 422, "invalid_request"},
		{"PATCH", prompt, `{"title":""}`, 422, "invalid_request"},
		{"PATCH", prompt, `{"text":"\u0000"}`, 422, "invalid_text"},
		{"PUT", draft, `{"text":"` + long(chat.MaxDraft+1) + `"}`, 422, "invalid_request"},
		{"PUT", draft, `{"text":"` + strings.Repeat("ä", chat.MaxDraft/2+1) + `"}`, 413, "text_too_long"},
		{"PUT", draft, `{"text":"\u0000"}`, 422, "invalid_text"},
		{"PUT", draft, `{"text":"` + long(1<<20) + `"}`, 413, "body_too_large"},
		{"GET", "/api/threads?view=other", "", 422, "invalid_request"},
		{"GET", "/api/threads?limit=0", "", 422, "invalid_request"},
		{"GET", "/api/threads?cursor=CANARY", "", 422, "invalid_cursor"},
		{"GET", "/api/threads?CANARY=1", "", 422, "invalid_request"},
		{"GET", "/api/threads?q=" + long(201), "", 422, "invalid_request"},
		{"GET", thread + "/messages?limit=1001", "", 422, "invalid_request"},
		{"GET", k.at(thread + "/messages?at={message}&before={message}"), "", 422, "invalid_request"},
		{"GET", thread + "/messages?at=CANARY", "", 404, "not_found"},
		{"GET", thread + "/messages?before=" + h.talks["user_foreign"].answer, "", 404, "not_found"},
		{"GET", thread + "/export?format=CANARY", "", 422, "invalid_request"},
		{"POST", turns, `{"text":"x"}`, 422, "invalid_request"},
		{"POST", turns, `{"key":"short","text":"x"}`, 422, "invalid_request"},
		{"POST", turns, `{"key":"has a blank","text":"x"}`, 422, "invalid_request"},
		{"POST", turns, `{"key":"0123456789"}`, 422, "invalid_request"},
		{"POST", turns, `{"key":"0123456789","text":"x","question":"` + k.question + `"}`, 422, "invalid_request"},
		{"POST", turns, `{"key":"0123456789","text":" \n"}`, 422, "invalid_request"},
		{"POST", turns, `{"key":"0123456789","text":"\u0000"}`, 422, "invalid_request"},
		{"POST", turns, `{"key":"0123456789","text":"` + strings.Repeat("ä", chat.MaxQuestion/2+1) + `"}`, 413, "text_too_long"},
		{"POST", turns, `{"key":"0123456789","text":"` + long(chat.MaxQuestion+1) + `"}`, 422, "invalid_request"},
		{"POST", turns, `{"key":"0123456789","text":"x","model":"a\nb"}`, 422, "invalid_text"},
		{"POST", turns, `{"key":"0123456789","text":"x","parent":"CANARY"}`, 404, "not_found"},
		{"POST", turns, `{"key":"0123456789","question":"` + h.talks["user_member"].question + `"}`, 404, "not_found"},
		{"POST", turns, `{"key":"0123456789","question":"` + k.answer + `"}`, 422, "invalid_request"},
		{"POST", turns, `{"key":"0123456789","text":"x","parent":"` + k.question + `"}`, 422, "invalid_request"},
		{"POST", turns, `{"key":"first-key","text":"CANARY"}`, 409, "key_reused"},
	} {
		r := h.call(t, h.admin, c.method, c.path, c.body)
		require.Equal(t, c.status, r.StatusCode, "%s %.60s %.60s: %s", c.method, c.path, c.body, r.text)
		problem(t, r, c.status, c.code)
		require.NotContains(t, strings.ReplaceAll(r.text, "canary", "CANARY"), "CANARY")
	}
	for _, path := range []string{"/api/threads", "/api/prompts"} {
		r := h.call(t, h.admin, "POST", path, "{\"title\":\"a\xffb\",\"text\":\"x\"}")
		require.Equal(t, http.StatusBadRequest, r.StatusCode, r.text)
		problem(t, r, http.StatusBadRequest, "malformed_body")
	}
	require.Equal(t, before, h.call(t, h.admin, "GET", "/api/threads", "").text+h.call(t, h.admin, "GET", "/api/prompts", "").text+h.call(t, h.admin, "GET", draft, "").text)
	require.NotContains(t, h.log.String(), "CANARY")
}

func TestThreads_pages(t *testing.T) { // C1
	t.Parallel()
	h := build(t)
	for n := range 7 {
		h.now = h.now.Add(time.Second)
		require.Equal(t, http.StatusCreated, h.call(t, h.admin, "POST", "/api/threads", fmt.Sprintf(`{"title":"Thread %d"}`, n)).StatusCode)
	}
	var titles []string
	for cursor := ""; ; {
		list := into[api.ThreadList](t, h.call(t, h.admin, "GET", "/api/threads?limit=3&cursor="+cursor, ""))
		for _, th := range list.Threads {
			titles = append(titles, th.Title)
		}
		if cursor = list.NextCursor; cursor == "" {
			break
		}
	}
	require.Equal(t, []string{"Thread 6", "Thread 5", "Thread 4", "Thread 3", "Thread 2", "Thread 1", "Thread 0", "Talk of user_admin"}, titles)
	list := into[api.ThreadList](t, h.call(t, h.admin, "GET", "/api/threads?q=THREAD+4", ""))
	require.Len(t, list.Threads, 1)
	found := into[api.ThreadList](t, h.call(t, h.admin, "GET", "/api/threads?q=what+is", ""))
	require.Len(t, found.Threads, 1, "by what was said")
	require.Empty(t, into[api.ThreadList](t, h.call(t, h.member, "GET", "/api/threads?q=Thread", "")).Threads)
}

func TestThreads_states(t *testing.T) { // C1: undo
	t.Parallel()
	h := build(t)
	k := h.talks["user_admin"]
	at := k.at("/api/threads/{thread}")
	require.Equal(t, http.StatusNoContent, h.call(t, h.admin, "DELETE", at, "").StatusCode)
	problem(t, h.call(t, h.admin, "PATCH", at, `{"pinned":true}`), http.StatusConflict, "thread_deleted")
	problem(t, h.call(t, h.admin, "PUT", at+"/head", k.at(`{"message":"{message}"}`)), http.StatusConflict, "thread_deleted")
	problem(t, h.call(t, h.admin, "POST", at+"/turns", `{"key":"another-key","text":"x"}`), http.StatusConflict, "thread_deleted")
	require.NotNil(t, into[api.Thread](t, h.call(t, h.admin, "GET", at, "")).DeletedAt)
	require.Len(t, into[api.ThreadList](t, h.call(t, h.admin, "GET", "/api/threads?view=deleted", "")).Threads, 1)
	require.Nil(t, into[api.Thread](t, h.call(t, h.admin, "POST", at+"/restore", `{}`)).DeletedAt)
	require.Equal(t, http.StatusNoContent, h.call(t, h.admin, "DELETE", at, "").StatusCode)
	h.now = h.now.Add(24 * time.Hour) // the session is over by then: another one looks
	h.admin = h.mint(t, h.account.ID, "user_admin", "admin")
	problem(t, h.call(t, h.admin, "POST", at+"/restore", `{}`), http.StatusNotFound, "not_found")
}

func TestThreads_messages(t *testing.T) { // C2, C4
	t.Parallel()
	h := build(t)
	k := h.talks["user_admin"]
	at := k.at("/api/threads/{thread}/messages")
	list := into[api.MessageList](t, h.call(t, h.admin, "GET", at, ""))
	require.Len(t, list.Messages, 2)
	require.Equal(t, k.answer, list.Head)
	require.False(t, list.Earlier)
	require.Nil(t, list.Messages[0].Turn)
	answer := list.Messages[1]
	require.Equal(t, []string{k.answer}, answer.Versions)
	require.Equal(t, "demo-small", answer.Turn.Model)
	require.EqualValues(t, 1500, *answer.Turn.Debited)
	require.EqualValues(t, 2000, *answer.Turn.DurationMS)
	require.Equal(t, api.TurnUsage{Input: 3, Output: 5}, *answer.Turn.Usage)
	require.Equal(t, []api.TurnStep{{Name: "gate", AtMS: 1}, {Name: "end", AtMS: 2000}}, answer.Turn.Steps)
	last := into[api.MessageList](t, h.call(t, h.admin, "GET", at+"?limit=1", ""))
	require.True(t, last.Earlier)
	first := into[api.MessageList](t, h.call(t, h.admin, "GET", at+"?limit=1&before="+last.Messages[0].ID, ""))
	require.Equal(t, k.question, first.Messages[0].ID)
	require.False(t, first.Earlier)
}

func TestThreads_export(t *testing.T) { // C1
	t.Parallel()
	h := build(t)
	k := h.talks["user_admin"]
	title := "Große \"Pläne\"; /../ \n"
	require.NoError(t, h.store.Threads().Change(t.Context(), k.whose, k.thread, store.ThreadChange{Title: &title}))
	r := h.call(t, h.admin, "GET", k.at("/api/threads/{thread}/export"), "")
	require.Equal(t, "text/markdown; charset=utf-8", r.Header.Get("Content-Type"))
	for _, part := range []string{"## You, ", "What is it?", "## Assistant (demo-small)", "It is what it is.", "0.0015 credits", "req_of_user_admin"} {
		require.Contains(t, r.text, part)
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Disposition"))
	require.NoError(t, err)
	require.Equal(t, "attachment", kind)
	require.Equal(t, "Große-Pläne.md", params["filename"])

	r = h.call(t, h.admin, "GET", k.at("/api/threads/{thread}/export?format=json"), "")
	require.Equal(t, "application/json", r.Header.Get("Content-Type"))
	e := into[api.ThreadExport](t, r)
	require.Equal(t, k.thread, e.Thread.ID)
	require.Len(t, e.Messages, 2)
	require.True(t, e.Messages[1].Shown)
	require.Equal(t, k.turn, e.Messages[1].Turn.ID)

	empty := into[api.Thread](t, h.call(t, h.admin, "POST", "/api/threads", `{}`))
	e = into[api.ThreadExport](t, h.call(t, h.admin, "GET", "/api/threads/"+empty.ID+"/export?format=json", ""))
	require.Empty(t, e.Messages)
}

func TestChatModels(t *testing.T) { // C2
	t.Parallel()
	h := build(t)
	list := into[api.ChatModels](t, h.call(t, h.admin, "GET", "/api/models", ""))
	require.Equal(t, api.ChatModel{
		ID: "demo-large", Owner: "archibotchat", Default: true, Input: 10_000_000, CachedInput: 5_000_000, Output: 40_000_000, Request: 100, MaxOutputTokens: 8192,
	}, list.Models[0])
	require.Len(t, list.Models, 2)
	require.False(t, list.Models[1].Default)
	h.prices.unsure = fault.New(fault.Unavailable, "prices_unknown", "Not sure.")
	problem(t, h.call(t, h.admin, "GET", "/api/models", ""), http.StatusServiceUnavailable, "prices_unknown")
}
