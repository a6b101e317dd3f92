package chat

import "time"

// Role is who speaks.
type Role string

// The roles of messages.
const (
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
)

// Message is one message of a thread.
type Message struct {
	ID        string // msg_…
	Account   string
	Thread    string
	Parent    string // empty: the first of a path
	Depth     int    // how many come before it on its path
	Role      Role
	Text      string // of an answer at work: what was stored of it so far
	Turn      string // that it is the question or the answer of
	CreatedAt time.Time
}
