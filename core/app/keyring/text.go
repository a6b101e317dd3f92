package keyring

import (
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/guard"
)

// CheckText returns the text as access.CheckName does, and refuses text that
// looks like a secret (S2), which it does not repeat. Faults: invalid_name,
// secret_in_text.
func CheckText(text, param string) (string, error) {
	text, err := access.CheckName(text, param)
	if err == nil {
		err = guard.CheckName(text, param)
	}
	if err != nil {
		return "", err
	}
	return text, nil
}
