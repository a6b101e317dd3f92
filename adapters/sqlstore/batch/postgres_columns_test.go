package batch

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A form is taken for rows only if it would write them as they are.
func TestPart_fits(t *testing.T) { // HOTPATH 1
	t.Parallel()
	type row struct {
		id, replica, state string
		amount             int64
		marked             bool
	}
	usual := row{"a", "rep_1", "open", 7, false}
	form := &part{columns: columnsOf("text =text 'open' bigint false")}
	for name, c := range map[string]struct {
		change func(*row)
		fits   bool
	}{
		"as most":         {func(r *row) { r.id, r.amount = "b", 8 }, true},
		"another replica": {func(r *row) { r.replica = "rep_2" }, false},
		"another state":   {func(r *row) { r.state = "settled" }, false},
		"marked":          {func(r *row) { r.marked = true }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows := []row{usual, usual}
			c.change(&rows[1])
			var fields []any
			for i := range rows {
				r := &rows[i]
				fields = append(fields, &r.id, &r.replica, &r.state, &r.amount, &r.marked)
			}
			require.Equal(t, c.fits, form.fits(fields))
			general := &part{columns: columnsOf("text text text bigint bool")}
			require.True(t, general.fits(fields), "the last form fits any rows")
		})
	}
}
