package batch

// Statements returns the statements of Postgres by name.
func Statements() map[string]string {
	out := map[string]string{}
	for _, s := range statements {
		out[s.name] = s.sql
	}
	for _, p := range parts {
		for _, lone := range []bool{false, true} {
			name := "stands_" + p.name
			if lone {
				name = "stands_lone_" + p.name
			}
			_, out[name] = standing.statement(lone, []filled{{part: p}})
		}
	}
	return out
}
