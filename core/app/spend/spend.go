package spend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/ports/store"
)

// Limits of the writer.
const (
	// holdWait is how long a caller waits for a hold before it is told that
	// the service is unavailable.
	holdWait = 5 * time.Second
	// EndWait is how long a caller waits for a settle or release (HOTPATH 16).
	EndWait = 10 * time.Second
	// lateSettle is how long before its caller gives up a settle is tried no more:
	// what a store does with one that is under way then, nobody would hear of.
	lateSettle = time.Second
	// commitTime bounds one attempt to commit a batch.
	commitTime = 5 * time.Second
	// flushTime bounds how long a replica that ends goes on committing what is queued.
	flushTime = 10 * time.Second
	// patience is how long a batch of troubled accounts waits for each of them
	// (HOTPATH 2).
	patience = 100 * time.Millisecond
)

// Deps is what Spend needs.
type Deps struct {
	Store store.Store
	NewID func(prefix string) string
	Now   func() time.Time
	Log   *slog.Logger
	// Lease is how long a replica is taken for alive without a sign of it; 15 s if 0.
	Lease time.Duration
}

// Spend is the writer of one replica. Make it with New and run it with Run.
type Spend struct {
	deps  Deps
	queue *queue
	ready atomic.Bool
	// failure is what became of the last batch of each desk: why it failed, if it did.
	failure [2]atomic.Pointer[error]
	done    chan struct{} // closed when Run has ended

	mu   sync.Mutex
	term term // the present identity
}

// term is the time a replica spends under one identity.
type term struct {
	replica store.Replica
	ctx     context.Context // ends when the identity is lost
	end     context.CancelCauseFunc
}

// Faults that Spend returns beside the ledger's own.
var (
	ErrBusy    = &fault.Error{Kind: fault.Unavailable, Code: "overloaded", Part: "ledger", Message: "The service has more work than it can book just now. Nothing was debited; try again shortly.", RetryAfter: time.Second}
	ErrUnknown = &fault.Error{Kind: fault.Unavailable, Code: "store_unavailable", Part: "ledger", Message: "The service could not book this in time. Try again shortly.", RetryAfter: 2 * time.Second}
	// ErrLost is the cause of a context that ended because the replica lost its identity.
	ErrLost = &fault.Error{Kind: fault.Unavailable, Code: "replica_fenced", Part: "ledger", Message: "This server was taken out of service while it worked on the request. Try again.", RetryAfter: time.Second}
)

// New returns a Spend that is not running yet.
func New(d Deps) *Spend {
	if d.Lease == 0 {
		d.Lease = 15 * time.Second
	}
	return &Spend{deps: d, queue: newQueue(), done: make(chan struct{})}
}

// Ready reports whether the replica has an identity and the writer runs.
func (s *Spend) Ready() bool { return s.ready.Load() && s.replica().ID != "" }

// Work returns a context for the work upstream behind a hold. It carries the
// values of ctx but not its end, and ends, with ErrLost as its cause, when the
// replica loses the identity that the hold was made under, or Run ends.
func (s *Spend) Work(ctx context.Context, h ledger.Hold) (context.Context, context.CancelCauseFunc) {
	values := context.WithoutCancel(ctx)
	s.mu.Lock()
	t := s.term
	s.mu.Unlock()
	if t.ctx == nil || h.Replica != t.replica.ID {
		work, cancel := context.WithCancelCause(values)
		cancel(ErrLost)
		return work, cancel
	}
	work, cancel := context.WithCancelCause(within{t.ctx, values})
	s.queue.watch(h.Request, h.Nonce, cancel)
	return work, cancel
}

// within is a context that ends with one and has the values of another. A child
// of it is one of the first's own, without a goroutine or a function between.
type within struct {
	context.Context
	values context.Context //nolint:containedctx // it is a part of one
}

func (w within) Value(key any) any {
	if v := w.values.Value(key); v != nil {
		return v
	}
	return w.Context.Value(key) // by which package context knows its own
}

