package batch

import (
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

type paramRow struct {
	text  string
	big   int64
	yes   bool
	bytes []byte
	fixed string
	// shared is the same in all rows
	shared string
}

func (r *paramRow) fields(to []any) []any {
	return append(to, &r.text, &r.big, &r.fixed, &r.shared, &r.yes, &r.bytes)
}

// What goes over the wire is what pgx would send, in memory that was used before.
func TestParams_asThatOfPgx(t *testing.T) { // HOTPATH 1
	t.Parallel()
	m := pgtype.NewMap()
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) paramRow {
			return paramRow{rapid.String().Draw(t, "text"), rapid.Int64().Draw(t, "big"), rapid.Bool().Draw(t, "yes"), rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"), "x", "y"}
		}), 1, 9).Draw(t, "rows")
		lone := rapid.Bool().Draw(t, "lone")
		if lone {
			rows = rows[:1]
		}
		var texts []string
		var bigs []int64
		var yeses []bool
		var bytes [][]byte
		for _, r := range rows {
			texts, bigs, yeses, bytes = append(texts, r.text), append(bigs, r.big), append(yeses, r.yes), append(bytes, r.bytes)
		}
		p := newParams()
		defer p.free()
		p.texts(texts)
		p.null()
		p.bigint(bigs[0])
		p.text(texts[0])
		var fields []any
		for i := range rows {
			fields = rows[i].fields(fields)
		}
		p.rows(lone, columnsOf("text bigint 'x' =text bool bytea"), fields)
		want := [][]byte{}
		add := func(oid uint32, v any) {
			b, err := m.Encode(oid, pgtype.BinaryFormatCode, v, []byte{})
			require.NoError(t, err)
			want = append(want, b)
		}
		add(pgtype.TextArrayOID, texts)
		want = append(want, nil)
		add(pgtype.Int8OID, bigs[0])
		add(pgtype.TextOID, texts[0])
		if lone {
			add(pgtype.TextOID, texts[0])
			add(pgtype.Int8OID, bigs[0])
			add(pgtype.TextOID, "y")
			add(pgtype.BoolOID, yeses[0])
			add(pgtype.ByteaOID, bytes[0])
		} else {
			add(pgtype.TextArrayOID, texts)
			add(pgtype.Int8ArrayOID, bigs)
			add(pgtype.TextOID, "y")
			add(pgtype.BoolArrayOID, yeses)
			add(pgtype.ByteaArrayOID, bytes)
		}
		got := p.list()
		require.Len(t, got, len(want))
		for i := range want {
			require.Equal(t, want[i], got[i], "parameter %d", i+1)
		}
	})
}
