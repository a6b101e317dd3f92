package audit

// The kinds of answers in the chat that did not come to their end. One that did
// leaves its debit.
const (
	ChatTurnFailed  Kind = "chat.turn_failed" // the reason tells why
	ChatTurnStopped Kind = "chat.turn_stopped"
)
