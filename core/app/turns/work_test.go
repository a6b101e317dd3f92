package turns_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/turns"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
	port "github.com/archibot/archibotchat/ports/inference"
	"github.com/archibot/archibotchat/ports/store"
)

func TestService_Start_answers(t *testing.T) { // C2, C3, K8
	inBubble(t, func(h *house, s *server) {
		p := h.person(1)
		st, a := p.asked("What is  a ledger?\nTell me.")
		require.Equal(h.t, chat.Running, st.Turn.State)
		require.Equal(h.t, "What is a ledger?", st.Thread.Title)
		require.False(h.t, st.Thread.Named)
		require.Equal(h.t, st.Answer.ID, st.Thread.Head)
		require.Equal(h.t, st.Turn.ID, st.Thread.Running)
		require.Equal(h.t, chat.RoleUser, st.Question.Role)
		require.Equal(h.t, st.Question.ID, st.Answer.Parent)
		require.Equal(h.t, "What is  a ledger?\nTell me.", st.Question.Text)
		require.JSONEq(h.t, `{"model":"m-1","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"What is  a ledger?\nTell me."}]}`, a.body)

		f := p.follow(st.Turn.ID, "")
		a.say(role + chunk("A book "))
		require.Equal(h.t, "A book ", f.got(), "shown at once")
		sleep(150 * time.Millisecond)
		require.Equal(h.t, "A book ", p.text(st.Turn.ID), "stored a moment later")
		a.say(chunk("of entries."))
		a.finish()
		end := f.end(h.t)
		require.Equal(h.t, "A book of entries.", f.got())
		require.Equal(h.t, chat.Done, end.Turn.State)
		require.EqualValues(h.t, granted-cost, end.Available)

		turn := p.turn(st.Turn.ID)
		require.Equal(h.t, end.Turn, turn)
		require.Equal(h.t, []string{"gate", "hold", "upstream test", "first_text", "settle", "end"}, steps(turn))
		require.Len(h.t, f.kinds(turns.Step), 6, "each step was told once")
		require.EqualValues(h.t, cost, turn.Debited)
		require.True(h.t, turn.Settled)
		require.Equal(h.t, []any{int64(10), int64(20), false, 1, 0}, []any{turn.Input, turn.Output, turn.Estimated, turn.Sent, turn.LeftOut})
		require.False(h.t, turn.FirstAt.IsZero())
		require.Equal(h.t, "A book of entries.", p.text(turn.ID))

		hold, err := h.db.Ledger().Hold(h.t.Context(), account, turn.Request)
		require.NoError(h.t, err)
		require.Equal(h.t, ledger.Work{User: "user_1", Area: "chat", Route: "chat.completions", Model: model, PriceVersion: hold.Work.PriceVersion}, hold.Work)
		require.Empty(h.t, h.events(audit.ChatTurnFailed, audit.ChatTurnStopped))
		debits := h.events(audit.UsageDebited)
		require.Len(h.t, debits, 1)
		require.Equal(h.t, turn.Request, debits[0].Request)
		require.Equal(h.t, audit.Actor{Kind: audit.ActorUser, ID: "user_1"}, debits[0].Actor)
		th, err := h.db.Threads().Get(h.t.Context(), p.w, st.Thread.ID)
		require.NoError(h.t, err)
		require.Empty(h.t, th.Running)
		_ = s
	})
}

// asked is what the question "?" costs by estimate: a token for four bytes of it all.
const asked = 28

