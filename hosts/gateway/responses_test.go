package gateway_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/core/pricing"
	"github.com/archibot/archibotchat/ports/store"
)

const responsesPath = "/v1/responses"

// respond creates a response and returns its ID.
func (s *site) respond(model, more string) string {
	s.t.Helper()
	r := s.do(http.MethodPost, responsesPath, `{"model":"`+model+`","input":"hi","max_output_tokens":100`+more+`}`)
	require.Equal(s.t, http.StatusOK, r.status, r.body)
	_, rest, _ := strings.Cut(r.body, `"id":"resp_`)
	id, _, _ := strings.Cut(rest, `"`)
	require.NotEmpty(s.t, id)
	return "resp_" + id
}

// calls are the four on a response, by method and what follows its ID.
var calls = [][2]string{{http.MethodGet, ""}, {http.MethodGet, "/input_items"}, {http.MethodPost, "/cancel"}, {http.MethodDelete, ""}}

// onward is the body of a request that goes on from a response.
func onward(id string) string {
	return `{"model":"test","input":"hi","max_output_tokens":100,"previous_response_id":"` + id + `"}`
}

func TestGateway_responses(t *testing.T) { // W1, W4
	for name, more := range map[string]string{"JSON": "", "stream": `,"stream":true`} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, options{})
			id := s.respond("test", more)
			paid := s.balance()
			holds := len(s.holds())
			for _, c := range calls {
				r := s.do(c[0], responsesPath+"/"+id+c[1], "")
				require.Equal(t, http.StatusOK, r.status, r.body)
				require.Equal(t, "application/json", r.header.Get("Content-Type"))
				require.Equal(t, "no-store", r.header.Get("Cache-Control"))
				require.Equal(t, "1", r.header.Get("Openai-Processing-Ms"))
				for _, header := range []string{"Set-Cookie", "X-Archibot-Credits-Debited", "X-Archibot-Credits-Remaining"} {
					require.Empty(t, r.header.Get(header))
				}
				switch c[1] + c[0] {
				case "GET":
					require.Contains(t, r.body, `"id":"`+id+`"`)
					require.Contains(t, r.body, `"status":"completed"`)
				case "/input_itemsGET":
					require.Contains(t, r.body, `"object":"list"`)
					require.Contains(t, r.body, `"text":"hi"`)
				case "/cancelPOST":
					require.Contains(t, r.body, `"status":"cancelled"`)
				default:
					require.JSONEq(t, `{"id":"`+id+`","object":"response","deleted":true}`, r.body)
				}
			}
			require.Equal(t, paid, s.balance(), "free of charge")
			require.Len(t, s.holds(), holds)
			for _, c := range calls {
				s.do(c[0], responsesPath+"/"+id+c[1], "").refused(http.StatusNotFound, "not_found")
			}
			es, err := s.db.Events().List(t.Context(), store.EventQuery{Account: account, Kinds: nil})
			require.NoError(t, err)
			require.EqualValues(t, "response.deleted", es[0].Kind)
			require.Equal(t, id, es[0].Subject)
		})
	}
}

