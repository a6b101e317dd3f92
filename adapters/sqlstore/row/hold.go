package row

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/core/ledger"
)

// Hold is a row of holds.
type Hold struct {
	bun.BaseModel `bun:"table:holds,alias:h"`

	Request       string `bun:"request_id,pk"`
	Account       string `bun:"account_id"`
	Replica       string `bun:"replica_id"`
	Nonce         string `bun:"nonce"`
	State         string `bun:"state"`
	Amount        int64  `bun:"amount"`
	Parts         string `bun:"parts"` // JSON
	Key           string `bun:"key_id"`
	User          string `bun:"user_id"`
	Area          string `bun:"area"`
	Route         string `bun:"route"`
	Model         string `bun:"model"`
	PriceVersion  string `bun:"price_version"`
	OpenedAt      int64  `bun:"opened_at"`
	Deadline      int64  `bun:"deadline"`
	MarkAt        int64  `bun:"mark_at"`
	MarkAccepted  bool   `bun:"mark_accepted"`
	MarkDelivered bool   `bun:"mark_delivered"`
	MarkCost      int64  `bun:"mark_cost"`
	MarkUsage     Usage  `bun:"embed:mark_"`
	ClosedAt      int64  `bun:"closed_at"`
	Reason        string `bun:"reason"`
	Usage         Usage  `bun:"embed:usage_"`
	Debited       int64  `bun:"debited"`
	Uncollected   int64  `bun:"uncollected"`
	Epoch         int64  `bun:"epoch"`
	Window        int64  `bun:"window_at"`
	Scopes        string `bun:"scopes"` // separated by spaces
	// DebitedBy is the sequence of the event that tells of the debit, among the
	// account's; 0 while there is none. A request's events are found by it.
	DebitedBy int64 `bun:"debited_by"`
}

// Usage is four columns of a hold.
type Usage struct {
	Input     int64 `bun:"input"`
	Cached    int64 `bun:"cached"`
	Output    int64 `bun:"output"`
	Estimated bool  `bun:"estimated"`
}

// HoldColumns lists the columns in the order of Fields.
const HoldColumns = "request_id, account_id, replica_id, nonce, state, amount, parts, key_id, user_id, area, route, model, price_version, " +
	"opened_at, deadline, mark_at, mark_accepted, mark_delivered, mark_cost, mark_input, mark_cached, mark_output, mark_estimated, " +
	"closed_at, reason, usage_input, usage_cached, usage_output, usage_estimated, debited, uncollected, epoch, window_at, scopes, debited_by"

// Fields returns pointers to the columns, to scan into or to bind.
func (r *Hold) Fields() []any { return r.AppendFields(nil) }

// AppendFields adds Fields to a list.
func (r *Hold) AppendFields(to []any) []any {
	return append(to,
		&r.Request, &r.Account, &r.Replica, &r.Nonce, &r.State, &r.Amount, &r.Parts, &r.Key, &r.User, &r.Area, &r.Route, &r.Model, &r.PriceVersion,
		&r.OpenedAt, &r.Deadline, &r.MarkAt, &r.MarkAccepted, &r.MarkDelivered, &r.MarkCost, &r.MarkUsage.Input, &r.MarkUsage.Cached, &r.MarkUsage.Output, &r.MarkUsage.Estimated,
		&r.ClosedAt, &r.Reason, &r.Usage.Input, &r.Usage.Cached, &r.Usage.Output, &r.Usage.Estimated, &r.Debited, &r.Uncollected,
		&r.Epoch, &r.Window, &r.Scopes, &r.DebitedBy,
	)
}

// OfHold returns the row of a hold.
func OfHold(h ledger.Hold) Hold {
	return Hold{
		Request: h.Request, Account: h.Account, Replica: h.Replica, Nonce: h.Nonce, State: string(h.State), Amount: h.Amount, Parts: ofParts(h.Parts),
		Key: h.Work.Key, User: h.Work.User, Area: h.Work.Area, Route: h.Work.Route, Model: h.Work.Model, PriceVersion: h.Work.PriceVersion,
		OpenedAt: Micros(h.OpenedAt), Deadline: Micros(h.Deadline),
		MarkAt: Micros(h.Mark.At), MarkAccepted: h.Mark.Accepted, MarkDelivered: h.Mark.Delivered, MarkCost: h.Mark.Cost, MarkUsage: Usage(h.Mark.Usage),
		ClosedAt: Micros(h.ClosedAt), Reason: h.Reason, Usage: Usage(h.Usage), Debited: h.Debited, Uncollected: h.Uncollected,
		Epoch: h.Epoch, Window: Micros(h.Window), Scopes: ofScopes(h.Limits),
	}
}

// Hold returns the hold of a row.
func (r *Hold) Hold() (ledger.Hold, error) {
	parts, err := toParts(r.Parts)
	if err != nil {
		return ledger.Hold{}, fmt.Errorf("the lots of hold %s: %w", r.Request, err)
	}
	return ledger.Hold{
		Request: r.Request, Account: r.Account, Replica: r.Replica, Nonce: r.Nonce, State: ledger.HoldState(r.State), Amount: r.Amount, Parts: parts,
		Work:     ledger.Work{Key: r.Key, User: r.User, Area: r.Area, Route: r.Route, Model: r.Model, PriceVersion: r.PriceVersion},
		OpenedAt: Time(r.OpenedAt), Deadline: Time(r.Deadline),
		Mark:     ledger.Mark{At: Time(r.MarkAt), Accepted: r.MarkAccepted, Delivered: r.MarkDelivered, Cost: r.MarkCost, Usage: ledger.Usage(r.MarkUsage)},
		ClosedAt: Time(r.ClosedAt), Reason: r.Reason, Usage: ledger.Usage(r.Usage), Debited: r.Debited, Uncollected: r.Uncollected,
		Epoch: r.Epoch, Window: Time(r.Window), Limits: toScopes(r.Scopes),
	}, nil
}

func ofScopes(limits []ledger.Limit) string {
	if len(limits) == 0 {
		return ""
	}
	scopes := make([]string, len(limits))
	for i, l := range limits {
		scopes[i] = l.Scope
	}
	return strings.Join(scopes, " ")
}

func toScopes(text string) (limits []ledger.Limit) {
	for _, scope := range strings.Fields(text) {
		limits = append(limits, ledger.Limit{Scope: scope, Monthly: ledger.MonthlyUnknown})
	}
	return limits
}

func ofParts(parts []ledger.Part) string {
	if len(parts) == 0 {
		return "[]"
	}
	text, err := json.Marshal(parts)
	if err != nil {
		panic(err) // a string and a number always marshal
	}
	return string(text)
}

func toParts(text string) ([]ledger.Part, error) {
	if text == "[]" {
		return nil, nil
	}
	var parts []ledger.Part
	err := json.Unmarshal([]byte(text), &parts)
	return parts, err
}
