//go:build unix

package harness

import (
	"database/sql"
	"testing"
	"time"
)

// NewAccount says what account to make. Empty fields take what lets it use
// everything.
type NewAccount struct {
	Name    string
	Groups  string // chat,api unless said
	Billing string // operator_approved unless said
	Credits int64  // microcredits
}

// Account is an account as commands show it.
type Account struct {
	ID      string   `json:"id"`
	Groups  []string `json:"groups"`
	Billing string   `json:"billing"`
	Credits struct {
		Available int64 `json:"available"`
		Held      int64 `json:"held"`
	} `json:"credits"`
}

// Key is a new API key.
type Key struct {
	ID  string `json:"id"`
	Key string `json:"key"`
}

// Event is a line of an account's activity.
type Event struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	Account string `json:"account"`
	Request string `json:"request"`
	Key     string `json:"key"`
	Reason  string `json:"reason"`
	Model   string `json:"model"`
	Amount  int64  `json:"amount"`
	Count   int64  `json:"count"`
}

// Account makes an account.
func (s *Site) Account(t testing.TB, a NewAccount) Account {
	t.Helper()
	or := func(text, otherwise string) string {
		if text == "" {
			return otherwise
		}
		return text
	}
	var made Account
	s.read(t, &made, "admin", "account", "create", "--name", or(a.Name, "E2E"), "--groups", or(a.Groups, "chat,api"),
		"--billing", or(a.Billing, "operator_approved"), "--credits", credits(a.Credits))
	return made
}

// Show returns an account as it is now.
func (s *Site) Show(t testing.TB, id string) Account {
	t.Helper()
	var a Account
	s.read(t, &a, "admin", "account", "show", id)
	return a
}

// SetBilling changes an account's billing state.
func (s *Site) SetBilling(t testing.TB, id, state string) {
	t.Helper()
	s.mustRun(t, "admin", "account", "set", id, "--billing", state)
}

// SetStatus changes an account's status.
func (s *Site) SetStatus(t testing.TB, id, status string) {
	t.Helper()
	s.mustRun(t, "admin", "account", "set", id, "--status", status)
}

// SetGroups changes an account's product groups.
func (s *Site) SetGroups(t testing.TB, id, groups string) {
	t.Helper()
	s.mustRun(t, "admin", "account", "set", id, "--groups", groups)
}

// Grant gives an account more credits.
func (s *Site) Grant(t testing.TB, id string, micro int64) {
	t.Helper()
	s.mustRun(t, "admin", "credits", "grant", id, "--credits", credits(micro), "--reason", "e2e")
}

// Key makes an API key; flags may narrow it.
func (s *Site) Key(t testing.TB, account string, flags ...string) Key {
	t.Helper()
	var k Key
	s.read(t, &k, append([]string{"admin", "key", "create", "--account", account, "--name", "e2e"}, flags...)...)
	return k
}

// Limit sets what an account may spend, or by a flag one of its members or keys.
func (s *Site) Limit(t testing.TB, account string, flags ...string) {
	t.Helper()
	s.mustRun(t, append([]string{"admin", "limits", "set", account}, flags...)...)
}

// Revoke revokes an API key.
func (s *Site) Revoke(t testing.TB, key string) {
	t.Helper()
	s.mustRun(t, "admin", "key", "revoke", key)
}

// Expire moves a key's expiry into the past, as if its year had gone by. No
// command can do that, so it edits the row.
func Expire(t testing.TB, db *sql.DB, key string) {
	t.Helper()
	past := time.Now().Add(-time.Minute).UnixMicro()
	result, err := db.ExecContext(t.Context(), "UPDATE api_keys SET expires_at = $1 WHERE id = $2", past, key)
	if err != nil {
		t.Fatalf("expire the key: %v", err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		t.Fatalf("expire the key: %d rows changed, %v", n, err)
	}
}

// Activity returns an account's events, newest first; with a request ID only
// those of that request.
func (s *Site) Activity(t testing.TB, account, request string) []Event {
	t.Helper()
	args := []string{"admin", "activity", "--account", account, "--limit", "1000"}
	if request != "" {
		args = append(args, "--request", request)
	}
	var list struct {
		Events []Event `json:"events"`
	}
	s.read(t, &list, args...)
	return list.Events
}
