package openaiupstream

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/archibot/archibotchat/adapters/openaiupstream/http1"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/inference"
)

// Limits of the models list: time, bytes, bytes of an ID.
const (
	modelsTime  = 10 * time.Second
	modelsBytes = 4 << 20
	modelID     = 256
)

// Models lists what the upstream offers, as the port says, in at most 10 s and
// 4 MiB. Entries whose ID is empty, too long or not printable are left out.
func (u *Upstream) Models(ctx context.Context) ([]inference.Model, error) {
	bounded, cancel := context.WithTimeout(ctx, modelsTime)
	defer cancel()
	models, err := u.models(bounded)
	if err != nil && errors.Is(bounded.Err(), context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, fault.Wrap(err, fault.Timeout, "upstream_timeout", "The model provider did not answer in time.")
	}
	return models, err
}

func (u *Upstream) models(ctx context.Context) ([]inference.Model, error) {
	c, err := u.open(ctx, http1.Request{Head: u.list, Last: "application/json"})
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	if !strings.EqualFold(c.kind(), "application/json") {
		return nil, errInvalid
	}
	body, err := io.ReadAll(io.LimitReader(c, modelsBytes+1))
	if err != nil {
		return nil, err
	}
	var list struct {
		Data []struct {
			ID      string  `json:"id"`
			Created float64 `json:"created"` // some servers write fractions
			OwnedBy string  `json:"owned_by"`
		} `json:"data"`
	}
	if len(body) > modelsBytes || json.Unmarshal(body, &list) != nil || list.Data == nil {
		return nil, errInvalid
	}
	models := make([]inference.Model, 0, len(list.Data))
	for _, m := range list.Data {
		if m.ID == "" || len(m.ID) > modelID || strings.ContainsFunc(m.ID, unprintable) {
			continue
		}
		created := int64(0)
		if m.Created > 0 && m.Created < 1<<40 {
			created = int64(m.Created)
		}
		models = append(models, inference.Model{ID: m.ID, Created: created, OwnedBy: u.scrubber.clean(m.OwnedBy, maxField)})
	}
	return models, nil
}
