package relay

import (
	"context"
	"errors"
	"time"

	"github.com/archibot/archibotchat/core/idempotency"
	"github.com/archibot/archibotchat/core/ledger"
	port "github.com/archibot/archibotchat/ports/inference"
	"github.com/archibot/archibotchat/ports/store"
)

// keeper is the memory of a job that its client named (W7, HOTPATH 18). It
// gathers the answer as it is sent, or would be if the client had not left,
// and stores it, sealed, just before the settle that it belongs to: that settle
// says whether the answer counts. So whatever was debited by its own request
// can be given again, whenever the server dies; what recovery settled cannot,
// for nobody has it.
//
// A nil keeper, of a job without a name, does nothing.
type keeper struct {
	*Relay
	job    *Job
	names  []ledger.Name
	answer idempotency.Outcome
	took   int64 // of the memory budget
	gaveUp bool  // on the answer, for the reason that kept says
	kept   ledger.Kept
}

// Fields of an answer that is given again.
const (
	replayedHeader = "Idempotency-Replayed"
	originalHeader = "X-Archibot-Original-Request-Id"
)

// recordTime bounds how long an answer waits to be stored.
const recordTime = 5 * time.Second

// named returns the keeper of a job that has a name. If that was answered
// before, out has the answer, and answered is true.
func (r *Relay) named(ctx context.Context, j *Job, out Sink) (k *keeper, answered bool, err error) {
	if !j.Once.Given() {
		return nil, false, nil
	}
	k = &keeper{Relay: r, job: j, names: r.deps.Secrets.Names(idempotency.Request{
		Account: j.By.Account, Key: j.Once, Route: string(j.Call.Route), Body: j.Body,
	})}
	j.name = &ledger.Once{Names: k.names}
	answered, err = k.replay(ctx, out)
	return k, answered, err
}

// replay gives the answer that there is, if there is one. It fails if the name
// is taken and there is none to give.
func (k *keeper) replay(ctx context.Context, out Sink) (answered bool, err error) {
	found, err := k.deps.Outcomes.Find(ctx, k.job.By.Account, k.names)
	if err != nil {
		return false, err
	}
	for _, r := range found {
		for _, n := range k.names {
			if n.ID != r.ID {
				continue
			}
			switch err := r.Refusal(n, k.deps.Now()); {
			case errors.Is(err, ledger.ErrNameDone):
				return true, k.give(ctx, r, out)
			case err != nil:
				return false, err
			}
		}
	}
	return false, nil
}

// give sends the answer to another request of the same name. A client that
// leaves meanwhile may ask again.
func (k *keeper) give(ctx context.Context, r ledger.Reservation, out Sink) error {
	took := int64(2 * idempotency.SealedMax) // as the store's driver reads it, and as it is
	if err := k.deps.Memory.Take(took); err != nil {
		return err
	}
	defer func() { k.deps.Memory.Give(took) }()
	o, err := k.open(ctx, r)
	if err != nil {
		return err
	}
	less := took - int64(o.Size())
	took -= less
	k.deps.Memory.Give(less)

	headers := make([]port.Header, 0, len(o.Headers)+2)
	for _, h := range o.Headers {
		headers = append(headers, port.Header(h))
	}
	headers = append(headers, port.Header{Name: replayedHeader, Value: "true"}, port.Header{Name: originalHeader, Value: r.Request})
	k.deps.Log.Info("answer given again", "request_id", k.job.Request, "original_request_id", r.Request, "account_id", k.job.By.Account)
	if !o.Stream {
		err = out.JSON(headers, o.Body, Bill{Debited: r.Debited, Remaining: r.Remaining})
	} else if err = out.Start(headers); err == nil {
		if err = out.Frame(o.Body, true); err == nil && o.Cut {
			out.Fail(nil) // a cut is given again as a cut
		} else if err == nil {
			err = out.End()
		}
	}
	if err != nil {
		k.deps.Log.Info("client left before its answer", "request_id", k.job.Request)
	}
	return nil
}

