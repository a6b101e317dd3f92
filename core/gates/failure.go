package gates

import (
	"maps"
	"slices"
)

// Failure is why work that had begun failed, as a person is told. A code is all
// that is kept of it; the rest follows from [FailureOf].
type Failure struct {
	Code     string
	Message  string // one or two plain sentences
	NextStep string
	// Retryable says that the same may work when it is asked for again as it is.
	Retryable bool
}

// The codes of failures that are no reasons of a gate and that the turns of a
// chat give themselves. Others come from the faults of what they stand on.
const (
	FailureServerLost     = "server_lost"     // the server died, or lost its records for long
	FailureServerStopping = "server_stopping" // the server was stopped
	FailureTooLong        = "answer_too_long" // more text than is kept
	FailureInternal       = "internal"
	FailureRefused        = "upstream_refused"
	FailureRateLimited    = "upstream_rate_limited"
	FailureUnavailable    = "upstream_unavailable"
)

const (
	again   = "Try again."
	shortly = "Wait a moment, then try again."
	other   = "Try again, or pick another model."
)

// failures has the codes that are no reasons, and those reasons that read
// another way to somebody who chats.
var failures = map[string]Failure{
	FailureServerLost:     {Message: "The server that worked on this answer stopped. What had arrived is kept, and you are charged at most for that.", NextStep: again, Retryable: true},
	FailureServerStopping: {Message: "The server was restarted and had to break this answer off. You are charged only for what it produced.", NextStep: again, Retryable: true},
	FailureTooLong:        {Message: "The answer became longer than is kept here, and was ended.", NextStep: "Ask for a shorter answer, or for it in parts."},
	FailureInternal:       {Message: "Something went wrong here.", NextStep: "Try again; if it stays, contact support with the request ID.", Retryable: true},
	FailureRefused:        {Message: "The model provider did not accept this request.", NextStep: "Shorten the conversation, change the question, or pick another model."},
	FailureRateLimited:    {Message: "The model provider is taking no more requests just now. Nothing was debited.", NextStep: shortly, Retryable: true},
	FailureUnavailable:    {Message: "The model provider could not be reached or could not do the work. Nothing was debited.", NextStep: other, Retryable: true},
	"upstream_cut":        {Message: "The answer broke off at the model provider. You are charged only for what it produced.", NextStep: again, Retryable: true},
	"upstream_failed":     {Message: "The model provider reported an error in the middle of the answer. You are charged only for what it produced.", NextStep: other, Retryable: true},
	"upstream_invalid":    {Message: "The model provider sent something that is not an answer.", NextStep: other, Retryable: true},
	"upstream_timeout":    {Message: "The answer took longer than this service waits.", NextStep: "Try again, or ask for a shorter answer.", Retryable: true},
	"store_unavailable":   {Message: "The service could not reach its records.", NextStep: shortly, Retryable: true},
	"settle_failed":       {Message: "The end of the answer could not be booked in time.", NextStep: "Look at Activity for what was charged, then try again.", Retryable: true},
	"overloaded":          {Message: "The service has more to do than it can just now.", NextStep: shortly, Retryable: true},
	"account_busy":        {Message: "The account was being changed while this began. Nothing was debited.", NextStep: shortly, Retryable: true},
	"epoch_changed":       {Message: "The account was being changed while this began. Nothing was debited.", NextStep: shortly, Retryable: true},
	"replica_fenced":      {Message: "The server was taken out of service while it worked on this answer.", NextStep: again, Retryable: true},
	"not_ready":           {Message: "The server was starting or stopping.", NextStep: shortly, Retryable: true},
	"model_not_found":     {Message: ModelNotAllowed.Sentence(), NextStep: "Pick another model."},

	string(ModelNotAllowed):  {Message: ModelNotAllowed.Sentence(), NextStep: "Pick another model."},
	string(NotSignedIn):      {Message: "Your access to chat ended while the answer was being written.", NextStep: "Sign in again."},
	string(KeyRevoked):       {Message: "Your access to chat ended while the answer was being written.", NextStep: "Sign in again."},
	string(KeyExpired):       {Message: "Your access to chat ended while the answer was being written.", NextStep: "Sign in again."},
	string(RateLimited):      {Message: RateLimited.Sentence(), NextStep: RateLimited.NextStep(), Retryable: true},
	string(CreditsExhausted): {Message: CreditsExhausted.Sentence(), NextStep: CreditsExhausted.NextStep()},
}

// FailureCodes returns the codes that have a meaning of their own as a failure, in
// order. Reasons that are not among them mean as a failure what they mean at a gate.
func FailureCodes() []string { return slices.Sorted(maps.Keys(failures)) }

// FailureOf returns what a code means. One that is not known here is told as an
// internal failure, under its own name.
func FailureOf(code string) Failure {
	f, ok := failures[code]
	if !ok {
		if r := Reason(code); r.Sentence() != "" {
			f = Failure{Message: r.Sentence(), NextStep: r.NextStep()}
		} else {
			f = failures[FailureInternal]
		}
	}
	f.Code = code
	return f
}
