package admin

import (
	"context"
	"io"
	"maps"
	"slices"
	"strconv"
)

type keyPeppers struct{}

type pepperView struct {
	Version string `json:"version"`
	Keys    int64  `json:"keys"`
}

// Run counts the keys.
func (keyPeppers) Run(ctx context.Context, env *Env) error {
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	counts, err := desk.Keyring.Peppers(ctx)
	if err != nil {
		return err
	}
	out := struct {
		RequestID string       `json:"request_id"`
		Peppers   []pepperView `json:"peppers"`
	}{env.Request, []pepperView{}}
	for _, version := range slices.Sorted(maps.Keys(counts)) {
		out.Peppers = append(out.Peppers, pepperView{version, counts[version]})
	}
	return env.table(out, len(out.Peppers), "There are no keys.", []string{"PEPPER", "KEYS"}, func(w io.Writer) {
		for _, p := range out.Peppers {
			row(w, p.Version, strconv.FormatInt(p.Keys, 10))
		}
	})
}
