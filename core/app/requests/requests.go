// Package requests is how strangers ask to be let in, and how operators decide
// (A6).
//
// It keeps true that asking grants nothing and tells nothing, also not whether
// somebody asked before; that a form costs its sender some work and a few
// seconds, once for each; that an approval opens the account, with its groups
// and its billing, and invites the applicant as its administrator, all in one
// transaction; and that what people wrote stands in no event. It sends no mail,
// and bounds nobody by network: hosts do.
package requests

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/billing"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/guard"
	"github.com/archibot/archibotchat/ports/store"
)

const (
	// MaxUse bounds the intended use, in characters.
	MaxUse = 2000
	// MaxReason bounds the reason of a denial, in characters.
	MaxReason = 500
	// MaxOpen is how many requests may be open at one time.
	MaxOpen = 10_000
	// keep is how long requests are kept after they were decided.
	keep = 365 * 24 * time.Hour
)

// Opener opens accounts within a transaction.
type Opener interface {
	CreateIn(ctx context.Context, tx store.Stores, name string, groups access.Groups, path billing.State) (store.Account, error)
}

// Inviter invites to accounts within a transaction.
type Inviter interface {
	InviteIn(ctx context.Context, tx store.Stores, account, email string, role access.Role, token access.Token) (store.Invitation, error)
}

// Deps is what the use cases stand on.
type Deps struct {
	Store    store.Store
	Accounts Opener
	Members  Inviter
	Now      func() time.Time
	NewID    func(prefix string) string
	Entropy  func([]byte)
	// Secrets sign challenges: the first one does, all are believed. Without one
	// nobody can ask.
	Secrets [][32]byte
	// Difficulty of the proof of work in bits; DefaultDifficulty if 0.
	Difficulty int
}

// Service holds the use cases.
type Service struct{ d Deps }

// New returns the use cases.
func New(d Deps) *Service {
	if d.Difficulty == 0 {
		d.Difficulty = DefaultDifficulty
	}
	return &Service{d}
}

// Faults of requests; compare with errors.Is.
var (
	ErrOperatorsOnly = fault.New(fault.Forbidden, "operators_only", "Only an operator can do this.")
	ErrDecided       = fault.New(fault.Conflict, "already_decided", "This request was decided already.")
	ErrNotDenied     = fault.New(fault.Conflict, "not_denied", "Only a denial can be taken back.")
	ErrAskedAgain    = fault.New(fault.Conflict, "asked_again", "The applicant has asked again meanwhile. Decide that request.")
	ErrGroups        = fault.New(fault.Invalid, "invalid_groups", "Choose one or more of chat, api and workspace.")
)

// Form is what a stranger sends.
type Form struct {
	Company, Use, Email string
	Products            []string
	// Trap is a field that people do not see.
	Trap             string
	Challenge, Proof string
}

// Submit takes a form. A form whose trap was filled in is taken as well, and
// thrown away. Faults: those of challenges and access.CheckEmail,
// invalid_name, invalid_text, secret_in_text, invalid_groups, too_many_open.
func (s *Service) Submit(ctx context.Context, f Form) error {
	until, err := s.opened(f.Challenge, f.Proof)
	if err != nil {
		return err
	}
	if f.Trap != "" {
		return nil
	}
	r, err := s.drafted(f)
	if err != nil {
		return err
	}
	return s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		if err := spend(ctx, tx, f.Challenge, until); err != nil {
			return err
		}
		kept, created, err := tx.AccessRequests().Ask(ctx, r, MaxOpen)
		if err != nil || !created {
			return err
		}
		return tx.Events().Append(ctx, s.event(ctx, audit.AccessRequested, kept, ""))
	})
}

