package batch

import (
	"fmt"
	"strconv"
	"strings"
)

// column is how a part takes a field of its rows.
type column struct {
	kind  columnKind
	typ   string
	value any // of a literal
}

type columnKind int

const (
	own     columnKind = iota // a value for each row
	same                      // one for all
	literal                   // in the text of the statement
	absent                    // none
)

// columnsOf reads a list of types. `text` is a value for each row, `=text` one
// for all, `-` a field that is left out, and anything else a constant.
func columnsOf(types string) (out []column) {
	for _, t := range strings.Fields(types) {
		c := column{typ: t}
		switch {
		case t == "-":
			c.kind = absent
		case t[0] == '=':
			c.kind, c.typ = same, t[1:]
		case t[0] == '\'':
			c.kind, c.value = literal, strings.Trim(t, "'")
		case t == "false":
			c.kind, c.value = literal, false
		case '0' <= t[0] && t[0] <= '9':
			n, err := strconv.ParseInt(t, 10, 64)
			if err != nil {
				panic(err) // the lists are part of the program
			}
			c.kind, c.value = literal, n
		}
		out = append(out, c)
	}
	return out
}

// param reports whether the column is a parameter.
func (c column) param() bool { return c.kind == own || c.kind == same }

// expression returns what stands for the column in a statement over arrays, and
// in one over a single row; number is its parameter's.
func (c column) expression(number int) (rows, row string) {
	if !c.param() {
		return c.typ, c.typ
	}
	row = fmt.Sprintf("$%d::%s", number, c.typ)
	if c.kind == same {
		return row, row
	}
	return fmt.Sprintf("unnest($%d::%s[])", number, c.typ), row
}

// fits reports whether a row can be written that way; first is the first row.
func (c column) fits(field, first any) bool {
	switch v := field.(type) {
	case *string:
		return c.kind == same && *v == *first.(*string) || c.kind == literal && any(*v) == c.value
	case *int64:
		return c.kind == same && *v == *first.(*int64) || c.kind == literal && any(*v) == c.value
	case *bool:
		return c.kind == same && *v == *first.(*bool) || c.kind == literal && any(*v) == c.value
	}
	return false
}

// fits reports whether a part can write the rows whose fields these are, row by
// row.
func (p *part) fits(fields []any) bool {
	n := len(p.columns)
	for i, field := range fields {
		if c := p.columns[i%n]; c.kind != own && c.kind != absent && !c.fits(field, fields[i%n]) {
			return false
		}
	}
	return true
}
