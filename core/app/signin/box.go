package signin

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/ports/identity"
)

// purposeGrant is what the keys of grants are derived for. A change of it makes
// all that is sealed unreadable: its sessions end at their next check.
const purposeGrant = "archibotchat session grant v1"

const (
	boxForm  = 1 // begins every sealed grant
	nonceLen = 12
	maxGrant = 64 << 10
)

// box seals grants: under the present pepper, for one session each.
type box struct {
	peppers keys.Peppers
	entropy func([]byte)
}

// content is a grant as it is sealed. Its names are kept.
type content struct {
	Refresh string `json:"r,omitempty"`
	IDToken string `json:"i,omitempty"`
	Access  string `json:"a,omitempty"`
	Until   int64  `json:"u,omitempty"` // microseconds
}

var errGrant = errors.New("the sealed grant cannot be opened: its pepper is gone, or it was changed")

// seal returns the grant for the session, sealed; nil if it is empty.
func (b *box) seal(session string, g identity.Grant) ([]byte, error) {
	if g.Empty() {
		return nil, nil
	}
	if len(b.peppers) == 0 {
		return nil, errors.New("no pepper to seal a grant under")
	}
	c := content{Refresh: g.Refresh, IDToken: g.IDToken, Access: g.Access}
	if !g.AccessUntil.IsZero() {
		c.Until = g.AccessUntil.UnixMicro()
	}
	text, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode a grant: %w", err)
	}
	if len(text) > maxGrant {
		return nil, errors.New("the provider's tokens are too long to be kept")
	}
	nonce := make([]byte, nonceLen)
	b.entropy(nonce)
	out := append([]byte{boxForm}, nonce...)
	return aead(b.peppers[0], session).Seal(out, nonce, text, []byte(session)), nil
}

// open returns what seal sealed for the session.
func (b *box) open(session string, sealed []byte) (identity.Grant, error) {
	if len(sealed) == 0 {
		return identity.Grant{}, nil
	}
	if len(sealed) < 1+nonceLen || sealed[0] != boxForm {
		return identity.Grant{}, errGrant
	}
	for _, p := range b.peppers {
		text, err := aead(p, session).Open(nil, sealed[1:1+nonceLen], sealed[1+nonceLen:], []byte(session))
		if err != nil {
			continue
		}
		var c content
		if json.Unmarshal(text, &c) != nil {
			return identity.Grant{}, errGrant
		}
		g := identity.Grant{Refresh: c.Refresh, IDToken: c.IDToken, Access: c.Access}
		if c.Until != 0 {
			g.AccessUntil = time.UnixMicro(c.Until).UTC()
		}
		return g, nil
	}
	return identity.Grant{}, errGrant
}

// aead is the cipher of one session's grants: no other has its key.
func aead(p keys.Pepper, session string) cipher.AEAD {
	key := p.Derive(purposeGrant, []byte(session))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // a key of 32 bytes is a good one
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has blocks of 16 bytes
	}
	return gcm
}
