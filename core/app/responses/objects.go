package responses

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/inference"
	port "github.com/archibot/archibotchat/ports/inference"
	"github.com/archibot/archibotchat/ports/store"
)

// Answer is what a call on a response brought: JSON.
type Answer struct {
	Headers []port.Header // of the upstream's, those that a client may see
	Body    []byte

	memory Memory
	took   int64
}

// Give returns the memory of the body, which must not be used afterwards.
func (a Answer) Give() {
	if a.took > 0 {
		a.memory.Give(a.took)
	}
}

// Faults of calls on responses.
var (
	errGone      = fault.New(fault.Canceled, "client_gone", "The client went away.")
	errTimeout   = fault.New(fault.Timeout, "upstream_timeout", "The model provider did not answer in time.")
	errTooLarge  = fault.New(fault.BadUpstream, "upstream_invalid", "The answer of the model provider is larger than this service passes on.")
	errInvalid   = fault.New(fault.BadUpstream, "upstream_invalid", "The model provider's answer was not of the expected kind.")
	errElsewhere = fault.New(fault.BadUpstream, "upstream_unavailable", "The model provider that keeps this response is not connected just now. Try again later.")
)

// markTime bounds the mark of a deletion, for which nobody need be waiting.
const markTime = 5 * time.Second

// Do makes a call on a response of the account that acts in ctx. It costs nothing.
// Keeper and RequestID of o are set here. The faults are store.ErrNotFound for an
// ID that is not the account's, was deleted, or is kept no more; ErrUnfinished; the
// upstream's *Refusal or failure; that of the memory budget.
//
// A response is marked as deleted once its upstream said that it is, or that it
// knows of none: who was not told so can ask again.
func (s *Service) Do(ctx context.Context, area access.Area, o port.ObjectCall) (Answer, error) {
	r, err := s.find(ctx, access.By(ctx).Account, o.ID)
	if err != nil {
		return Answer{}, err
	}
	if o.Verb == port.Retrieve && !r.Ended {
		return Answer{}, ErrUnfinished
	}
	o.Keeper, o.RequestID = r.Upstream, access.Request(ctx)
	call, cancel := context.WithTimeout(ctx, s.deps.Duration)
	defer cancel()
	res, err := s.deps.Upstream.Object(call, &o)
	var refusal *port.Refusal
	switch {
	case err == nil:
		defer res.Body.Close()
	case errors.As(err, &refusal) && refusal.Elsewhere:
		return Answer{}, errElsewhere
	case errors.As(err, &refusal) && refusal.Status == http.StatusNotFound && o.Verb != port.Delete:
		return Answer{}, store.ErrNotFound
	case refusal == nil || refusal.Status != http.StatusNotFound:
		return Answer{}, ended(ctx, call, err)
	}
	if o.Verb == port.Delete {
		return s.deleted(ctx, area, r, res)
	}
	a, err := s.read(res)
	if err == nil {
		err = check(o, a.Body)
	}
	if err != nil {
		a.Give()
		return Answer{}, ended(ctx, call, err)
	}
	return a, nil
}

// ended returns why a call failed: because its client left, because it took too
// long, or by err.
func ended(ctx, call context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return errGone
	case call.Err() != nil:
		return errTimeout
	}
	return err
}

// check makes sure that a body is what was asked for.
func check(o port.ObjectCall, body []byte) error {
	if _, _, err := inference.ResponseUsage(inference.Responses, body); err != nil {
		return err
	}
	if o.Verb == port.InputItems {
		return nil
	}
	if id, _ := inference.ResponseObject(body); id != o.ID {
		return errInvalid
	}
	return nil
}

// deleted marks a response that its upstream has no more.
func (s *Service) deleted(ctx context.Context, area access.Area, r store.Response, res *port.Response) (Answer, error) {
	a := Answer{Body: inference.Deleted(r.ID)}
	if res != nil {
		a.Headers = res.Headers
		_, _ = io.CopyN(io.Discard, res.Body, 4<<10) // so that the connection can be used again
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), markTime)
	defer cancel()
	by := access.By(ctx)
	err := s.deps.Store.Do(ctx, func(ctx context.Context, tx store.Stores) error {
		changed, err := tx.Responses().Delete(ctx, r.Account, r.ID)
		if err != nil || !changed {
			return err
		}
		return tx.Events().Append(ctx, audit.Event{ // U1
			ID: s.deps.NewID("evt"), Account: r.Account, At: s.deps.Now(), Kind: audit.ResponseDeleted,
			Actor: audit.Actor{Kind: audit.ActorKind(by.Kind), ID: by.ID}, Area: string(area), Request: access.Request(ctx), Key: by.ID,
			Subject: r.ID, Model: r.Model, Count: 1,
		})
	})
	if err != nil {
		return Answer{}, err
	}
	return a, nil
}

// read reads an answer within its limit and the memory budget.
func (s *Service) read(res *port.Response) (Answer, error) {
	a := Answer{Headers: res.Headers, memory: s.deps.Memory}
	buf := make([]byte, 0, 4<<10)
	for {
		if len(buf) == cap(buf) {
			if int64(cap(buf)) > s.deps.Answer {
				return a, errTooLarge
			}
			grow := int64(cap(buf))
			if err := s.deps.Memory.Take(grow); err != nil {
				return a, err
			}
			a.took += grow
			buf = append(make([]byte, 0, 2*cap(buf)), buf...)
		}
		n, err := res.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > s.deps.Answer:
			return a, errTooLarge
		case errors.Is(err, io.EOF):
			a.Body = buf
			return a, nil
		case err != nil:
			return a, err
		}
	}
}
