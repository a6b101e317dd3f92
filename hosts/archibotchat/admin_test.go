package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRun_AdminAccount(t *testing.T) {
	t.Parallel()
	p := local(t)
	made := p.json(t, "admin", "account", "create", "--name", "Acme", "--groups", "chat,api", "--billing", "operator_approved", "--credits", "12.5")
	id := made["id"].(string)
	require.Regexp(t, `^acct_`, id)
	require.Regexp(t, `^req_`, made["request_id"])

	shown := p.json(t, "admin", "account", "show", id)
	require.Equal(t, []any{"api", "chat"}, shown["groups"])
	require.Equal(t, "operator_approved", shown["billing"])
	require.Equal(t, "active", shown["status"])
	require.Equal(t, map[string]any{"available": 12.5e6, "held": 0.0, "expired": 0.0, "balance": 12.5e6}, shown["credits"])

	set := p.json(t, "admin", "account", "set", id, "--billing", "review", "--groups", "", "--status", "suspended", "--name", "Acme Ltd")
	require.Equal(t, "review", set["billing"])
	require.Equal(t, []any{}, set["groups"])
	require.Equal(t, "suspended", set["status"])
	set = p.json(t, "admin", "account", "set", id, "--groups", "api")
	require.Equal(t, []any{"api"}, set["groups"])
	require.Equal(t, "Acme Ltd", set["name"], "what is not named stays")

	second := p.json(t, "admin", "account", "create", "--name", "Plain")
	require.Equal(t, "none", second["billing"])
	all := p.json(t, "admin", "account", "list")["accounts"].([]any)
	require.Len(t, all, 2)
	rest := p.json(t, "admin", "account", "list", "--limit", "1", "--after", id)["accounts"].([]any)
	require.Equal(t, second["id"], rest[0].(map[string]any)["id"])

	out, _, code := p.run(t, "admin", "account", "show", id)
	require.Zero(t, code)
	require.Contains(t, out, "Available  12.5 credits\n")
}

func TestRun_AdminCredits(t *testing.T) {
	t.Parallel()
	p := local(t)
	id := p.json(t, "admin", "account", "create", "--name", "Acme", "--credits", "1")["id"].(string)
	lot := p.json(t, "admin", "credits", "grant", id, "--credits", "0.000001", "--reason", "goodwill")
	require.Regexp(t, `^lot_`, lot["id"])
	require.EqualValues(t, 1, lot["granted"])
	require.Equal(t, "operator", lot["source"])

	balance := p.json(t, "admin", "credits", "balance", id)["credits"].(map[string]any)
	require.EqualValues(t, 1_000_001, balance["available"])
	require.Len(t, p.json(t, "admin", "credits", "lots", id)["lots"], 2)

	events := p.json(t, "admin", "activity", "--account", id, "--request", lot["request_id"].(string))["events"].([]any)
	require.Len(t, events, 1, "a command's request ID leads to what it did")
	event := events[0].(map[string]any)
	require.Equal(t, "credits.granted", event["kind"])
	require.Equal(t, "goodwill", event["reason"])
	actor := event["actor"].(map[string]any)
	require.Equal(t, "operator", actor["kind"])
	require.NotEmpty(t, actor["id"])

	out, _, code := p.run(t, "ledger", "verify")
	require.Zero(t, code)
	require.Equal(t, "accounts: 1, entries: 2, OK\n", out)
	require.Equal(t, true, p.json(t, "ledger", "verify")["ok"])
}

func TestRun_AdminEmptyLists(t *testing.T) {
	t.Parallel()
	p := local(t)
	says := func(want string, args ...string) {
		t.Helper()
		out, errs, code := p.run(t, args...)
		require.Zero(t, code, errs)
		require.Equal(t, want+"\n", out)
	}
	says("There are no accounts.", "admin", "account", "list")
	says("There are no keys.", "admin", "key", "peppers")
	id := p.json(t, "admin", "account", "create", "--name", "Acme")["id"].(string)
	says("There is nothing after this ID.", "admin", "account", "list", "--after", id)
	says("No limits are set.", "admin", "limits", "list", id)
	says("The account has no keys.", "admin", "key", "list", "--account", id)
	says("The account has no credits and never had any.", "admin", "credits", "lots", id)
	says("No events.", "admin", "activity", "--account", id, "--request", "req_none")
	require.Equal(t, []any{}, p.json(t, "admin", "limits", "list", id)["limits"])
}

