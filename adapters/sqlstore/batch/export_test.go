package batch

// Statements returns the statements of Postgres by name.
func Statements() map[string]string {
	out := map[string]string{}
	for _, s := range statements {
		out[s.name] = s.sql
	}
	return out
}