func (s *Service) drafted(f Form) (store.AccessRequest, error) {
	email, err := access.CheckEmail(f.Email, "email")
	if err != nil {
		return store.AccessRequest{}, err
	}
	company, err := access.CheckName(f.Company, "company")
	if err == nil {
		err = guard.Check(company, "company")
	}
	if err != nil {
		return store.AccessRequest{}, err
	}
	use, err := checkText(f.Use, "intended_use", MaxUse)
	if err != nil {
		return store.AccessRequest{}, err
	}
	products, err := products(strings.Join(f.Products, ","))
	if err != nil {
		return store.AccessRequest{}, err
	}
	now := s.d.Now()
	return store.AccessRequest{ID: s.d.NewID("acr"), Email: email, Company: company, Use: use, Products: products, CreatedAt: now}, nil
}

// products reads what can be asked for, and given to an account.
func products(list string) (access.Groups, error) {
	gs, err := access.ParseGroups(list)
	if err != nil || gs.Empty() || gs.Has(access.GroupOperator) {
		return access.Groups{}, ErrGroups
	}
	return gs, nil
}

// Mine returns the newest request of the user who acts, by the address that
// their provider has verified. Faults: not_found.
func (s *Service) Mine(ctx context.Context) (store.AccessRequest, error) {
	by := access.By(ctx)
	if by.Kind != access.PrincipalUser || by.User == "" {
		return store.AccessRequest{}, store.ErrNotFound
	}
	u, err := s.d.Store.Users().Get(ctx, by.User)
	if err != nil {
		return store.AccessRequest{}, err
	}
	if !u.EmailVerified || u.Email == "" {
		return store.AccessRequest{}, store.ErrNotFound
	}
	return s.d.Store.AccessRequests().Latest(ctx, u.Email)
}

// List returns requests in a state, or all for "", newest first; the cursor is
// the ID. Faults: operators_only.
func (s *Service) List(ctx context.Context, state store.RequestState, p store.Page) ([]store.AccessRequest, error) {
	if err := staff(ctx); err != nil {
		return nil, err
	}
	return s.d.Store.AccessRequests().List(ctx, state, p)
}

// Show returns a request. Faults: operators_only, not_found.
func (s *Service) Show(ctx context.Context, id string) (store.AccessRequest, error) {
	if err := staff(ctx); err != nil {
		return store.AccessRequest{}, err
	}
	return s.d.Store.AccessRequests().Get(ctx, id)
}

// Terms are what an approval opens the account with.
type Terms struct {
	Groups  access.Groups // empty: the products that were asked for
	Billing billing.State // empty: operator_approved
	Name    string        // of the account; empty: the company's
}

// Approval is what came of one. The invitation's token is to be had this once.
type Approval struct {
	Request    store.AccessRequest
	Account    store.Account
	Invitation store.Invitation
	Token      access.Token
}

// Approve opens an account for an open request and invites the applicant as
// its administrator. Faults: operators_only, not_found, already_decided,
// invalid_groups, unknown_billing_state, invalid_name.
func (s *Service) Approve(ctx context.Context, id string, t Terms) (Approval, error) {
	if err := staff(ctx); err != nil {
		return Approval{}, err
	}
	a := Approval{Token: access.NewToken(s.d.Entropy)}
	err := s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		r, err := tx.AccessRequests().Get(ctx, id)
		if err != nil {
			return err
		}
		if t.Groups.Empty() {
			t.Groups = r.Products
		}
		if t.Groups, err = products(t.Groups.String()); err != nil {
			return err
		}
		if t.Billing == "" {
			t.Billing = billing.OperatorApproved
		}
		if t.Name == "" {
			t.Name = r.Company
		}
		if a.Account, err = s.d.Accounts.CreateIn(ctx, tx, t.Name, t.Groups, t.Billing); err != nil {
			return err
		}
		if a.Invitation, err = s.d.Members.InviteIn(ctx, tx, a.Account.ID, r.Email, access.RoleAdmin, a.Token); err != nil {
			return err
		}
		r.State, r.Reason, r.Account = store.RequestApproved, "", a.Account.ID
		a.Request, err = s.decide(ctx, tx, r, store.RequestOpen, audit.AccessApproved)
		return err
	})
	if err != nil {
		return Approval{}, err
	}
	return a, nil
}

