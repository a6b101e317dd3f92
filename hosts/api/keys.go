package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/app/keyring"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// Key is an API key without what would let anybody use it.
type Key struct {
	ID         string     `json:"id" example:"key_06b1v5k9ehq7r4m2d8t0s3n1cg"`
	Name       string     `json:"name" example:"build server"`
	Start      string     `json:"start" doc:"The token's first characters." example:"abk_4fT9"`
	Last4      string     `json:"last4" doc:"The token's last four characters." example:"x7Qa"`
	User       string     `json:"user_id,omitempty" doc:"Whose key it is; absent if it is the account's as a whole."`
	Scopes     []string   `json:"scopes" nullable:"false" doc:"What it may be used for."`
	Models     []string   `json:"models" nullable:"false" doc:"The models it may use, as exact IDs or prefixes ending in *; empty means all."`
	Networks   []string   `json:"networks" nullable:"false" doc:"The networks it may be used from, in CIDR form; empty means all."`
	Limits     *KeyLimits `json:"limits,omitempty" doc:"What it may spend, with the keys it was rotated from; absent if it has no caps of its own."`
	State      string     `json:"state" enum:"active,expired,revoked"`
	CreatedAt  time.Time  `json:"created_at"`
	ExpiresAt  time.Time  `json:"expires_at"`
	LastUsedAt *time.Time `json:"last_used_at,omitempty" doc:"To the minute; absent if it was never used."`
	RevokedAt  *time.Time `json:"revoked_at,omitempty"`
	Successor  string     `json:"successor,omitempty" doc:"The key that replaces it after a rotation."`
}

// KeyLimits are the caps of a key, with what has counted against them.
type KeyLimits struct {
	Bounds
	Counted
}

// KeyList is a page of keys, newest first.
type KeyList struct {
	Data       []Key  `json:"data" nullable:"false"`
	NextCursor string `json:"next_cursor,omitempty" doc:"Pass it as cursor to get the next page; absent on the last one."`
}

// KeyDraft describes a key to make.
type KeyDraft struct {
	Name      string     `json:"name" minLength:"1" maxLength:"100" doc:"To tell it from others. Text that looks like a secret is refused." example:"build server"`
	ExpiresIn int64      `json:"expires_in_seconds,omitempty" minimum:"60" maximum:"31622400" doc:"Its life in seconds, at most a year; a year unless told."`
	Scopes    []string   `json:"scopes,omitempty" nullable:"false" maxItems:"10" enum:"models,chat.completions,responses,embeddings" doc:"Narrows what it may be used for; all unless told."`
	Models    []string   `json:"models,omitempty" nullable:"false" maxItems:"100" doc:"Narrows the models, as exact IDs or prefixes ending in *; all unless told."`
	Networks  []string   `json:"networks,omitempty" nullable:"false" maxItems:"100" doc:"Narrows where it may be used from, as networks in CIDR form or single addresses; anywhere unless told." example:"[\"192.0.2.0/24\"]"`
	Limits    LimitDraft `json:"limits,omitzero" doc:"What it may spend; no bound of its own unless told."`
}

// KeyChange says what is to change of a key. What is absent stays as it is.
type KeyChange struct {
	Models   *[]string    `json:"models,omitempty" nullable:"false" maxItems:"100" doc:"The models it may use; empty means all."`
	Networks *[]string    `json:"networks,omitempty" nullable:"false" maxItems:"100" doc:"The networks it may be used from; empty means all."`
	Limits   *LimitChange `json:"limits,omitempty" doc:"What it may spend."`
}

// LimitChange says what is to change of a limit. What is absent stays as it is.
type LimitChange struct {
	Monthly  *int64 `json:"monthly,omitempty" minimum:"0" maximum:"1000000000000000" doc:"Microcredits in a calendar month of UTC; 0 means no bound."`
	Requests *int64 `json:"requests_per_minute,omitempty" minimum:"0" maximum:"1000000000" doc:"0 means no bound."`
	Tokens   *int64 `json:"tokens_per_minute,omitempty" minimum:"0" maximum:"1000000000" doc:"0 means no bound."`
}

// NewKey is a key with its token, which is shown this once.
type NewKey struct {
	Key   Key    `json:"key"`
	Token string `json:"token" doc:"The whole key. It is never shown again." example:"abk_…"`
}

