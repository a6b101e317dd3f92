package admin

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/archibot/archibotchat/ports/store"
)

type keyUsage struct {
	ID   string    `arg:"" help:"Key, key_…"`
	From time.Time `format:"2006-01-02" placeholder:"DAY" help:"First day in UTC, such as 2026-03-01; 29 days before the last one unless named."`
	To   time.Time `format:"2006-01-02" placeholder:"DAY" help:"Last day, at most 92 days in all; today unless named."`
}

// keyDay is a day's use in JSON.
type keyDay struct {
	Day      string `json:"day,omitempty"`
	Requests int64  `json:"requests"`
	Input    int64  `json:"input_tokens"`
	Cached   int64  `json:"cached_tokens"`
	Output   int64  `json:"output_tokens"`
	Debited  int64  `json:"debited"`
}

// Run shows what the key used.
func (c *keyUsage) Run(ctx context.Context, env *Env) error {
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	u, err := desk.Keyring.Usage(ctx, "", c.ID, c.From, c.To)
	if err != nil {
		return err
	}
	view := func(day string, d store.KeyDay) keyDay {
		return keyDay{day, d.Requests, d.Input, d.Cached, d.Output, d.Debited}
	}
	out := struct {
		RequestID string   `json:"request_id"`
		Key       string   `json:"key"`
		From      string   `json:"from"`
		To        string   `json:"to"`
		Total     keyDay   `json:"total"`
		Days      []keyDay `json:"days"`
	}{env.Request, u.Key, u.From.Format(time.DateOnly), u.To.AddDate(0, 0, -1).Format(time.DateOnly), view("", u.Total), []keyDay{}}
	for _, d := range u.Days {
		out.Days = append(out.Days, view(d.Day.Format(time.DateOnly), d))
	}
	return env.print(out, func(w io.Writer) {
		n := func(i int64) string { return strconv.FormatInt(i, 10) }
		row(w, "DAY", "REQUESTS", "INPUT", "CACHED", "OUTPUT", "DEBITED")
		for _, d := range out.Days {
			row(w, d.Day, n(d.Requests), n(d.Input), n(d.Cached), n(d.Output), amount(d.Debited))
		}
		row(w, "total", n(out.Total.Requests), n(out.Total.Input), n(out.Total.Cached), n(out.Total.Output), amount(out.Total.Debited))
	})
}
