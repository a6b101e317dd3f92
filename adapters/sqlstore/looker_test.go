//go:build engines

package sqlstore_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/sqlstore/batch"
)

// plan is a node of what EXPLAIN says.
type plan struct {
	Type    string  `json:"Node Type"`
	Table   string  `json:"Relation Name"`
	Rows    float64 `json:"Actual Rows"`
	Loops   float64 `json:"Actual Loops"`
	Removed float64 `json:"Rows Removed by Filter"`
	Missed  float64 `json:"Rows Removed by Index Recheck"`
	Hit     float64 `json:"Shared Hit Blocks"`
	Read    float64 `json:"Shared Read Blocks"`
	Plans   []plan  `json:"Plans"`
}

// looked is how many rows of tables were looked at.
func (p plan) looked() (rows float64) {
	if p.Table != "" {
		rows = (p.Rows + p.Removed + p.Missed) * p.Loops
	}
	for _, below := range p.Plans {
		rows += below.looked()
	}
	return rows
}

// explain runs a statement and returns how it went.
func explain(t *testing.T, c *pgx.Conn, statement string) plan {
	t.Helper()
	var text []byte
	require.NoError(t, c.QueryRow(t.Context(), "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "+statement, pgx.QueryExecModeSimpleProtocol).Scan(&text), statement)
	var said []struct{ Plan plan }
	require.NoError(t, json.Unmarshal(text, &said))
	return said[0].Plan
}

// looker counts what the reads of a store look at.
type looker struct {
	t          *testing.T
	conn       *pgx.Conn // plans as the store's do
	statements []string  // of the read that is looked at
}

func newLooker(t *testing.T, s *sqlstore.Store, url string) *looker {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close(context.Background())) })
	for name, value := range batch.Settings {
		_, err := c.Exec(t.Context(), "SET "+name+" = "+value)
		require.NoError(t, err)
	}
	l := &looker{t: t, conn: c}
	s.Watch(func(statement string) { l.statements = append(l.statements, statement) })
	return l
}

func (l *looker) look(name string, want shortRead) {
	l.t.Helper()
	l.statements = nil
	found, err := want.read()
	require.NoError(l.t, err, name)
	require.Equal(l.t, want.found, found, name)
	require.NotEmpty(l.t, l.statements, name)
	var rows, pages float64
	for _, statement := range l.statements {
		p := explain(l.t, l.conn, statement)
		rows, pages = rows+p.looked(), pages+p.Hit+p.Read
	}
	l.t.Logf("%s: %v rows, %v pages", name, rows, pages)
	require.LessOrEqual(l.t, rows, want.rows, "%s looks at too many rows:\n%s", name, strings.Join(l.statements, "\n"))
	require.LessOrEqual(l.t, pages, want.pages, "%s reads too many pages:\n%s", name, strings.Join(l.statements, "\n"))
}