// Rotation says how a key is replaced.
type Rotation struct {
	Overlap *int64 `json:"overlap_seconds,omitempty" minimum:"0" maximum:"604800" doc:"How long the old key works on, in seconds, at most 7 days; 86400 unless told."`
}

type (
	keyOutput    struct{ Body Key }
	newKeyOutput struct{ Body NewKey }
	keysInput    struct {
		Cursor string `query:"cursor" maxLength:"64" doc:"next_cursor of the page before."`
		Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"How many at most."`
	}
	keysOutput struct{ Body KeyList }
	keyInput   struct {
		ID string `path:"id" maxLength:"64" doc:"The key's ID."`
	}
	draftInput  struct{ Body KeyDraft }
	changeInput struct {
		ID   string `path:"id" maxLength:"64" doc:"The key's ID."`
		Body KeyChange
	}
	rotateInput struct {
		ID   string `path:"id" maxLength:"64" doc:"The key's ID."`
		Body Rotation
	}
)

func (s *server) registerKeys() {
	tags := []string{"Keys"}
	op(s, huma.Operation{
		OperationID: "list-keys", Method: http.MethodGet, Path: "/api/keys", Tags: tags,
		Summary: "List API keys", Description: "All keys of the account, newest first, without their tokens.",
	}, s.listKeys)
	op(s, huma.Operation{
		OperationID: "create-key", Method: http.MethodPost, Path: "/api/keys", Tags: tags,
		Summary: "Create an API key", Description: "Makes a key of the signed-in user. The API area's gate must be open. Its token is in this answer only.",
		DefaultStatus: http.StatusCreated, Errors: []int{http.StatusPaymentRequired, http.StatusConflict},
	}, s.createKey)
	op(s, huma.Operation{
		OperationID: "show-key", Method: http.MethodGet, Path: "/api/keys/{id}", Tags: tags,
		Summary: "Show an API key", Errors: []int{http.StatusNotFound},
	}, s.showKey)
	op(s, huma.Operation{
		OperationID: "change-key", Method: http.MethodPatch, Path: "/api/keys/{id}", Tags: tags,
		Summary: "Change an API key", Description: "Changes the models, the networks or the caps of a key that works. It is in force with the next request. " +
			"Members change their own keys, administrators all.",
		Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, s.changeKey)
	op(s, huma.Operation{
		OperationID: "rotate-key", Method: http.MethodPost, Path: "/api/keys/{id}/rotate", Tags: tags,
		Summary: "Rotate an API key", Description: "Makes a successor with a full fresh life; the old key works on for the overlap at most. " +
			"Members rotate their own keys, administrators all. A key is rotated once.",
		DefaultStatus: http.StatusCreated, Errors: []int{http.StatusPaymentRequired, http.StatusNotFound, http.StatusConflict},
	}, s.rotateKey)
	op(s, huma.Operation{
		OperationID: "revoke-key", Method: http.MethodDelete, Path: "/api/keys/{id}", Tags: tags,
		Summary: "Revoke an API key", Description: "Ends a key for good; revoking it again changes nothing. Members revoke their own keys, administrators all.",
		Errors: []int{http.StatusForbidden, http.StatusNotFound},
	}, s.revokeKey)
	s.registerKeyUsage()
}

func (s *server) listKeys(ctx context.Context, c sessions.Current, in *keysInput) (*keysOutput, error) {
	ks, err := s.Keyring.List(ctx, c.Account.ID, store.Page{After: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	shown, err := s.keysOf(ctx, ks...)
	if err != nil {
		return nil, err
	}
	list := KeyList{Data: shown}
	if len(ks) == in.Limit {
		list.NextCursor = ks[len(ks)-1].ID
	}
	return &keysOutput{list}, nil
}

func (s *server) createKey(ctx context.Context, c sessions.Current, in *draftInput) (*newKeyOutput, error) {
	k, token, err := s.Keyring.Create(ctx, keyring.Draft{
		Account: c.Account.ID, User: c.Session.User, Name: in.Body.Name,
		ExpiresIn: time.Duration(in.Body.ExpiresIn) * time.Second, Scopes: in.Body.Scopes, Models: in.Body.Models,
		Networks: in.Body.Networks, Limits: in.Body.Limits.change(),
	})
	if err != nil {
		return nil, err
	}
	return s.newKey(ctx, k, token)
}

func (s *server) showKey(ctx context.Context, c sessions.Current, in *keyInput) (*keyOutput, error) {
	if err := checkID(in.ID, "key"); err != nil {
		return nil, err
	}
	k, err := s.Keyring.Show(ctx, c.Account.ID, in.ID)
	if err != nil {
		return nil, err
	}
	return s.oneKey(ctx, k)
}

func (s *server) rotateKey(ctx context.Context, c sessions.Current, in *rotateInput) (*newKeyOutput, error) {
	if err := checkID(in.ID, "key"); err != nil {
		return nil, err
	}
	overlap := keys.DefaultOverlap
	if in.Body.Overlap != nil {
		overlap = time.Duration(*in.Body.Overlap) * time.Second
	}
	k, token, err := s.Keyring.Rotate(ctx, c.Account.ID, in.ID, overlap)
	if err != nil {
		return nil, err
	}
	return s.newKey(ctx, k, token)
}

func (s *server) revokeKey(ctx context.Context, c sessions.Current, in *keyInput) (*keyOutput, error) {
	if err := checkID(in.ID, "key"); err != nil {
		return nil, err
	}
	k, err := s.Keyring.Revoke(ctx, c.Account.ID, in.ID)
	if err != nil {
		return nil, err
	}
	return s.oneKey(ctx, k)
}

func (s *server) changeKey(ctx context.Context, c sessions.Current, in *changeInput) (*keyOutput, error) {
	if err := checkID(in.ID, "key"); err != nil {
		return nil, err
	}
	change := keyring.Change{Models: in.Body.Models, Networks: in.Body.Networks}
	if l := in.Body.Limits; l != nil {
		change.Limits = ledger.LimitChange{Monthly: l.Monthly, Requests: l.Requests, Tokens: l.Tokens}
	}
	k, err := s.Keyring.Change(ctx, c.Account.ID, in.ID, change)
	if err != nil {
		return nil, err
	}
	return s.oneKey(ctx, k)
}

func (s *server) newKey(ctx context.Context, k keys.Key, token keys.Token) (*newKeyOutput, error) {
	shown, err := s.keysOf(ctx, k)
	if err != nil { // the key is made, and its token is in no other answer
		shown = []Key{s.keyOf(k)}
	}
	return &newKeyOutput{NewKey{shown[0], token.Reveal()}}, nil
}

func (s *server) oneKey(ctx context.Context, k keys.Key) (*keyOutput, error) {
	shown, err := s.keysOf(ctx, k)
	if err != nil {
		return nil, err
	}
	return &keyOutput{shown[0]}, nil
}

// keysOf returns keys of one account with their caps.
func (s *server) keysOf(ctx context.Context, ks ...keys.Key) ([]Key, error) {
	out := []Key{}
	if len(ks) == 0 {
		return out, nil
	}
	limited, err := s.Keyring.Limits(ctx, ks[0].Account, ks...)
	if err != nil {
		return nil, err
	}
	for _, k := range ks {
		shown := s.keyOf(k)
		if l, ok := limited[k.ID]; ok {
			c := l.Counter
			shown.Limits = &KeyLimits{boundsOf(l.Limit), Counted{Spent: c.Spent, Held: c.Reserved, ResetsAt: c.Window.AddDate(0, 1, 0)}}
		}
		out = append(out, shown)
	}
	return out, nil
}

func (s *server) keyOf(k keys.Key) Key {
	out := Key{
		ID: k.ID, Name: k.Name, Start: k.Start, Last4: k.Last4, User: k.User, Scopes: []string{}, Models: append([]string{}, k.Models...), Networks: []string{},
		State: string(s.Keyring.State(k)), CreatedAt: k.CreatedAt.UTC(), ExpiresAt: k.ExpiresAt.UTC(),
		LastUsedAt: instant(k.LastUsedAt), RevokedAt: instant(k.RevokedAt), Successor: k.Successor,
	}
	for _, scope := range k.Scopes {
		out.Scopes = append(out.Scopes, string(scope))
	}
	slices.Sort(out.Scopes)
	for _, n := range k.Networks {
		out.Networks = append(out.Networks, n.String())
	}
	return out
}

// instant returns nil for a time that never was.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
