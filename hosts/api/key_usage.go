package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/app/keyring"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

// KeyUse is what a key used.
type KeyUse struct {
	Requests int64 `json:"requests" doc:"Requests that were answered and booked."`
	Input    int64 `json:"input_tokens" doc:"Input tokens, cached ones among them."`
	Cached   int64 `json:"cached_tokens" doc:"Input tokens that the model provider had cached."`
	Output   int64 `json:"output_tokens" doc:"Output tokens."`
	Debited  int64 `json:"debited" doc:"Microcredits."`
}

// KeyDay is what a key used on a day.
type KeyDay struct {
	Day string `json:"day" format:"date" doc:"The day, in UTC."`
	KeyUse
}

// KeyUsage is what a key used in a period.
type KeyUsage struct {
	Key   string   `json:"key_id"`
	From  string   `json:"from" format:"date" doc:"The first day, in UTC."`
	To    string   `json:"to" format:"date" doc:"The last day."`
	Total KeyUse   `json:"total"`
	Data  []KeyDay `json:"data" nullable:"false" doc:"The days on which it was used, the earliest first."`
}

type (
	usageInput struct {
		ID   string `path:"id" maxLength:"64" doc:"The key's ID."`
		From string `query:"from" format:"date" maxLength:"10" doc:"The first day, in UTC; 29 days before the last one unless told."`
		To   string `query:"to" format:"date" maxLength:"10" doc:"The last day, at most 92 days in all; today unless told."`
		By   string `query:"by" enum:"day" default:"day" doc:"What it is added up by."`
	}
	usageOutput struct{ Body KeyUsage }
)

func (s *server) registerKeyUsage() {
	op(s, huma.Operation{
		OperationID: "show-key-usage", Method: http.MethodGet, Path: "/api/keys/{id}/usage", Tags: []string{"Keys"},
		Summary: "Show what a key used", Description: "What the key used by day of UTC, dated by when a request was debited. Members see their own keys, administrators all.",
		Errors: []int{http.StatusForbidden, http.StatusNotFound},
	}, s.keyUsage)
}

func (s *server) keyUsage(ctx context.Context, c sessions.Current, in *usageInput) (*usageOutput, error) {
	if err := checkID(in.ID, "key"); err != nil {
		return nil, err
	}
	from, err := date(in.From, "from")
	if err != nil {
		return nil, err
	}
	to, err := date(in.To, "to")
	if err != nil {
		return nil, err
	}
	u, err := s.Keyring.Usage(ctx, c.Account.ID, in.ID, from, to)
	if err != nil {
		return nil, err
	}
	return &usageOutput{usageOf(u)}, nil
}

func usageOf(u keyring.Usage) KeyUsage {
	out := KeyUsage{Key: u.Key, From: u.From.Format(time.DateOnly), To: u.To.AddDate(0, 0, -1).Format(time.DateOnly), Total: useOf(u.Total), Data: []KeyDay{}}
	for _, d := range u.Days {
		out.Data = append(out.Data, KeyDay{d.Day.Format(time.DateOnly), useOf(d)})
	}
	return out
}

func useOf(d store.KeyDay) KeyUse {
	return KeyUse{Requests: d.Requests, Input: d.Input, Cached: d.Cached, Output: d.Output, Debited: d.Debited}
}

// date reads a day of UTC; zero for none.
func date(text, param string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	d, err := time.Parse(time.DateOnly, text)
	if err != nil || d.Year() < 1970 {
		f := fault.New(fault.Invalid, "invalid_period", "A day is written as in 2026-03-01.")
		f.Param = param
		return time.Time{}, f
	}
	return d, nil
}