func TestRun_AdminCorrect(t *testing.T) { // L11
	t.Parallel()
	p := local(t)
	id := p.json(t, "admin", "account", "create", "--name", "Acme", "--credits", "10")["id"].(string)
	correct := []string{"admin", "credits", "correct", id, "--reason", "charged twice"}

	out, _, code := p.run(t, append(correct, "--credits=-2.5", "--dry-run")...)
	require.Zero(t, code)
	require.Regexp(t, `^Would correct +-2\.5 credits\nAccount +acct_\w+\nLot +-2\.5 of lot_\w+\nAvailable then +7\.5 credits\n$`, out)
	require.EqualValues(t, 10_000_000, p.json(t, "admin", "credits", "balance", id)["credits"].(map[string]any)["available"])

	out, _, code = p.run(t, append(correct, "--credits=-2.5")...)
	require.Zero(t, code)
	require.Regexp(t, `^Corrected +-2\.5 credits\n(.*\n)*Available now +7\.5 credits\nRequest +req_\w+\n$`, out)
	out, _, code = p.run(t, append(correct, "--credits", "4", "--dry-run")...)
	require.Zero(t, code)
	require.Contains(t, out, "+4 of a new lot\n")
	made := p.json(t, append(correct, "--credits", "4")...)
	require.EqualValues(t, 11_500_000, made["available"])
	part := made["lots"].([]any)[0].(map[string]any)
	require.Equal(t, true, part["made"])
	lots := p.json(t, "admin", "credits", "lots", id)["lots"].([]any)
	require.Equal(t, [2]any{part["id"], "correction"}, [2]any{lots[1].(map[string]any)["id"], lots[1].(map[string]any)["source"]})

	_, errs, code := p.run(t, append(correct, "--credits=-11.500001")...)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "neither held nor expired")
	_, errs, code = p.run(t, append(correct, "--credits", "-1")...)
	require.NotZero(t, code)
	require.Contains(t, errs, `--credits="-1"`, "it says how to write it")

	events := p.json(t, "admin", "activity", "--account", id)["events"].([]any)
	require.Len(t, events, 4, "beside the account and its first credits")
	require.Equal(t, "credits.corrected", events[0].(map[string]any)["kind"])
	require.Equal(t, "charged twice", events[0].(map[string]any)["reason"])
	out, _, code = p.run(t, "ledger", "verify")
	require.Zero(t, code)
	require.Equal(t, "accounts: 1, entries: 3, OK\n", out)
}

func TestRun_AdminBackup(t *testing.T) {
	t.Parallel()
	p := local(t)
	to := filepath.Join(t.TempDir(), "copy.db")
	_, errs, code := p.run(t, "admin", "backup", "--to", to)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "no database file")
	id := p.json(t, "admin", "account", "create", "--name", "Acme", "--credits", "7")["id"].(string)
	made := p.json(t, "admin", "backup", "--to", to)
	require.Equal(t, to, made["file"])
	require.Positive(t, made["bytes"])
	_, errs, code = p.run(t, "admin", "backup", "--to", to)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "file of that name")

	other := local(t).with(map[string]string{"ARCHIBOT_DATABASE_URL": "sqlite:" + to})
	require.Equal(t, "Acme", other.json(t, "admin", "account", "show", id)["name"])
	out, _, code := other.run(t, "ledger", "verify")
	require.Zero(t, code)
	require.Equal(t, "accounts: 1, entries: 1, OK\n", out)
}

func TestRun_AdminKey(t *testing.T) {
	t.Parallel()
	p := local(t)
	account := p.json(t, "admin", "account", "create", "--name", "Acme")["id"].(string)
	made := p.json(t, "admin", "key", "create", "--account", account, "--name", "ci", "--expires-in", "24h", "--models", "gpt-4*,o3", "--scopes", "models")
	require.Regexp(t, `^key_`, made["id"])
	require.Regexp(t, `^abk_[0-9A-Za-z]{49}$`, made["key"])
	require.Equal(t, []any{"gpt-4*", "o3"}, made["models"])
	expires, err := time.Parse(time.RFC3339, made["expires_at"].(string))
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(24*time.Hour), expires, time.Minute)

	rotated := p.json(t, "admin", "key", "rotate", made["id"].(string), "--overlap", "1h")
	require.Equal(t, made["id"], rotated["replaces"])
	require.NotEqual(t, made["key"], rotated["key"])

	revoked := p.json(t, "admin", "key", "revoke", rotated["id"].(string))
	require.Equal(t, "revoked", revoked["state"])
	require.NotContains(t, revoked, "key")

	out, _, code := p.run(t, "admin", "key", "list", "--account", account, "--json")
	require.Zero(t, code)
	require.NotContains(t, out, made["key"], "a key is shown once")
	var list struct {
		Keys []struct{ ID, State, Last4 string } `json:"keys"`
	}
	require.NoError(t, json.Unmarshal([]byte(out), &list))
	require.Len(t, list.Keys, 2)
	require.Equal(t, "revoked", list.Keys[0].State)
	require.Equal(t, "active", list.Keys[1].State)
}