// What is told of an answer that was cut at its limit, that came in one piece, or
// that the upstream does not say the usage of.
func TestService_Start_ends(t *testing.T) {
	for name, c := range map[string]struct {
		json  bool
		say   string
		text  string
		steps string
		debit int64
	}{
		"at its limit": {say: chunk("cut") + atLength + usage + done, text: "cut", steps: "settle, end length", debit: cost},
		"a refusal":    {say: "data: {\"choices\":[{\"index\":0,\"delta\":{\"refusal\":\"No.\"}}]}\n\n" + finished + usage + done, text: "No.", steps: "settle, end", debit: cost},
		"no usage":     {say: chunk("12345678") + finished + done, text: "12345678", steps: "settle estimated, end", debit: asked + 2*2},
		"in one piece": {
			json: true, say: `{"choices":[{"index":0,"message":{"content":"whole"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":20}}`,
			text: "whole", steps: "settle, first_text, end", debit: cost,
		},
		"nothing to say": {say: finished + usage + done, text: "", steps: "settle, end", debit: cost},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(h *house, _ *server) {
				h.up.json = c.json
				p := h.person(1)
				st, a := p.asked("?")
				a.say(c.say)
				_ = a.PipeWriter.Close()
				turn := p.ended(st.Turn.ID)
				require.Equal(h.t, chat.Done, turn.State)
				require.Equal(h.t, c.text, p.text(turn.ID))
				require.True(h.t, strings.HasSuffix(strings.Join(steps(turn), ", "), c.steps), steps(turn))
				require.True(h.t, turn.Settled)
				require.Equal(h.t, c.debit, turn.Debited)
			})
		})
	}
}

// A hold that is refused is a stored turn that failed and cost nothing (C3, L6).
func TestService_Start_holdRefused(t *testing.T) {
	for reason, prepare := range map[string]func(h *house, p *person, thread string){
		"credits_exhausted": func(_ *house, p *person, thread string) {
			dear := "m-dear"
			p.change(thread, store.ThreadChange{Model: &dear})
		},
		"budget_reached": func(h *house, _ *person, _ string) {
			require.NoError(h.t, h.db.Limits().Set(h.t.Context(), account, ledger.Limit{Scope: account, Monthly: 5}, time.Now().UTC()))
		},
		"rate_limited": func(h *house, p *person, _ string) {
			require.NoError(h.t, h.db.Limits().Set(h.t.Context(), account, ledger.Limit{Scope: account, Requests: 1}, time.Now().UTC()))
			p.answered(p.thread(), "?", "the one of this minute")
		},
	} {
		t.Run(reason, func(t *testing.T) {
			inBubble(t, func(h *house, _ *server) {
				p := h.person(1)
				thread := p.thread()
				prepare(h, p, thread)
				sleep(2 * time.Second) // the change is known
				st, err := p.ask(thread, "?")
				require.NoError(h.t, err, "the gate is open")
				before, calls := h.balance().Balance, h.up.called()
				turn := p.failed(st.Turn.ID, reason, "", -1)
				require.Equal(h.t, []string{"gate", "end " + reason}, steps(turn))
				require.Equal(h.t, calls, h.up.called())
				require.True(h.t, turn.Settled)
				require.Zero(h.t, turn.Debited)
				require.Equal(h.t, before, h.balance().Balance)
				_, err = h.db.Ledger().Hold(h.t.Context(), account, turn.Request)
				require.ErrorIs(h.t, err, store.ErrNotFound)
				require.NotEmpty(h.t, h.question(p, st), "the question is kept")
			})
		})
	}
}

func (h *house) question(p *person, st turns.Started) string {
	h.t.Helper()
	m, err := h.db.Messages().Get(h.t.Context(), p.w, st.Thread.ID, st.Question.ID)
	require.NoError(h.t, err)
	return m.Text
}

func TestService_Start_upstreamRefuses(t *testing.T) { // L7, C3
	for name, c := range map[string]struct {
		err    error
		reason string
	}{
		"400":         {&port.Refusal{Status: 400, Message: "secret"}, "upstream_refused"},
		"401":         {&port.Refusal{Status: 401}, "upstream_unavailable"},
		"404":         {&port.Refusal{Status: 404}, "upstream_refused"},
		"429":         {&port.Refusal{Status: 429}, "upstream_rate_limited"},
		"500":         {&port.Refusal{Status: 500}, "upstream_unavailable"},
		"unreachable": {fault.New(fault.BadUpstream, "upstream_unavailable", "x"), "upstream_unavailable"},
		"timeout":     {fault.New(fault.Timeout, "upstream_timeout", "x"), "upstream_timeout"},
		"anything":    {errors.New("odd"), "internal"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(h *house, _ *server) {
				h.up.fail = c.err
				p := h.person(1)
				st, _ := p.asked("?")
				turn := p.failed(st.Turn.ID, c.reason, "", 0)
				require.Equal(h.t, []string{"gate", "hold", "settle released", "end " + c.reason}, steps(turn))
				h.up.fail = nil
				again, err := p.start(turns.Ask{Thread: st.Thread.ID, Question: st.Question.ID})
				require.NoError(h.t, err)
				require.Equal(h.t, st.Question, again.Question)
				require.NotEqual(h.t, st.Answer.ID, again.Answer.ID)
				a := h.up.answer(1)
				a.say(chunk("now"))
				a.finish()
				require.Equal(h.t, chat.Done, p.ended(again.Turn.ID).State)
				versions, err := h.db.Messages().Versions(h.t.Context(), p.w, st.Thread.ID, []string{st.Question.ID})
				require.NoError(h.t, err)
				require.Equal(h.t, []string{st.Answer.ID, again.Answer.ID}, versions[st.Question.ID])
			})
		})
	}
}

