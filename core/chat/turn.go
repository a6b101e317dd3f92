package chat

import "time"

// State is how far a turn is.
type State string

// The states of a turn. It begins as running and ends as one of the others.
const (
	Running State = "running"
	Done    State = "done"
	Stopped State = "stopped" // by its user
	Failed  State = "failed"
)

// Turn is one question and the work on its answer.
type Turn struct {
	ID       string // turn_…
	Account  string
	User     string
	Thread   string
	Question string // message IDs
	Answer   string
	// Key is the browser's own name of the turn: asked twice it is the same one.
	Key     string
	Model   string
	Request string // req_… under which credits were held and debited
	// Owner is the process at work on it, and Until when it is taken for dead.
	Owner    string
	Until    time.Time
	Stopping bool // its user asked it to stop

	State     State
	Reason    string // code, where it failed
	Sent      int    // messages that the model was sent, the question included
	LeftOut   int    // earlier ones that had no room
	Input     int64  // tokens
	Cached    int64
	Output    int64
	Estimated bool
	Debited   int64 // microcredits
	// Settled says that Debited will not change.
	Settled   bool
	StartedAt time.Time
	FirstAt   time.Time // when the first text came; zero: none did
	EndedAt   time.Time
	Steps     []Step
}

// Step is something that happened to a turn, for those who look into one.
type Step struct {
	Name string        `json:"name"` // gate, hold, upstream, first_text, settle, end
	At   time.Duration `json:"at"`   // since the turn began, in nanoseconds
	Note string        `json:"note,omitempty"`
}

// MaxSteps bounds the steps of a turn.
const MaxSteps = 32

// Prompt is a question that somebody keeps to ask it again.
type Prompt struct {
	ID        string // prm_…
	Account   string
	User      string
	Title     string
	Text      string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Limits of prompts and drafts.
const (
	MaxPrompts = 500
	MaxPrompt  = 32 << 10
	MaxDraft   = MaxQuestion
)
