package upstreams

import (
	"context"
	"sync"

	"github.com/archibot/archibotchat/ports/inference"
)

// Models returns what the members offer together, each as far as it serves it;
// the first to offer a model describes it. Of a member that cannot be asked the
// last list counts. It fails only if no member could be asked, as the first of
// them did.
func (u *Upstreams) Models(ctx context.Context) ([]inference.Model, error) {
	lists := make([][]inference.Model, len(u.members))
	errs := make([]error, len(u.members))
	var asking sync.WaitGroup
	for i, m := range u.members {
		asking.Go(func() { lists[i], errs[i] = m.list(ctx) })
	}
	asking.Wait()
	answered := false
	seen := map[string]bool{}
	var all []inference.Model
	for i, m := range u.members {
		if errs[i] == nil {
			answered = true
		} else if len(u.members) > 1 && ctx.Err() == nil { // of a single one the caller tells
			u.log.Warn("listing an upstream's models failed", "upstream", m.name, "error", errs[i])
		}
		for _, model := range lists[i] {
			if !seen[model.ID] && m.serves(model.ID) {
				seen[model.ID] = true
				all = append(all, model)
			}
		}
	}
	if !answered {
		return nil, errs[0]
	}
	return all, nil
}

// list asks the member; beside an error it returns the last list.
func (m *member) list(ctx context.Context) ([]inference.Model, error) {
	listed, err := m.Upstream.Models(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		m.listed = listed
	}
	return m.listed, err
}