// Deny refuses an open request with a reason for the applicant. Faults:
// operators_only, not_found, already_decided, invalid_text, secret_in_text.
func (s *Service) Deny(ctx context.Context, id, reason string) (store.AccessRequest, error) {
	if err := staff(ctx); err != nil {
		return store.AccessRequest{}, err
	}
	reason, err := checkText(reason, "reason", MaxReason)
	if err != nil {
		return store.AccessRequest{}, err
	}
	return s.turn(ctx, id, store.RequestOpen, func(r *store.AccessRequest) { r.State, r.Reason = store.RequestDenied, reason }, audit.AccessDenied)
}

// Reopen takes a denial back. Faults: operators_only, not_found, not_denied,
// asked_again.
func (s *Service) Reopen(ctx context.Context, id string) (store.AccessRequest, error) {
	if err := staff(ctx); err != nil {
		return store.AccessRequest{}, err
	}
	r, err := s.turn(ctx, id, store.RequestDenied, func(r *store.AccessRequest) { r.State, r.Reason = store.RequestOpen, "" }, audit.AccessReopened)
	switch {
	case errors.Is(err, store.ErrTaken):
		err = ErrAskedAgain
	case errors.Is(err, ErrDecided):
		err = ErrNotDenied
	}
	return r, err
}

func (s *Service) turn(ctx context.Context, id string, from store.RequestState, change func(*store.AccessRequest), kind audit.Kind) (store.AccessRequest, error) {
	var r store.AccessRequest
	err := s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		var err error
		if r, err = tx.AccessRequests().Get(ctx, id); err != nil {
			return err
		}
		change(&r)
		r, err = s.decide(ctx, tx, r, from, kind)
		return err
	})
	return r, err
}

// decide writes a decision with its event, ErrDecided if the request is not in
// the state from.
func (s *Service) decide(ctx context.Context, tx store.Stores, r store.AccessRequest, from store.RequestState, kind audit.Kind) (store.AccessRequest, error) {
	r.DecidedAt, r.DecidedBy = time.Time{}, ""
	if r.State != store.RequestOpen {
		r.DecidedAt, r.DecidedBy = s.d.Now(), audit.By(ctx).ID
	}
	changed, err := tx.AccessRequests().Decide(ctx, r, from)
	if err == nil && !changed {
		err = ErrDecided
	}
	if err != nil {
		return store.AccessRequest{}, err
	}
	return r, tx.Events().Append(ctx, s.event(ctx, kind, r, r.Account))
}

// Forget removes requests that were decided a year ago; more tells that there
// may be others.
func (s *Service) Forget(ctx context.Context, limit int) (more bool, err error) {
	return s.d.Store.AccessRequests().Forget(ctx, s.d.Now().Add(-keep), limit)
}

func staff(ctx context.Context) error {
	if kind := access.By(ctx).Kind; kind != access.PrincipalOperator && kind != access.PrincipalService {
		return ErrOperatorsOnly
	}
	return nil
}

func checkText(text, param string, most int) (string, error) {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	good := text != "" && utf8.ValidString(text) && utf8.RuneCountInString(text) <= most
	for _, r := range text {
		good = good && (r == '\n' || r == '\t' || !unicode.IsControl(r)) && !unicode.Is(unicode.Bidi_Control, r)
	}
	if good {
		return text, guard.Check(text, param)
	}
	f := fault.New(fault.Invalid, "invalid_text", "Write a few words; the text is missing, too long, or holds characters that cannot be shown.")
	f.Param = param
	return "", f
}

// event is an event of no account, or of the one that an approval opened.
func (s *Service) event(ctx context.Context, kind audit.Kind, r store.AccessRequest, account string) audit.Event {
	return audit.Event{
		ID: s.d.NewID("evt"), Account: account, At: s.d.Now(), Kind: kind, Actor: audit.By(ctx), Request: access.Request(ctx), Subject: r.ID, Count: 1,
	}
}
