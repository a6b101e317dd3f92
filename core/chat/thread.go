package chat

import "time"

// Limits of what a thread holds, in bytes of UTF-8 where it is text.
const (
	MaxTitle        = 200
	MaxInstructions = 16 << 10
	MaxQuestion     = 128 << 10
	MaxDepth        = 10_000  // messages on one path
	MaxMessages     = 20_000  // of a thread, on all paths
	MaxThreads      = 100_000 // of a member
)

// Thread is a conversation of one member of an account.
type Thread struct {
	ID      string // thr_…
	Account string
	User    string // empty: of a session without a user
	Title   string
	// Named says that a person chose the title; else it is from the first question.
	Named        bool
	Instructions string // what the model is told before the first message
	Model        string // what the next question goes to; empty: the default
	Head         string // the last message of the path that is shown; empty: none
	Messages     int    // on all paths
	PinnedAt     time.Time
	ArchivedAt   time.Time
	DeletedAt    time.Time // until it is wiped it can be restored
	CreatedAt    time.Time
	UpdatedAt    time.Time // when it was last asked or answered something
	Running      string    // the turn at work in it; empty: none
}