func TestRun_AdminLimits(t *testing.T) { // L12, K7
	t.Parallel()
	p := local(t)
	account := p.json(t, "admin", "account", "create", "--name", "Acme")["id"].(string)
	key := p.json(t, "admin", "key", "create", "--account", account, "--name", "ci", "--networks", "10.0.0.1/8,::1", "--monthly", "0.5", "--requests", "6")
	require.Equal(t, []any{"10.0.0.0/8", "::1/128"}, key["networks"])
	id := key["id"].(string)

	set := p.json(t, "admin", "limits", "set", account, "--monthly", "12.5", "--requests", "60")
	require.Equal(t, "operator", set["of"])
	require.InDelta(t, 12.5e6, set["monthly"], 0)
	set = p.json(t, "admin", "limits", "set", account, "--requests", "0", "--tokens", "1000")
	require.Equal(t, []any{12.5e6, 0.0, 1000.0}, []any{set["monthly"], set["requests_per_minute"], set["tokens_per_minute"]}, "what is not named stays")
	require.Equal(t, "member", p.json(t, "admin", "limits", "set", account, "--user", "user_1", "--tokens", "7")["of"])
	set = p.json(t, "admin", "limits", "set", account, "--key", id, "--monthly", "1")
	require.Equal(t, []any{"key", id, 1e6, 6.0}, []any{set["of"], set["id"], set["monthly"], set["requests_per_minute"]})
	require.NotNil(t, set["resets_at"])

	list := p.json(t, "admin", "limits", "list", account)["limits"].([]any)
	require.Len(t, list, 3)
	rotated := p.json(t, "admin", "key", "rotate", id)["id"].(string)
	set = p.json(t, "admin", "limits", "clear", account, "--key", rotated)
	require.Equal(t, []any{id, 0.0}, []any{set["id"], set["monthly"]}, "a rotated key has the caps of its line")
	p.json(t, "admin", "limits", "clear", account, "--user", "user_1")
	p.json(t, "admin", "limits", "clear", account)
	require.Empty(t, p.json(t, "admin", "limits", "list", account)["limits"])

	changed := p.json(t, "admin", "key", "set", rotated, "--networks", "", "--models", "m*")
	require.Equal(t, []any{}, changed["networks"])
	require.Equal(t, []any{"m*"}, changed["models"])
	changed = p.json(t, "admin", "key", "set", rotated, "--models", "")
	require.Equal(t, []any{}, changed["models"])

	for _, args := range [][]string{
		{"admin", "limits", "clear", account},
		{"admin", "limits", "list", "acct_none"},
		{"admin", "limits", "set", account, "--user", "acct_1", "--tokens", "1"},
		{"admin", "limits", "set", account, "--key", "key_none", "--tokens", "1"},
		{"admin", "limits", "set", account, "--key", id, "--user", "user_1", "--tokens", "1"},
		{"admin", "key", "set", rotated, "--networks", "x"},
	} {
		_, _, code := p.run(t, args...)
		require.NotZero(t, code, args)
	}
}

func TestRun_AdminSession(t *testing.T) {
	t.Parallel()
	p := local(t)
	account := p.json(t, "admin", "account", "create", "--name", "Acme")["id"].(string)
	made := p.json(t, "admin", "session", "create", "--account", account)
	require.Regexp(t, `^ses_`, made["id"])
	require.Equal(t, "admin", made["role"])
	require.Equal(t, "archibot_session="+made["token"].(string), made["cookie"])

	s := p.serve(t)
	code, body, _ := s.get(t, "/api/me", "Cookie", made["cookie"].(string))
	require.Equal(t, 200, code, body)
	require.Contains(t, body, account)
}

