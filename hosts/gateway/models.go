package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/archibot/archibotchat/core/app/admit"
	port "github.com/archibot/archibotchat/ports/inference"
)

type model struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

func shown(m port.Model) model {
	return model{ID: m.ID, Object: "model", Created: m.Created, OwnedBy: m.OwnedBy}
}

// models answers GET /v1/models and /v1/models/{id}: free, and without a look
// at credits.
func (g *Gateway) models(ctx context.Context, w http.ResponseWriter, grant admit.Grant, id string) error {
	var out any
	if id != "" {
		m, err := g.cfg.Models.Find(ctx, grant.Key, id)
		if err != nil {
			return err
		}
		out = shown(m)
	} else {
		list, err := g.cfg.Models.List(ctx, grant.Key)
		if err != nil {
			return err
		}
		data := make([]model, len(list))
		for i, m := range list {
			data[i] = shown(m)
		}
		out = struct {
			Object string  `json:"object"`
			Data   []model `json:"data"`
		}{"list", data}
	}
	body, err := json.Marshal(out)
	if err != nil {
		return err
	}
	h := w.Header()
	h["Content-Type"] = jsonType
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	_, err = w.Write(body)
	if err != nil {
		g.cfg.Log.Debug("client left before its answer", "error", err)
	}
	return nil
}
