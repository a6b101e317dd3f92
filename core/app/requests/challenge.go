package requests

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math/bits"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

const (
	// ChallengeLife is how long a challenge may be answered.
	ChallengeLife = 30 * time.Minute
	// MinFill is how long a person takes to fill the form in, at least.
	MinFill = 3 * time.Second
	// DefaultDifficulty is how many leading zero bits a proof has: a browser
	// finds one in about a second.
	DefaultDifficulty = 18
	// MaxProof bounds a proof, in bytes.
	MaxProof = 64

	challengeVersion = 1
	// A challenge is a version, the time, the difficulty, 16 random bytes, and
	// a MAC over all of it.
	challengeBody = 1 + 8 + 1 + 16
	challengeLen  = challengeBody + sha256.Size
)

// Faults of challenges; compare with errors.Is.
var (
	ErrChallenge = fault.New(fault.Invalid, "invalid_challenge", "The challenge was not made here. Load the form again.")
	ErrStale     = fault.New(fault.Invalid, "challenge_expired", "The form was open for too long. Load it again.")
	ErrUsed      = fault.New(fault.Conflict, "challenge_used", "This form was sent already. Load it again to send another.")
	ErrProof     = fault.New(fault.Invalid, "invalid_proof", "The proof of work is not right. Load the form again.")
	ErrTooQuick  = fault.New(fault.Invalid, "too_quick", "That was quicker than a person fills a form in. Wait a few seconds and send it again.")
)

// Challenge is what a browser must work on before its form is taken.
type Challenge struct {
	Text       string
	Difficulty int // leading zero bits of the SHA-256 of Text, a dot and the proof
	NotBefore  time.Time
	ExpiresAt  time.Time
}

// Challenge makes a challenge. Nothing is kept of it until it is answered.
func (s *Service) Challenge() Challenge {
	now := s.d.Now().UTC().Truncate(time.Microsecond)
	body := make([]byte, challengeBody, challengeLen)
	body[0] = challengeVersion
	binary.BigEndian.PutUint64(body[1:], uint64(now.UnixMicro()))
	body[9] = byte(s.d.Difficulty)
	s.d.Entropy(body[10:])
	return Challenge{
		Text: base64.RawURLEncoding.EncodeToString(mac(s.d.Secrets[0], body)), Difficulty: s.d.Difficulty,
		NotBefore: now.Add(MinFill), ExpiresAt: now.Add(ChallengeLife),
	}
}

// mac returns body with its MAC behind it.
func mac(secret [32]byte, body []byte) []byte {
	h := hmac.New(sha256.New, secret[:])
	h.Write(body)
	return h.Sum(body[:len(body):len(body)])
}

// opened checks a challenge and its proof and returns until when it lives.
func (s *Service) opened(text, proof string) (time.Time, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != challengeLen || !s.ours(raw) || raw[0] != challengeVersion {
		return time.Time{}, ErrChallenge
	}
	made := time.UnixMicro(int64(binary.BigEndian.Uint64(raw[1:]))).UTC()
	switch now := s.d.Now(); {
	case !now.Before(made.Add(ChallengeLife)):
		return time.Time{}, ErrStale
	case now.Before(made.Add(MinFill)):
		return time.Time{}, ErrTooQuick
	case len(proof) > MaxProof || zeros(text, proof) < int(raw[9]):
		return time.Time{}, ErrProof
	}
	return made.Add(ChallengeLife), nil
}

func (s *Service) ours(raw []byte) bool {
	for _, secret := range s.d.Secrets {
		if hmac.Equal(mac(secret, raw[:challengeBody]), raw) {
			return true
		}
	}
	return false
}

// zeros returns how many leading zero bits the proof achieves.
func zeros(text, proof string) int {
	sum := sha256.Sum256([]byte(text + "." + proof))
	n := 0
	for _, b := range sum {
		n += bits.LeadingZeros8(b)
		if b != 0 {
			break
		}
	}
	return n
}

// spend notes within a transaction that a challenge was answered, ErrUsed if
// it was before.
func spend(ctx context.Context, tx store.Stores, text string, until time.Time) error {
	err := tx.Flows().Once(ctx, sha256.Sum256([]byte("access request\x00"+text)), until)
	if errors.Is(err, store.ErrTaken) {
		return ErrUsed
	}
	return err
}
