package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
)

// Balance is what the account has, in microcredits.
// available = balance - held - expired.
type Balance struct {
	Balance   int64 `json:"balance" doc:"Microcredits on the books: the sum of all ledger lines." example:"12500000"`
	Held      int64 `json:"held" doc:"Microcredits set aside for requests under way." example:"0"`
	Expired   int64 `json:"expired" doc:"Microcredits past their expiry whose line is not written yet." example:"0"`
	Available int64 `json:"available" doc:"Microcredits that can be spent now." example:"12500000"`
}

// Lot is one grant of credits.
type Lot struct {
	ID        string    `json:"id" example:"lot_06b1v5k9ehq7r4m2d8t0s3n1cg"`
	Source    string    `json:"source" example:"operator" doc:"Where the credits come from: operator, invoice, pack, demo or correction."`
	State     string    `json:"state" enum:"live,expired,clawed_back,closed"`
	Granted   int64     `json:"granted" doc:"Microcredits granted."`
	Remaining int64     `json:"remaining" doc:"Microcredits left, held ones included."`
	Held      int64     `json:"held" doc:"Microcredits set aside for requests under way."`
	GrantedAt time.Time `json:"granted_at"`
	ExpiresAt time.Time `json:"expires_at" doc:"The first instant at which it cannot be spent."`
}

// LotList is every lot of the account.
type LotList struct {
	Data []Lot `json:"data" nullable:"false" doc:"In the order in which they are spent."`
}

// Line is one line of the ledger.
type Line struct {
	Seq     int64     `json:"seq" doc:"1, 2, 3, … within the account."`
	Kind    string    `json:"kind" enum:"grant,debit,expiry,clawback,correction,closure"`
	Amount  int64     `json:"amount" doc:"Microcredits, signed as the balance moved." example:"-1500"`
	Lot     string    `json:"lot_id"`
	Request string    `json:"request_id,omitempty" doc:"The request that a debit pays for, or that a correction was made by."`
	Reason  string    `json:"reason,omitempty"`
	At      time.Time `json:"at" doc:"An expiry is dated at its lot's expiry."`
}

// LineList is a page of ledger lines, newest first.
type LineList struct {
	Data       []Line `json:"data" nullable:"false"`
	NextCursor string `json:"next_cursor,omitempty" doc:"Pass it as cursor to get the next page; absent on the last one."`
}

type (
	balanceOutput struct{ Body Balance }
	lotsOutput    struct{ Body LotList }
	linesOutput   struct{ Body LineList }
	linesInput    struct {
		Cursor string `query:"cursor" maxLength:"20" doc:"next_cursor of the page before."`
		Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"How many at most."`
	}
)

func (s *server) registerCredits() {
	tags := []string{"Credits"}
	op(s, huma.Operation{
		OperationID: "show-balance", Method: http.MethodGet, Path: "/api/credits", Tags: tags,
		Summary: "Show the balance",
	}, s.balance)
	op(s, huma.Operation{
		OperationID: "list-lots", Method: http.MethodGet, Path: "/api/credits/lots", Tags: tags,
		Summary: "List lots of credits",
	}, s.lots)
	op(s, huma.Operation{
		OperationID: "list-lines", Method: http.MethodGet, Path: "/api/credits/lines", Tags: tags,
		Summary: "List ledger lines", Description: "Every movement of the balance, newest first.",
	}, s.lines)
}

func (s *server) balance(ctx context.Context, c sessions.Current, _ *struct{}) (*balanceOutput, error) {
	b, err := s.Credits.Balance(ctx, c.Account.ID)
	if err != nil {
		return nil, err
	}
	return &balanceOutput{Balance(b)}, nil
}

func (s *server) lots(ctx context.Context, c sessions.Current, _ *struct{}) (*lotsOutput, error) {
	lots, err := s.Credits.Lots(ctx, c.Account.ID)
	if err != nil {
		return nil, err
	}
	list := LotList{Data: []Lot{}}
	for _, l := range lots {
		list.Data = append(list.Data, Lot{
			ID: l.ID, Source: string(l.Source), State: string(l.State), Granted: l.Granted,
			Remaining: l.Remaining, Held: l.Held, GrantedAt: l.GrantedAt.UTC(), ExpiresAt: l.ExpiresAt.UTC(),
		})
	}
	return &lotsOutput{list}, nil
}

func (s *server) lines(ctx context.Context, c sessions.Current, in *linesInput) (*linesOutput, error) {
	before, err := sequence(in.Cursor)
	if err != nil {
		return nil, err
	}
	es, err := s.Credits.Lines(ctx, c.Account.ID, before, in.Limit)
	if err != nil {
		return nil, err
	}
	list := LineList{Data: []Line{}}
	for _, e := range es {
		list.Data = append(list.Data, lineOf(e))
	}
	if n := len(es); n == in.Limit && es[n-1].Seq > 1 {
		list.NextCursor = strconv.FormatInt(es[n-1].Seq, 10)
	}
	return &linesOutput{list}, nil
}

func lineOf(e ledger.Entry) Line {
	return Line{Seq: e.Seq, Kind: string(e.Kind), Amount: e.Amount, Lot: e.Lot, Request: e.Request, Reason: e.Reason, At: e.At.UTC()}
}

// sequence reads a cursor that is a sequence number; empty is the beginning.
func sequence(cursor string) (int64, error) {
	if cursor == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(cursor, 10, 64)
	if err != nil || n <= 0 {
		f := fault.New(fault.Invalid, "invalid_cursor", "The cursor is not one that a list gave.")
		f.Param = "query.cursor"
		return 0, f
	}
	return n, nil
}
