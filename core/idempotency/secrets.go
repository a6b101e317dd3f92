package idempotency

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
)

// Purposes of the keys that are derived from a pepper. A change of one makes
// all that was kept under it unknown.
const (
	purposeID      = "archibotchat idempotency id v1"
	purposePrint   = "archibotchat idempotency print v1"
	purposeOutcome = "archibotchat idempotency outcome v1"
)

// Secrets are what names and answers are kept under: keys derived from each
// pepper, the present one first. They print nothing.
type Secrets struct{ of []secret }

type secret struct {
	names, prints func() []byte // functions, because fmt shows no more of one than its address
	pepper        keys.Pepper
}

// NewSecrets derives the keys.
func NewSecrets(peppers keys.Peppers) *Secrets {
	s := &Secrets{}
	for _, p := range peppers {
		names, prints := p.Derive(purposeID, nil), p.Derive(purposePrint, nil)
		s.of = append(s.of, secret{func() []byte { return names[:] }, func() []byte { return prints[:] }, p})
	}
	return s
}

// Request is what a client sent under a key.
type Request struct {
	Account string
	Key     Key
	Route   string
	Body    []byte
}

// Names returns the name of a request: as the present pepper gives it, then as
// earlier ones did. Its print is that of account, key, route and body.
func (s *Secrets) Names(r Request) []ledger.Name {
	body := sha256.Sum256(r.Body) // once, however many peppers there are
	names := make([]ledger.Name, len(s.of))
	for i, secret := range s.of {
		names[i] = ledger.Name{
			ID:    digest(secret.names(), r.Account, r.Key.text),
			Print: digest(secret.prints(), r.Account, r.Key.text, r.Route, string(body[:])),
		}
	}
	return names
}

// NonceLen is how many random bytes Seal takes.
const NonceLen = 12

// sealed begins every sealed answer and tells its form.
const sealedForm = 1

// SealedMax is the length of the longest sealed answer.
const SealedMax = MaxOutcome + 1 + NonceLen + 16

// Seal encrypts an encoded answer for whoever sends the key again. request is
// the ID of the request that it answers.
func (s *Secrets) Seal(account string, k Key, request string, nonce [NonceLen]byte, encoded []byte) []byte {
	out := make([]byte, 0, 1+NonceLen+len(encoded)+16)
	out = append(out, sealedForm)
	out = append(out, nonce[:]...)
	return s.of[0].cipher(account, k, request).Seal(out, nonce[:], encoded, out[:1])
}

// errSealed means that what is stored is not an answer that can be opened.
var errSealed = errors.New("the stored answer cannot be opened: its pepper is gone, or it was changed")

// Open decrypts what Seal returned, in place.
func (s *Secrets) Open(account string, k Key, request string, sealed []byte) ([]byte, error) {
	if len(sealed) < 1+NonceLen+16 || sealed[0] != sealedForm {
		return nil, errSealed
	}
	form, nonce, text := sealed[:1], sealed[1:1+NonceLen], sealed[1+NonceLen:]
	for i, secret := range s.of {
		into := text[:0]
		if i < len(s.of)-1 {
			into = nil // a failure clears what it wrote over
		}
		if plain, err := secret.cipher(account, k, request).Open(into, nonce, text, form); err == nil {
			return plain, nil
		}
	}
	return nil, errSealed
}

// cipher returns the cipher of one answer: no other has its key.
func (s secret) cipher(account string, k Key, request string) cipher.AEAD {
	of := digest(nil, account, k.text, request)
	key := s.pepper.Derive(purposeOutcome, of[:])
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // a key of 32 bytes is a good one
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has blocks of 16 bytes
	}
	return aead
}

// digest is the HMAC of texts, each with its length before it.
func digest(key []byte, texts ...string) [32]byte {
	mac := hmac.New(sha256.New, key)
	for _, text := range texts {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(text)))
		mac.Write(n[:])
		mac.Write([]byte(text))
	}
	return [32]byte(mac.Sum(nil))
}