func (k *keeper) open(ctx context.Context, r ledger.Reservation) (idempotency.Outcome, error) {
	sealed, err := k.deps.Outcomes.Outcome(ctx, k.job.By.Account, r.Request, r.At)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return idempotency.Outcome{}, err
	}
	var plain []byte
	if err == nil {
		plain, err = k.deps.Secrets.Open(k.job.By.Account, k.job.Once, r.Request, sealed)
	}
	var o idempotency.Outcome
	if err == nil {
		o, err = idempotency.Decode(plain)
	}
	if err != nil {
		k.deps.Log.Error("a stored answer is of no use", "request_id", k.job.Request, "original_request_id", r.Request, "error", err)
		return idempotency.Outcome{}, ledger.ErrNameUnknown
	}
	return o, nil
}

// head notes how the answer begins.
func (k *keeper) head(stream bool, headers []port.Header) {
	if k == nil {
		return
	}
	k.answer.Stream = stream
	for _, h := range headers {
		k.answer.Headers = append(k.answer.Headers, idempotency.Header(h))
	}
}

// add notes the next part of the answer.
func (k *keeper) add(part []byte) {
	if k == nil || k.gaveUp {
		return
	}
	if k.answer.Size()+len(part) > idempotency.MaxOutcome {
		k.giveUp(ledger.KeptTooBig)
		return
	}
	body := k.answer.Body
	if need := len(body) + len(part); need > cap(body) {
		room := max(need, 2*cap(body), 4<<10)
		if k.deps.Memory.Take(int64(room)) != nil {
			k.giveUp(ledger.KeptNothing) // the answer goes on: only its memory is at stake
			return
		}
		body = append(make([]byte, 0, room), body...)
		k.deps.Memory.Give(k.took)
		k.took = int64(room)
	}
	k.answer.Body = append(body, part...)
}

// cut notes the event with which a stream breaks off.
func (k *keeper) cut(part []byte) {
	if k == nil {
		return
	}
	k.add(part)
	k.answer.Cut = true
}

// giveUp forgets the answer; kept says what will be told of it.
func (k *keeper) giveUp(kept ledger.Kept) {
	if k == nil {
		return
	}
	k.gaveUp, k.kept = true, kept
	k.free()
}

// free gives back what the answer takes. It is of no use afterwards.
func (k *keeper) free() {
	if k == nil {
		return
	}
	k.deps.Memory.Give(k.took)
	k.took, k.answer = 0, idempotency.Outcome{}
}

// record stores the answer and returns what the settle of h must say of it.
func (k *keeper) record(ctx context.Context, h ledger.Hold) *ledger.Once {
	if k == nil {
		return nil
	}
	if !k.gaveUp {
		k.gaveUp, k.kept = true, k.save(ctx, h)
		k.free()
	}
	return &ledger.Once{Names: k.names, Kept: k.kept}
}

func (k *keeper) save(ctx context.Context, h ledger.Hold) ledger.Kept {
	size := 4 * int64(k.answer.Size()) // encoded, sealed, and written out in a statement
	if err := k.deps.Memory.Take(size); err != nil {
		return ledger.KeptNothing
	}
	defer k.deps.Memory.Give(size)
	var nonce [idempotency.NonceLen]byte
	k.deps.Entropy(nonce[:])
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime) // whoever has left
	defer cancel()
	err := k.deps.Outcomes.Record(ctx, store.SealedOutcome{
		Account: h.Account, Request: h.Request, Opened: h.OpenedAt,
		Sealed: k.deps.Secrets.Seal(h.Account, k.job.Once, h.Request, nonce, k.answer.Encode()),
	})
	if err != nil {
		k.deps.Log.Error("an answer could not be kept", "request_id", h.Request, "account_id", h.Account, "error", err)
		return ledger.KeptNothing
	}
	return ledger.KeptWhole
}
