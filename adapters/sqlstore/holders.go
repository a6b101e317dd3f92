package sqlstore

import (
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/store"
)

// holding is a row of a key, or of a hidden credential, with what belongs to it
// and one of its limits.
type holding struct {
	key     func() keys.Key
	id      string
	account *accountRow
	member  *holderRow
	limit   *limitRow
}

// holders gathers rows, a holder's in sequence. A key without an account is left out.
func holders[R any](rows []R, of func(*R) holding) []store.KeyHolder {
	var out []store.KeyHolder
	for i := range rows {
		r := of(&rows[i])
		if r.account == nil {
			continue
		}
		if len(out) == 0 || out[len(out)-1].Key.ID != r.id {
			h := store.KeyHolder{Key: r.key(), Account: r.account.account()}
			if r.member != nil && r.member.User != nil {
				h.UserRule, h.UserGroups = r.member.User.Rule, groups(r.member.User.Groups)
			}
			out = append(out, h)
		}
		if r.limit != nil {
			last := &out[len(out)-1]
			last.Limits = append(last.Limits, r.limit.limit())
		}
	}
	return out
}
