package batch

// Statements returns the statements of Postgres by name.
func Statements() map[string]string {
	out := map[string]string{}
	for _, s := range statements {
		out[s.name] = s.sql
	}
	for _, p := range parts {
		for _, lone := range []bool{false, true} {
			name, sql := standing.statement(lone, []filled{{part: p}})
			out[name] = sql
		}
	}
	return out
}
