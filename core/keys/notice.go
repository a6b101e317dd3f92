package keys

import (
	"strconv"
	"time"
)

// noticeDays are how many days before its end an owner is told that a key
// expires (K4), the first notice first.
var noticeDays = [...]int{30, 7, 1}

// Notice is one of the notices that a key expires.
type Notice struct{ Days int }

// Code returns the notice as the reason of its event.
func (n Notice) Code() string {
	if n.Days == 1 {
		return "expires_in_1_day"
	}
	return "expires_in_" + strconv.Itoa(n.Days) + "_days"
}

// FirstNotice returns when the first notice of a new key is due; zero if it
// gets none. A key that lives no longer than a notice's days does not get that
// notice.
func (k Key) FirstNotice() time.Time {
	_, next := k.notice(k.CreatedAt)
	return next
}

// Due returns the notice that is due at now, and when the next one is: zero if
// there is none. Of several that were missed only the last counts. A key that
// does not work, or was rotated, gets none.
func (k Key) Due(now time.Time) (due Notice, next time.Time) {
	if k.State(now) != StateActive || k.Successor != "" {
		return Notice{}, time.Time{}
	}
	return k.notice(now)
}

func (k Key) notice(now time.Time) (due Notice, next time.Time) {
	for _, days := range noticeDays {
		at := k.ExpiresAt.Add(-time.Duration(days) * 24 * time.Hour)
		switch {
		case !at.After(k.CreatedAt): // it lives no longer than that
		case at.After(now):
			return due, at
		default:
			due = Notice{days}
		}
	}
	return due, time.Time{}
}
