package relay

import (
	"errors"
	"io"

	"github.com/archibot/archibotchat/core/inference"
	port "github.com/archibot/archibotchat/ports/inference"
)

// json reads a whole answer, debits it, and only then sends it. An answer that
// cannot be delivered is not charged for.
func (r *run) json(resp *port.Response) error {
	if err := r.cover(); err != nil {
		return err
	}
	body, took, err := r.readAll(resp.Body, resp.Length)
	free := func() {
		r.deps.Memory.Give(took)
		took = 0
	}
	defer free()
	if errors.Is(err, errLong) {
		if r.deps.Limits.Answer > r.deps.Limits.Whole {
			return r.long(resp, body, free)
		}
		err = errTooLarge
	}
	if err != nil {
		err = r.reason(err)
		r.release(codeOf(err))
		return err
	}
	usage, reported, err := inference.ResponseUsage(r.job.Call.Route, body)
	if err != nil {
		r.release(codeOf(err))
		return err
	}
	id, status := "", ""
	if !reported || r.keeps() {
		id, status = inference.ResponseObject(body)
	}
	if err := r.own(id, total(usage, reported)); err != nil {
		err = r.reason(err)
		r.release(codeOf(err))
		return err
	}
	reason := ""
	if !reported {
		if status == "failed" || status == "cancelled" {
			// The upstream says itself that it did no work worth counting.
			if err := r.confirm(); err != nil {
				return err
			}
			return r.deliver(resp, body, r.release("upstream_failed"))
		}
		usage, reason = inference.EstimateJSON(r.job.Call, body), "usage_estimated"
	}
	r.keep.head(false, resp.Headers)
	r.keep.add(body)
	bill, err := r.settle(usage, reason, false)
	if err != nil {
		return err
	}
	return r.deliver(resp, body, bill)
}

// deliver sends the answer. Once its debit is made, a client that has gone is
// no error of the request's.
func (r *run) deliver(resp *port.Response, body []byte, b Bill) error {
	if err := r.out.JSON(resp.Headers, body, b); err != nil {
		r.deps.Log.Info("client left before its answer", "request_id", r.job.Request)
	}
	return nil
}

// answerFree is what every answer may take beside the memory budget.
const answerFree = 4 << 10

// errLong means that an answer is larger than what is kept in memory.
var errLong = errors.New("the answer is too large to be kept")

// readAll reads an answer within the memory budget, or the beginning of it: then
// it fails with errLong. length is how long it said to be, if it did. took is
// what it reserved.
func (r *run) readAll(body io.Reader, length int64) (b []byte, took int64, err error) {
	room := int64(answerFree)
	if 0 < length && length < room {
		room = length + 1 // for a reader that finds the end behind the last byte
	}
	buf := make([]byte, 0, room)
	for {
		if len(buf) == cap(buf) {
			grown := min(int64(cap(buf)), r.deps.Limits.Whole+1-int64(len(buf)))
			if err := r.deps.Memory.Take(grown); err != nil {
				return nil, took, err
			}
			took += grown
			buf = append(make([]byte, 0, int64(cap(buf))+grown), buf...)
		}
		n, err := body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > r.deps.Limits.Whole:
			return buf, took, errLong
		case errors.Is(err, io.EOF):
			return buf, took, nil
		case err != nil:
			return nil, took, err
		}
	}
}
