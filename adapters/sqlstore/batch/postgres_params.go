package batch

import (
	"encoding/binary"
	"sync"

	"github.com/jackc/pgx/v5/pgtype"
)

// params are the parameters of one statement, as they go over the wire: binary,
// one behind another in memory that the next batch uses again. pgx would take a
// list of each column first and let go of its memory after each statement, which
// was a third of all that a request allocated.
type params struct {
	wire   []byte
	ends   []int  // of each, in wire
	nulls  []bool // those that are NULL
	values [][]byte
	fields []any // of the rows that are put, part by part
}

// maxKept bounds the memory that waits for another batch.
const maxKept = 1 << 20

var binaryFormat = []int16{pgtype.BinaryFormatCode}

var spareParams = sync.Pool{New: func() any { return new(params) }}

func newParams() *params { return spareParams.Get().(*params) }

// free takes the parameters back once they are sent.
func (p *params) free() {
	if cap(p.wire) > maxKept {
		return
	}
	clear(p.values)
	clear(p.fields)
	p.wire, p.ends, p.nulls, p.values, p.fields = p.wire[:0], p.ends[:0], p.nulls[:0], p.values[:0], p.fields[:0]
	spareParams.Put(p)
}

// list returns the parameters. It is good until the next is put.
func (p *params) list() [][]byte {
	from := 0
	for i, end := range p.ends {
		value := p.wire[from:end:end]
		if p.nulls[i] {
			value = nil
		}
		p.values, from = append(p.values, value), end
	}
	return p.values
}

func (p *params) end() { p.ends, p.nulls = append(p.ends, len(p.wire)), append(p.nulls, false) }

func (p *params) null() {
	p.end()
	p.nulls[len(p.nulls)-1] = true
}

func (p *params) text(v string) {
	p.wire = append(p.wire, v...)
	p.end()
}

func (p *params) bigint(v int64) {
	p.wire = appendBigint(p.wire, v)
	p.end()
}

func (p *params) texts(v []string) {
	p.array(pgtype.TextOID, len(v))
	for i := range v {
		p.wire = append(appendInt(p.wire, len(v[i])), v[i]...)
	}
	p.end()
}

// rows puts a value or an array for each column that is a parameter. fields are
// those of the rows, one row behind another.
func (p *params) rows(lone bool, columns []column, fields []any) {
	n := len(columns)
	for k, c := range columns {
		switch {
		case !c.param():
		case lone || c.kind == same:
			p.wire = appendField(p.wire, fields[k])
			p.end()
		default:
			p.column(fields[k:], n)
		}
	}
}

// column puts every n-th of the fields as an array.
func (p *params) column(fields []any, n int) {
	p.array(elements(fields[0]), (len(fields)+n-1)/n)
	for i := 0; i < len(fields); i += n {
		at := len(p.wire)
		p.wire = appendField(appendInt(p.wire, 0), fields[i])
		binary.BigEndian.PutUint32(p.wire[at:], uint32(len(p.wire)-at-4))
	}
	p.end()
}

// array begins an array of one dimension, without NULLs.
func (p *params) array(of uint32, length int) {
	for _, v := range []int{1, 0, int(of), length, 1} {
		p.wire = appendInt(p.wire, v)
	}
}

func appendInt(to []byte, v int) []byte {
	return binary.BigEndian.AppendUint32(to, uint32(v))
}

func appendBigint(to []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(to, uint64(v))
}

func appendField(to []byte, field any) []byte {
	switch v := field.(type) {
	case *string:
		return append(to, *v...)
	case *int64:
		return appendBigint(to, *v)
	case *bool:
		if *v {
			return append(to, 1)
		}
		return append(to, 0)
	case *[]byte:
		return append(to, *v...)
	}
	panic("a column of a type that no row has")
}

// elements is the type of an array's elements.
func elements(field any) uint32 {
	switch field.(type) {
	case *string:
		return pgtype.TextOID
	case *int64:
		return pgtype.Int8OID
	case *bool:
		return pgtype.BoolOID
	}
	return pgtype.ByteaOID
}