// An answer that breaks off fails with the text that came, which is paid for.
func TestService_Start_breaks(t *testing.T) { // L9
	const text = "hello hello hello " // 18 bytes: 5 tokens
	for name, c := range map[string]struct {
		do     func(h *house, a *answer)
		reason string
	}{
		"cut":     {func(_ *house, a *answer) { _ = a.PipeWriter.Close() }, "upstream_cut"},
		"error":   {func(_ *house, a *answer) { a.say("data: {\"error\":{\"message\":\"secret\"}}\n\n") }, "upstream_failed"},
		"silence": {func(_ *house, a *answer) { _ = a.CloseWithError(fault.New(fault.Timeout, "upstream_timeout", "x")) }, "upstream_timeout"},
		"garbage": {func(_ *house, a *answer) { a.say("data: <html>\n\n") }, "upstream_invalid"},
		"gate": {func(h *house, _ *answer) {
			acct, err := h.db.Accounts().Get(h.t.Context(), account)
			require.NoError(h.t, err)
			acct.Status = access.StatusSuspended
			require.NoError(h.t, h.db.Accounts().Set(h.t.Context(), acct))
		}, "account_suspended"},
		"member removed": {func(h *house, _ *answer) {
			require.NoError(h.t, h.db.Members().Remove(h.t.Context(), account, "user_1"))
		}, "not_signed_in"},
		"stop":     {func(h *house, _ *answer) { h.servers[0].Cut() }, "server_stopping"},
		"duration": {func(*house, *answer) { sleep(16 * time.Minute) }, "upstream_timeout"},
	} {
		t.Run(name, func(t *testing.T) { // K5
			inBubble(t, func(h *house, _ *server) {
				p := h.person(1)
				st, a := p.asked("?")
				a.say(role + chunk(text))
				c.do(h, a)
				turn := p.ended(st.Turn.ID)
				p.failed(st.Turn.ID, c.reason, text, asked+2*5)
				require.True(h.t, turn.Estimated)
				require.Equal(h.t, "end "+c.reason, steps(turn)[len(turn.Steps)-1])
				require.Error(h.t, a.ctx.Err())
			})
		})
	}
}

// A panic fails the turn and nothing else; what was shown is paid for.
func TestService_Start_panics(t *testing.T) {
	inBubble(t, func(h *house, _ *server) {
		h.up.panic = true
		p := h.person(1)
		st, a := p.asked("?")
		a.say(chunk("hello hello hello "))
		_ = a.PipeWriter.Close()
		p.failed(st.Turn.ID, "internal", "hello hello hello ", asked+2*5)
		h.up.panic = false
		p.answered(p.thread(), "?", "fine")
	})
}

// A text that grows too long ends as failed, and a budget that is used up too.
func TestService_Start_tooLong(t *testing.T) { // W10
	inBubble(t, func(h *house, _ *server) {
		p := h.person(1)
		st, a := p.asked("?")
		for range 5 {
			a.say(chunk(strings.Repeat("x", 1000_000)))
		}
		turn := p.ended(st.Turn.ID)
		require.Equal(h.t, "answer_too_long", turn.Reason)
		require.Len(h.t, p.text(turn.ID), 4_000_000)
		require.True(h.t, turn.Settled)
	})
}
