package sqlstore

import (
	"context"
	"strconv"
	"strings"

	"github.com/uptrace/bun"
)

// inOrder returns what several queries yield, in an order that each of them has
// already, as far as the limit goes.
func inOrder(db bun.IDB, order string, limit int, parts ...any) *bun.RawQuery {
	return db.NewRaw("SELECT * FROM (?) AS p0"+strings.Repeat(" UNION ALL SELECT * FROM (?) AS p", len(parts)-1)+" ORDER BY "+order+" LIMIT ?",
		append(parts, size(limit))...)
}

// probes is how many places a search looks at in one statement.
const probes = 8

// timeline is two tables whose rows are numbered together within their account,
// in the order of their times.
type timeline struct {
	tables [2]string
	rows   string // a condition on x for the rows whose times are in that order
}

// first returns the lowest number from 1 to last+1 from which on no row is of
// a time before µ. Each step is one statement that looks rows up by account
// and number, so it costs a few milliseconds however many there are.
func (l timeline) first(ctx context.Context, db bun.IDB, account string, last, µ int64) (int64, error) {
	low, high := int64(1), last+1 // the answer lies in [low, high]
	for low < high {
		var found []struct {
			Seq int64  `bun:"seq"`
			At  *int64 `bun:"at"`
		}
		next := "SELECT * FROM (SELECT x.seq, x.at FROM ? AS x WHERE x.account_id = ? AND ? AND x.seq >= p.column1 ORDER BY x.seq LIMIT 1) AS "
		err := db.NewRaw("SELECT p.column1 AS seq, (SELECT n.at FROM ("+next+"a UNION ALL "+next+"b) AS n ORDER BY n.seq LIMIT 1) AS at"+
			" FROM (VALUES ?) AS p ORDER BY 1", bun.Ident(l.tables[0]), account, bun.Safe(l.rows), bun.Ident(l.tables[1]), account, bun.Safe(l.rows),
			bun.Safe(places(low, high))).Scan(ctx, &found)
		if err != nil {
			return 0, err
		}
		for _, f := range found {
			if f.At == nil || *f.At >= µ {
				high = f.Seq
				break
			}
			low = f.Seq + 1
		}
	}
	return low, nil
}

// places spreads probes over [low, high) and returns them as a list of values.
func places(low, high int64) string {
	n := min(probes, high-low)
	values := make([]string, n)
	for i := range n {
		values[i] = "(" + strconv.FormatInt(low+(high-low)*(i+1)/(n+1), 10) + ")"
	}
	return strings.Join(values, ", ")
}