// Whoever may not have a response learns nothing of it: neither by status nor by
// a byte of the body, and no upstream is asked.
func TestGateway_responses_tenants(t *testing.T) { // W4, K7, A5
	s := newSite(t, options{})
	owner := s.token
	s.account("acct_2", func(*store.Account) {})
	other := s.key("acct_2", func(*keys.Key) {})
	sibling := s.key(account, func(*keys.Key) {})
	narrow := s.key(account, func(k *keys.Key) { k.Scopes = []keys.Scope{keys.ScopeModels, keys.ScopeChatCompletions} })
	revoked := s.key(account, func(k *keys.Key) { k.RevokedAt = time.Now() })
	id, deleted, unstored := s.respond("test", ""), s.respond("test", ""), s.respond("test", `,"store":false`)
	require.Equal(t, http.StatusOK, s.do(http.MethodDelete, responsesPath+"/"+deleted, "").status)
	asked := len(s.up.Requests())

	want := ""
	same := func(r reply, about ...string) {
		t.Helper()
		r.refused(http.StatusNotFound, "not_found")
		if want == "" {
			want = r.body
		}
		require.Equal(t, want, r.body, about)
	}
	bearer := func(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }
	for _, c := range calls {
		path := func(id string) string { return responsesPath + "/" + id + c[1] }
		same(s.send(c[0], path(id), "", bearer(other)), "another account's")
		same(s.do(c[0], path(deleted), ""), "deleted")
		same(s.do(c[0], path("resp_unknown"), ""), "unknown")
		same(s.do(c[0], path(unstored), ""), "not stored")
		head := " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + owner + "\r\nConnection: close\r\n\r\n"
		for _, bad := range []string{
			"..", ".", "%2e%2e", "%2E%2e%2Fmodels", "..%2f..%2fmodels", id + "%2f..%2f" + deleted, id + "%00", id + "%0d%0a", id + "%3fstream=true", id + "%23",
			id + "%2fcancel", id + "%2finput_items", "%252e%252e", "..%5c", "%c0%ae%c0%ae", id + "%20", "%20" + id, strings.Repeat("r", 300), id + ";x", id + "+", "*", id + "%",
		} {
			if bad == id+"%" { // no URL at all: net/http's own answer
				continue
			}
			same(s.raw(c[0]+" "+path(bad)+head), c[0], bad)
		}
		for _, h := range []http.Header{
			{}, {"Cookie": {"__Host-session=" + owner + "; session=" + owner}}, bearer(revoked), bearer("nonsense"), {"X-Api-Key": {owner}},
		} {
			for _, id := range []string{id, "resp_unknown", "%2e%2e"} {
				s.send(c[0], path(id), "", h).refused(http.StatusUnauthorized, "invalid_api_key")
			}
		}
		s.send(c[0], path(id), "", bearer(narrow)).refused(http.StatusForbidden, "insufficient_scope")
	}
	for _, path := range []string{"", "/", id + "/", id + "/cancel/", id + "/unknown", id + "/input_items/x", "/" + id, "../models", "%2e%2e/models", id + "/../" + id, id + "//cancel"} {
		same(s.raw("GET "+responsesPath+"/"+path+" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+owner+"\r\nConnection: close\r\n\r\n"), path)
	}
	same(s.send(http.MethodPost, responsesPath, onward(id), bearer(other)), "another account's")
	for _, bad := range []string{deleted, "resp_unknown", unstored, "", "..", "../models", "%2e%2e", id + "/x", id + `\u0000x`, strings.Repeat("r", 300)} {
		r := s.do(http.MethodPost, responsesPath, onward(bad))
		if strings.Contains(bad, `\u0000`) {
			r.refused(http.StatusBadRequest, "invalid_request")
			continue
		}
		same(r, bad)
	}
	for _, more := range []string{`,"conversation":"` + id + `"`, `,"conversation":{"id":"conv_1"}`, `,"tools":[{"type":"file_search","vector_store_ids":["vs_1"]}]`} {
		same(s.do(http.MethodPost, responsesPath, `{"model":"test","input":"hi"`+more+`}`), more)
	}
	require.Len(t, s.up.Requests(), asked, "none of that reached the upstream")
	es, err := s.db.Events().List(t.Context(), store.EventQuery{Account: "acct_2"})
	require.NoError(t, err)
	require.Empty(t, es)

	s.token = sibling
	require.Equal(t, http.StatusOK, s.do(http.MethodGet, responsesPath+"/"+id, "").status, "all keys of the account are its own")
}

func TestGateway_responses_query(t *testing.T) { // W4
	s := newSite(t, options{})
	id := s.respond("test", "")
	path := responsesPath + "/" + id
	sent := func(query string) string {
		t.Helper()
		r := s.do(http.MethodGet, path+query, "")
		require.Equal(t, http.StatusOK, r.status, r.body)
		all := s.up.Requests()
		return all[len(all)-1].Path
	}
	const include = "include%5B%5D=message.output_text.logprobs&include%5B%5D=reasoning.encrypted_content"
	require.Equal(t, path, sent(""))
	require.Equal(t, path, sent("?"))
	require.Equal(t, path, sent("?stream=false"))
	require.Equal(t, path+"?"+include, sent("?include[]=message.output_text.logprobs&include%5b%5d=reasoning.encrypted_content"))
	require.Equal(t, path+"?"+include, sent("?include=message.output_text.logprobs&include=reasoning.encrypted_content"))
	require.Equal(t, path+"/input_items?after=msg_1&"+include+"&limit=100&order=asc",
		sent("/input_items?order=asc&include[]=message.output_text.logprobs&limit=100&after=msg_1&include[]=reasoning.encrypted_content"))

	asked := len(s.up.Requests())
	for query, param := range map[string]string{
		"?stream=true": "stream", "?stream=": "stream", "?stream=1": "stream", "?starting_after=3": "starting_after", "?limit=3": "limit",
		"?include[]=":                            "include",
		"?include[]=A":                           "include",
		"?include[]=a%26b=c":                     "include",
		"?include[]=" + strings.Repeat("a", 65):  "include",
		"?" + strings.Repeat("include[]=a&", 21): "include",
		"?x=" + strings.Repeat("a", 5000):        "",
		"?%zz":                                   "",
		"?a;b":                                   "",
		"?unknown=1":                             "",
		"?api_key=x":                             "",
		"/input_items?limit=0":                   "limit",
		"/input_items?limit=101":                 "limit",
		"/input_items?limit=1.5":                 "limit",
		"/input_items?limit=5&limit=6":           "limit",
		"/input_items?order=newest":              "order",
		"/input_items?after=":                    "after",
		"/input_items?after=..%2f..":             "after",
		"/input_items?after=a%26limit=9":         "after",
		"/input_items?before=msg_1":              "before",
		"/input_items?stream=false":              "stream",
	} {
		r := s.do(http.MethodGet, path+query, "")
		require.Equal(t, http.StatusBadRequest, r.status, "%s: %s", query, r.body)
		var e struct{ Error struct{ Param *string } }
		require.NoError(t, json.Unmarshal([]byte(r.body), &e))
		if param == "" {
			require.Nil(t, e.Error.Param, query)
		} else {
			require.NotNil(t, e.Error.Param, query)
			require.Equal(t, param, *e.Error.Param, query)
		}
		require.NotContains(t, r.body, "unknown=1")
		require.NotContains(t, r.body, "api_key")
	}
	for _, c := range calls[2:] {
		s.do(c[0], path+c[1]+"?include[]=a.b", "").refused(http.StatusBadRequest, "invalid_request")
	}
	require.Len(t, s.up.Requests(), asked)
}

func TestGateway_responses_upstreamRefuses(t *testing.T) { // W2, DECISIONS' table
	s := newSite(t, options{})
	for model, c := range map[string]struct {
		status int
		code   string
	}{
		"test-obj400": {400, "unsupported_value"}, "test-obj404": {404, "not_found"}, "test-obj401": {502, "upstream_unavailable"},
		"test-obj403": {502, "upstream_unavailable"}, "test-obj429": {429, "upstream_rate_limited"}, "test-obj500": {502, "upstream_unavailable"},
	} {
		id := s.respond(model, "")
		for _, call := range calls {
			if call[0] == http.MethodDelete && c.status == 404 {
				continue // then it is deleted
			}
			r := s.do(call[0], responsesPath+"/"+id+call[1], "")
			r.refused(c.status, c.code)
			require.Equal(t, c.status == 429, r.header.Get("Retry-After") != "")
			require.Empty(t, r.header.Get("X-Ratelimit-Limit-Requests"))
		}
	}
	unknown := s.do(http.MethodGet, responsesPath+"/resp_unknown", "").body
	id := s.respond("test-obj404", "")
	require.Equal(t, unknown, s.do(http.MethodGet, responsesPath+"/"+id, "").body, "kept no more is as unknown")
	require.Equal(t, http.StatusOK, s.do(http.MethodDelete, responsesPath+"/"+id, "").status)
}

// The list of a broke account's responses is as free as that of the models.
func TestGateway_responses_noCredits(t *testing.T) { // W1
	s := newSite(t, options{})
	id := s.respond("test", "")
	_, err := s.db.Commit(t.Context(), store.Replica{}, []ledger.Op{{Kind: ledger.OpClawback, Account: account, Lot: "lot_1", Reason: "refund"}})
	require.NoError(t, err)
	s.do(http.MethodPost, responsesPath, onward(id)).refused(http.StatusTooManyRequests, "insufficient_quota")
	require.Equal(t, http.StatusOK, s.do(http.MethodGet, responsesPath+"/"+id, "").status)
}

// An answer of which its reader left the rest behind cannot be had for nothing
// afterwards, though the upstream has gone on.
func TestGateway_responses_hangUp(t *testing.T) { // L9
	s := newSite(t, options{})
	conn := s.dial()
	body := `{"model":"test-gap20-chunks500","input":"hi","stream":true}`
	_, err := conn.Write([]byte("POST " + responsesPath + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + s.token + "\r\nContent-Length: " +
		strconv.Itoa(len(body)) + "\r\n\r\n" + body))
	require.NoError(t, err)
	id := ""
	for in := bufio.NewReader(conn); id == ""; {
		line, err := in.ReadString('\n')
		require.NoError(t, err)
		if _, rest, found := strings.Cut(line, `"id":"resp_`); found {
			id, _, _ = strings.Cut("resp_"+rest, `"`)
		}
	}
	s.do(http.MethodGet, responsesPath+"/"+id, "").refused(http.StatusBadRequest, "response_unfinished")
	require.NoError(t, conn.Close())
	require.Eventually(t, func() bool { return s.holds()[0].Hold.State != ledger.HoldOpen }, 20*time.Second, 10*time.Millisecond)
	s.do(http.MethodGet, responsesPath+"/"+id, "").refused(http.StatusBadRequest, "response_unfinished")
	r := s.do(http.MethodPost, responsesPath, onward(id))
	r.refused(http.StatusBadRequest, "previous_response_unbounded")
	require.Contains(t, r.body, `"param":"previous_response_id"`)
	require.Equal(t, http.StatusOK, s.do(http.MethodDelete, responsesPath+"/"+id, "").status)
}

// What the upstream adds for the earlier response is held with the rest.
func TestGateway_previousResponse(t *testing.T) { // W4, HOTPATH 10
	s := newSite(t, options{})
	first := s.respond("test-in700-out55", "")
	second := s.respond("test", `,"previous_response_id":"`+first+`"`)
	require.Contains(t, s.up.Requests()[1].Body, `"previous_response_id":"`+first+`"`, "forwarded as it came")
	body := len(s.up.Requests()[1].Body)
	hold := s.holds()[1].Hold
	require.EqualValues(t, body+4*755+2*100, hold.Amount, "another model may count more tokens in the same text")
	require.EqualValues(t, 100+2*100, hold.Debited)

	s.respond("test", `,"previous_response_id":"`+second+`"`)
	require.EqualValues(t, body+200+2*100, s.holds()[2].Hold.Amount)
	s.respond("test", `,"stream":true,"previous_response_id":"`+second+`"`)

	uncounted := s.respond("test-nousage", "")
	held := len(s.holds())
	s.do(http.MethodPost, responsesPath, onward(uncounted)).refused(http.StatusBadRequest, "previous_response_unbounded")
	require.Len(t, s.holds(), held)
}

// Where the upstream did not count, the model's bound from the price book stands
// for the conversation.
func TestGateway_previousResponse_bounded(t *testing.T) { // HOTPATH 10
	s := newSite(t, options{deps: func(d *core.Deps) {
		price := pricing.Price{PerInput: 1_000_000, PerOutput: 2_000_000, MaxOutputTokens: 1000, InputTokens: 9000}
		prices, err := pricing.NewBook([]pricing.Edition{{Effective: time.Unix(1, 0), Models: []pricing.Model{{ID: "test*", Price: price}}}})
		require.NoError(t, err)
		d.Prices = book(prices)
	}})
	id := s.respond("test-nousage", "")
	r := s.do(http.MethodPost, responsesPath, onward(id))
	require.Equal(t, http.StatusOK, r.status, r.body)
	require.EqualValues(t, len(onward(id))+9000+2*100, s.holds()[1].Hold.Amount)
}

// A store that takes no claims lets no ID out.
func TestGateway_responses_storeAway(t *testing.T) { // W4, G3
	for name, more := range map[string]string{"JSON": "", "stream": `,"stream":true`} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, options{})
			s.db.ownerless.Store(true)
			r := s.do(http.MethodPost, responsesPath, `{"model":"test","input":"hi","max_output_tokens":100`+more+`}`)
			r.refused(http.StatusServiceUnavailable, "ownership_failed")
			require.Equal(t, "false", r.header.Get("X-Should-Retry"))
			require.NotContains(t, r.body, "resp_")
			require.Equal(t, ledger.HoldReleased, s.holds()[0].Hold.State)
			require.EqualValues(t, granted, s.balance().Available)
			r = s.do(http.MethodPost, responsesPath, `{"model":"test","input":"hi","store":false`+more+`}`)
			require.Equal(t, http.StatusOK, r.status, "what is not stored needs no claim")
			s.db.ownerless.Store(false)
			s.respond("test", more)
		})
	}
}
