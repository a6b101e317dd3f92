// Package setup is what an account settles before it begins, and may look at
// again at any time (A8): what it will use the service for, what it wants to
// be told, what it does with files, and that it has read where its data goes.
//
// It keeps true that only administrators of the account change anything, that
// an acknowledgement names the version that is current, and that each change
// stands beside its event (U1). What was said here grants nothing; where the
// environment asks for the acknowledgement, the gates look for it.
package setup

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/guard"
	"github.com/archibot/archibotchat/ports/store"
)

// What an account may want to be told. Security and billing notices come in
// any case.
const (
	NotifyAll       = "all"
	NotifyEssential = "essential"
)

// What an account does with files.
const (
	FilesNone     = "none"     // it will not use any
	FilesMetadata = "metadata" // names, types, sizes and checksums go to models
	FilesContent  = "content"  // contents too, where the environment's policy lets them
)

// MaxUse bounds the intended use, in characters.
const MaxUse = 2000

// Boundary is what an environment asks accounts to acknowledge.
type Boundary struct {
	Required bool
	Version  string
	Text     string // what is to be read
}

// Deps is what the use cases stand on.
type Deps struct {
	Store       store.Store
	Now         func() time.Time
	NewID       func(prefix string) string
	Environment string
	Boundary    Boundary
}

// Service holds the use cases.
type Service struct{ d Deps }

// New returns the use cases.
func New(d Deps) *Service { return &Service{d} }

// Faults of the setup; compare with errors.Is.
var (
	ErrAdminRequired = fault.New(fault.Forbidden, "admin_required", "Only an administrator of the account can change its setup.")
	ErrNoBoundary    = fault.New(fault.Conflict, "boundary_not_required", "There is nothing to acknowledge in this environment.")
	ErrOtherVersion  = fault.New(fault.Conflict, "boundary_changed", "The data boundary has another version by now. Read it, and acknowledge that.")
)

// View is an account's setup with where it stands towards the boundary.
type View struct {
	store.Setup      // the zero value if nothing was settled yet
	Boundary         Boundary
	Acknowledged     bool                    // the current version
	Acknowledgements []store.Acknowledgement // the newest first
}

// Show returns an account's setup. Faults: not_found.
func (s *Service) Show(ctx context.Context, account string) (View, error) {
	if by := access.By(ctx); by.Kind != access.PrincipalOperator && by.Kind != access.PrincipalService && by.Account != account {
		return View{}, store.ErrNotFound
	}
	v := View{Boundary: s.d.Boundary}
	err := s.d.Store.View(ctx, func(ctx context.Context, tx store.Stores) error {
		a, err := tx.Accounts().Get(ctx, account)
		if err != nil {
			return err
		}
		v.Acknowledged = s.d.Boundary.Version != "" && a.Boundary == s.d.Boundary.Version
		if v.Setup, err = tx.Setups().Get(ctx, account); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		v.Account = account
		v.Acknowledgements, err = tx.Setups().Acknowledgements(ctx, account)
		return err
	})
	return v, err
}

// Draft is what an administrator settles.
type Draft struct{ IntendedUse, Notifications, Files string }

// Save writes what an administrator settled. Faults: not_found,
// admin_required, invalid_text, secret_in_text, unknown_choice.
func (s *Service) Save(ctx context.Context, account string, d Draft) (View, error) {
	if err := manages(ctx, account); err != nil {
		return View{}, err
	}
	use, err := checkUse(d.IntendedUse)
	if err != nil {
		return View{}, err
	}
	if err := choice(d.Notifications, "notifications", NotifyAll, NotifyEssential); err != nil {
		return View{}, err
	}
	if err := choice(d.Files, "files", FilesNone, FilesMetadata, FilesContent); err != nil {
		return View{}, err
	}
	n := store.Setup{Account: account, IntendedUse: use, Notifications: d.Notifications, Files: d.Files, UpdatedAt: s.d.Now(), UpdatedBy: access.By(ctx).ID}
	err = s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		if err := tx.Setups().Save(ctx, n); err != nil {
			return err
		}
		return tx.Events().Append(ctx, s.event(ctx, audit.SetupChanged, account, ""))
	})
	if err != nil {
		return View{}, err
	}
	return s.Show(ctx, account)
}

// Acknowledge says that an administrator has read the current version of the
// boundary. The gates know within a second. Faults: not_found,
// admin_required, boundary_not_required, boundary_changed.
func (s *Service) Acknowledge(ctx context.Context, account, version string) (View, error) {
	by := access.By(ctx)
	if by.Kind != access.PrincipalUser { // it is the account's to say, and nobody else's
		return View{}, ErrAdminRequired
	}
	if err := manages(ctx, account); err != nil {
		return View{}, err
	}
	switch {
	case s.d.Boundary.Version == "":
		return View{}, ErrNoBoundary
	case version != s.d.Boundary.Version:
		return View{}, ErrOtherVersion
	}
	err := s.d.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		if err := tx.Events().Append(ctx, s.event(ctx, audit.BoundaryAcknowledged, account, version)); err != nil {
			return err
		}
		_, err := tx.Setups().Acknowledge(ctx, store.Acknowledgement{
			Account: account, Environment: s.d.Environment, Version: version, User: by.ID, At: s.d.Now(),
		})
		return err
	})
	if err != nil {
		return View{}, err
	}
	return s.Show(ctx, account)
}

func manages(ctx context.Context, account string) error {
	switch by := access.By(ctx); {
	case by.Kind == access.PrincipalOperator:
		return nil
	case by.Account != account:
		return store.ErrNotFound
	case by.Admin():
		return nil
	}
	return ErrAdminRequired
}

func checkUse(text string) (string, error) {
	text = strings.TrimSpace(text)
	good := utf8.ValidString(text) && utf8.RuneCountInString(text) <= MaxUse
	for _, r := range text {
		good = good && (r == '\n' || !unicode.IsControl(r)) && !unicode.Is(unicode.Bidi_Control, r)
	}
	if good {
		return text, guard.Check(text, "intended_use")
	}
	f := fault.New(fault.Invalid, "invalid_text", "The intended use is text of at most 2000 characters.")
	f.Param = "intended_use"
	return "", f
}

func choice(text, param string, of ...string) error {
	for _, one := range of {
		if text == one {
			return nil
		}
	}
	f := fault.New(fault.Invalid, "unknown_choice", "Choose one of "+strings.Join(of, ", ")+".")
	f.Param = param
	return f
}

func (s *Service) event(ctx context.Context, kind audit.Kind, account, reason string) audit.Event {
	return audit.Event{
		ID: s.d.NewID("evt"), Account: account, At: s.d.Now(), Kind: kind, Actor: audit.By(ctx),
		Request: access.Request(ctx), Reason: reason, Subject: account, Count: 1,
	}
}