func TestRun_Failures(t *testing.T) {
	t.Parallel()
	p := local(t)
	t.Run("one sentence and a next step", func(t *testing.T) {
		_, errs, code := p.run(t, "admin", "account", "show", "acct_none")
		require.Equal(t, 1, code)
		require.Equal(t, "archibotchat: There is no such object. Check the ID; archibotchat admin account list shows the accounts.\n", errs)
	})
	t.Run("as JSON", func(t *testing.T) {
		out, errs, code := p.run(t, "admin", "credits", "grant", "acct_none", "--credits", "1", "--reason", "r", "--json")
		require.Equal(t, 1, code)
		require.Empty(t, out)
		var v struct {
			Error struct{ Code, Message string }
		}
		require.NoError(t, json.Unmarshal([]byte(errs), &v), errs)
		require.Equal(t, "not_found", v.Error.Code)
	})
	t.Run("bad values", func(t *testing.T) {
		for _, args := range [][]string{
			{"account", "create", "--name", ""},
			{"account", "create", "--name", "a", "--groups", "admins"},
			{"account", "create", "--name", "a", "--billing", "paid"},
			{"account", "create", "--name", "a", "--credits", "-1"},
			{"account", "create", "--name", "a", "--credits", "0.0000001"},
			{"account", "create", "--name", "a", "--status", "gone"},
			{"credits", "grant", "acct_none", "--credits", "0", "--reason", "r"},
		} {
			out, errs, code := p.run(t, append([]string{"admin"}, args...)...)
			require.NotZero(t, code, "%v: %s", args, out)
			require.NotEmpty(t, errs)
		}
		require.Empty(t, p.json(t, "admin", "account", "list")["accounts"], "nothing was made")
	})
	t.Run("usage", func(t *testing.T) {
		_, errs, code := p.run(t, "admin", "key", "create")
		require.Equal(t, 2, code)
		require.Contains(t, errs, "Usage: archibotchat admin key create")
		require.Contains(t, errs, "archibotchat: missing flags: --account=ID, --name=STRING")
		_, errs, code = p.run(t, "frobnicate", "--json")
		require.Equal(t, 2, code)
		require.Contains(t, errs, `{"error":{"code":"usage",`)
	})
	t.Run("help", func(t *testing.T) {
		out, _, code := p.run(t, "admin", "--help")
		require.Zero(t, code)
		require.Contains(t, out, "admin session create")
		require.Contains(t, out, "[ARCHIBOT_UPSTREAM_KEY[_FILE]]")
	})
	t.Run("no database outside local", func(t *testing.T) {
		_, errs, code := p.with(map[string]string{"ARCHIBOT_ENVIRONMENT": "hosted"}).run(t, "admin", "account", "list")
		require.Equal(t, 1, code)
		require.Contains(t, errs, "ARCHIBOT_DATABASE_URL is missing or empty")
		require.NotContains(t, errs, "UPSTREAM", "admin commands need no upstream")
	})
	t.Run("no peppers outside local", func(t *testing.T) {
		hosted := local(t).with(map[string]string{"ARCHIBOT_ENVIRONMENT": "hosted", "ARCHIBOT_DATABASE_URL": "sqlite:a.db"})
		id := hosted.json(t, "admin", "account", "create", "--name", "Acme")["id"].(string)
		_, errs, code := hosted.run(t, "admin", "key", "create", "--account", id, "--name", "n")
		require.Equal(t, 1, code)
		require.Contains(t, errs, "ARCHIBOT_PEPPERS is missing or empty")
	})
}

func TestRun_AdminKeyLeaked(t *testing.T) { // K9
	t.Parallel()
	p := local(t)
	account := p.json(t, "admin", "account", "create", "--name", "Acme")["id"].(string)
	made := p.json(t, "admin", "key", "create", "--account", account, "--name", "x")
	token := made["key"].(string)
	leaked := func(text string) (out, errs string, code int) {
		var o, e bytes.Buffer
		code = Run(t.Context(), []string{"admin", "key", "leaked"}, Process{Lookup: p.lookup, In: strings.NewReader(text), Out: &o, Err: &e})
		return o.String(), e.String(), code
	}
	for _, text := range []string{"", "abk_x", token[:len(token)-1]} {
		out, errs, code := leaked(text)
		require.Equal(t, 1, code)
		require.Empty(t, out)
		require.Contains(t, errs, "no key of this database")
	}
	out, _, code := leaked(" " + token + "\n")
	require.Zero(t, code)
	require.Contains(t, out, made["id"])
	require.NotContains(t, out, token)
	events := p.json(t, "admin", "activity", "--account", account)["events"].([]any)
	require.Equal(t, "key.revoked", events[0].(map[string]any)["kind"])
	require.Equal(t, "leaked", events[0].(map[string]any)["reason"])
	require.Equal(t, "operator", events[0].(map[string]any)["actor"].(map[string]any)["kind"])

	use := p.json(t, "admin", "key", "usage", made["id"].(string), "--from", "2026-01-01", "--to", "2026-01-31")
	require.Equal(t, "2026-01-31", use["to"])
	require.Equal(t, []any{}, use["days"])
	_, _, code = p.run(t, "admin", "key", "usage", made["id"].(string), "--from", "2026-01-01", "--to", "2026-06-01")
	require.Equal(t, 1, code)
	out, _, code = p.run(t, "admin", "key", "usage", made["id"].(string))
	require.Zero(t, code)
	require.Contains(t, out, "total")
}
