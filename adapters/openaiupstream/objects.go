package openaiupstream

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/archibot/archibotchat/adapters/openaiupstream/http1"
	"github.com/archibot/archibotchat/core/fault"
	core "github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/ports/inference"
)

// Object makes a call on a kept response, as the port says. The address is made
// of the ID and of known parameters alone.
func (u *Upstream) Object(ctx context.Context, o *inference.ObjectCall) (*inference.Response, error) {
	req, err := u.objectRequest(o)
	if err != nil {
		return nil, err
	}
	if o.Keeper != u.cfg.Name {
		return nil, inference.NotKept()
	}
	c, err := u.open(ctx, req)
	if err != nil {
		return nil, err
	}
	if o.Verb != inference.Delete && !strings.EqualFold(c.kind(), "application/json") {
		_ = c.Close()
		return nil, errInvalid
	}
	return c.pass(), nil
}

func (u *Upstream) objectRequest(o *inference.ObjectCall) (http1.Request, error) {
	req := http1.Request{Last: o.RequestID}
	method, path, query := http.MethodGet, []string{"responses", o.ID}, url.Values{}
	for _, name := range o.Include {
		query.Add("include[]", name)
	}
	switch o.Verb {
	case inference.Retrieve:
	case inference.Delete:
		method, query = http.MethodDelete, nil
	case inference.Cancel:
		method, path, query = http.MethodPost, append(path, "cancel"), nil
		req.Body = []byte{} // a POST has a length
	case inference.InputItems:
		path = append(path, "input_items")
		set := func(name, value string) {
			if value != "" {
				query.Set(name, value)
			}
		}
		set("after", o.After)
		set("order", o.Order)
		if o.Limit > 0 {
			set("limit", strconv.Itoa(o.Limit))
		}
	default:
		path = nil
	}
	if path == nil || !core.ValidID(o.ID) {
		return req, fault.New(fault.Internal, "internal", "This call is not forwarded.")
	}
	to := u.base.JoinPath(path...)
	to.RawQuery = query.Encode()
	req.Head = u.head(method, to, "Accept: application/json\r\nX-Request-Id: ")
	return req, nil
}
