package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/negotiation"

	"github.com/archibot/archibotchat/core/app/credits"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/ledger"
)

// Statement sums the credits of a period, in microcredits, signed as the
// balance moved. opening + grants + debits + expiries + other = closing.
type Statement struct {
	From     time.Time `json:"from" doc:"The first instant of the period."`
	To       time.Time `json:"to" doc:"The first instant after it."`
	Opening  int64     `json:"opening" doc:"Microcredits before the period."`
	Grants   int64     `json:"grants" doc:"Microcredits granted."`
	Debits   int64     `json:"debits" doc:"Microcredits debited for use; not positive."`
	Expiries int64     `json:"expiries" doc:"Microcredits expired; not positive."`
	Other    int64     `json:"other" doc:"Microcredits moved by clawback, correction and closure."`
	Closing  int64     `json:"closing" doc:"Microcredits after the period."`
	Lines    int64     `json:"lines" doc:"How many ledger lines the period has."`
}

type statementInput struct {
	From   time.Time `query:"from" required:"true" doc:"The first instant of the period."`
	To     time.Time `query:"to" required:"true" doc:"The first instant after it."`
	Format string    `query:"format" enum:"json,csv" doc:"Takes precedence over the Accept header."`
	Accept string    `header:"Accept" hidden:"true"`
}

func (s *server) registerStatement() {
	body := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Statement](), true, "Statement")
	op(s, huma.Operation{
		OperationID: "show-statement", Method: http.MethodGet, Path: "/api/credits/statement", Tags: []string{"Credits"},
		Summary: "Show a statement of a period",
		Description: "The sums as JSON. As CSV (format=csv, or Accept: text/csv): an opening line, every ledger line of the period in order of sequence, and a closing line. " +
			"An expiry is dated at its lot's expiry, so that dates may step back.",
		Responses: tableResponse("The statement", body),
	}, s.statement)
}

func (s *server) statement(ctx context.Context, c sessions.Current, in *statementInput) (*huma.StreamResponse, error) {
	st, err := s.Credits.Statement(ctx, c.Account.ID, in.From, in.To)
	if err != nil {
		return nil, err
	}
	if in.Format == "csv" || in.Format == "" && negotiation.SelectQValueFast(in.Accept, []string{"application/json", "text/csv"}) == "text/csv" {
		return &huma.StreamResponse{Body: func(h huma.Context) {
			s.table(h, "statement", func(ctx context.Context, put func(...string) error) error { return s.statementRows(ctx, st, put) })
		}}, nil
	}
	body, err := json.Marshal(Statement{
		From: st.From, To: st.To, Opening: st.Opening, Grants: st.Grants, Debits: st.Debits,
		Expiries: st.Expiries, Other: st.Other, Closing: st.Closing, Lines: st.Lines,
	})
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(h huma.Context) {
		h.SetHeader("Content-Type", "application/json")
		h.SetStatus(http.StatusOK)
		_, _ = h.BodyWriter().Write(append(body, '\n'))
	}}, nil
}

func (s *server) statementRows(ctx context.Context, st credits.Statement, put func(...string) error) error {
	row := func(at time.Time, kind, seq string, amount int64, rest ...string) error {
		return put(append([]string{at.UTC().Format(time.RFC3339Nano), kind, seq, strconv.FormatInt(amount, 10), credits.Format(amount)}, rest...)...)
	}
	if err := put("at", "kind", "seq", "amount_microcredits", "amount_credits", "lot_id", "request_id", "reason"); err != nil {
		return err
	}
	if err := row(st.From, "opening", "", st.Opening, "", "", ""); err != nil {
		return err
	}
	sum := st.Opening
	err := s.Credits.StatementLines(ctx, st, func(e ledger.Entry) error {
		sum += e.Amount
		seq := ""
		if e.Seq > 0 {
			seq = strconv.FormatInt(e.Seq, 10)
		}
		return row(e.At, string(e.Kind), seq, e.Amount, e.Lot, e.Request, cell(e.Reason))
	})
	if err != nil {
		return err
	}
	if sum != st.Closing {
		return credits.ErrStatement
	}
	return row(st.To, "closing", "", st.Closing, "", "", "")
}