// Hold sets op.Amount aside and returns when that is durable. A refusal is the
// ledger's fault; no answer in time is ErrUnknown, and then nothing stays held.
func (s *Spend) Hold(op ledger.Op) (ledger.Outcome, error) {
	op.Kind = ledger.OpHold
	op.Nonce = s.deps.NewID("try")
	if !s.ready.Load() {
		return ledger.Outcome{}, unknown(errEnded)
	}
	c := newCall(op)
	if !s.queue.put(c) {
		return ledger.Outcome{}, ErrBusy
	}
	return s.wait(c, holdWait)
}

// Settle debits amount for the work behind a hold and returns when that is
// durable. If it takes longer than EndWait the fault is ErrUnknown; the settle
// stays queued and will be committed.
func (s *Spend) Settle(h ledger.Hold, amount int64, u ledger.Usage, reason string) (ledger.Outcome, error) {
	op := endOf(h)
	op.Kind, op.Amount, op.Usage, op.Reason = ledger.OpSettle, amount, u, reason
	return s.finish(newCall(op))
}

// SettleOrRelease is Settle for an answer of which the client has seen
// nothing: if the debit is not durable within EndWait, the hold is released
// instead, because the answer will not be delivered.
//
// One debit can stay all the same: the settle was committed in time, the reply to
// that got lost, and the store stayed out of reach for the rest of EndWait. The
// release then finds the hold settled. Nobody can know better in time, an entry
// is never taken back (L11), and the log names the request, so that an operator
// can correct it.
func (s *Spend) SettleOrRelease(h ledger.Hold, amount int64, u ledger.Usage, reason string) (ledger.Outcome, error) {
	op := endOf(h)
	op.Kind, op.Amount, op.Usage, op.Reason = ledger.OpSettle, amount, u, reason
	c := newCall(op)
	c.release, c.until = true, s.deps.Now().Add(EndWait-lateSettle)
	return s.finish(c)
}

// Release gives the hold back.
func (s *Spend) Release(h ledger.Hold, reason string) (ledger.Outcome, error) {
	op := endOf(h)
	op.Kind, op.Reason = ledger.OpRelease, reason
	return s.finish(newCall(op))
}

// Mark notes how far the work behind a hold has come. It does not wait, and
// drops the note when the queue is full: the next one tells more.
func (s *Spend) Mark(h ledger.Hold, m ledger.Mark) {
	op := endOf(h)
	op.Kind, op.Mark = ledger.OpMark, m
	s.queue.put(newCall(op))
}

// endOf returns a later step of a hold. What it counts against comes from the
// outcome of the hold op: a store keeps only the scopes.
func endOf(h ledger.Hold) ledger.Op {
	return ledger.Op{Account: h.Account, Request: h.Request, Nonce: h.Nonce, Replica: h.Replica, Work: h.Work, Limits: h.Limits, Tokens: h.Tokens, Once: h.Once}
}

func (s *Spend) finish(c *call) (ledger.Outcome, error) {
	select {
	case <-s.done:
		return ledger.Outcome{}, unknown(errEnded)
	default:
	}
	if err := s.land(&c.op); err != nil {
		return ledger.Outcome{}, err
	}
	s.queue.put(c)
	return s.wait(c, EndWait)
}

func (s *Spend) wait(c *call, limit time.Duration) (ledger.Outcome, error) {
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	kind := c.op.Kind // the writer may change it, once the call is abandoned
	var r result
	select {
	case r = <-c.reply:
	case <-timeout.C:
		if c.abandon() {
			return ledger.Outcome{}, unknown(s.why(fmt.Errorf("%s: not committed in %v", kind, limit)))
		}
		r = <-c.reply // the writer was just about to answer
	case <-s.done:
		select {
		case r = <-c.reply:
		default:
			return ledger.Outcome{}, unknown(errEnded)
		}
	}
	if r.outcome == nil {
		return ledger.Outcome{}, faultOf(r.err)
	}
	return *r.outcome, faultOf(r.err)
}

// errEnded is why nothing is booked any more.
var errEnded = errors.New("the writer of this server does not run")

// unknown is ErrUnknown with its cause.
func unknown(why error) error {
	f := *ErrUnknown
	f.Err = why
	return &f
}

// why adds to a failure what is known of the last batches.
func (s *Spend) why(err error) error {
	for d := range s.failure {
		if last := s.failure[d].Load(); last != nil && *last != nil {
			return fmt.Errorf("%w: the last batch failed: %w", err, *last)
		}
	}
	return err
}
