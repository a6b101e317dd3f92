package pricing

import (
	"cmp"
	"slices"
	"time"
)

// Issue is a book from the time on that it was published for.
type Issue struct {
	Book      Book
	Effective time.Time
	Seq       int64 // of several for the same time the last published holds
}

// Schedule is an environment's books over time. At any instant one of them
// holds, whole: the one that took effect last.
type Schedule struct{ issues []Issue }

// NewSchedule returns the schedule of the issues.
func NewSchedule(issues []Issue) Schedule {
	sorted := slices.Clone(issues)
	slices.SortFunc(sorted, func(a, b Issue) int {
		return cmp.Or(a.Effective.Compare(b.Effective), cmp.Compare(a.Seq, b.Seq))
	})
	return Schedule{sorted}
}

// At returns the edition in force at now; false before the first.
func (s Schedule) At(now time.Time) (Edition, bool) {
	for _, i := range slices.Backward(s.issues) {
		if !i.Effective.After(now) {
			return i.Book.At(now)
		}
	}
	return Edition{}, false
}
