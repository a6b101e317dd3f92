package guard

import "github.com/archibot/archibotchat/core/fault"

// What is found, as people are told.
const (
	APIKey     = "an API key" //nolint:gosec // it is what one is called
	Token      = "an access token"
	Cookie     = "a cookie"
	Password   = "a password"
	PrivateKey = "a private key"
	Card       = "a card number"
)

// Code is the code of the fault that refuses a text.
const Code = "secret_in_text"

// finders look for one sort each, the surest first.
var finders = []struct {
	what string
	in   func(text string) bool
}{
	{PrivateKey, hasPrivateKey},
	{APIKey, hasKey},
	{Token, hasToken},
	{Cookie, hasCookie},
	{Password, hasPassword},
	{APIKey, hasAssignedKey},
	{Card, hasCard},
	{Token, hasOpaque},
}

// Find says what sort of secret a text seems to hold; false if none. It does
// not say where, so that nobody repeats it.
func Find(text string) (what string, found bool) {
	text = fold(text)
	for _, f := range finders {
		if f.in(text) {
			return f.what, true
		}
	}
	return "", false
}

// Check returns a fault of kind Invalid and code secret_in_text if a text seems
// to hold a secret, and nil otherwise. param is the input's name.
func Check(text, param string) error {
	what, found := Find(text)
	if !found {
		return nil
	}
	return refusal(what, param)
}

func refusal(what, param string) error {
	f := fault.New(fault.Invalid, Code, "This text seems to hold "+what+". It was not stored. Take it out: others may read what stands here.")
	f.Param = param
	return f
}
