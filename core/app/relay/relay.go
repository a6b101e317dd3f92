package relay

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/idempotency"
	"github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/core/pricing"
	port "github.com/archibot/archibotchat/ports/inference"
	"github.com/archibot/archibotchat/ports/store"
)

// Ledger is what the relay needs of the ledger's writer.
type Ledger interface {
	Work(ctx context.Context, h ledger.Hold) (context.Context, context.CancelCauseFunc)
	Hold(op ledger.Op) (ledger.Outcome, error)
	// Begin lets the work start before its hold is durable, or says no; inOne
	// says that the answer leaves in one piece. Hasten sends that hold on its
	// way, Confirm waits for it to be durable, Confirmed says that it will not
	// wait.
	Begin(op ledger.Op, inOne bool) (ledger.Hold, bool)
	Hasten(h ledger.Hold)
	Confirm(h ledger.Hold) (ledger.Outcome, error)
	Confirmed(h ledger.Hold) bool
	Settle(h ledger.Hold, amount int64, u ledger.Usage, reason string) (ledger.Outcome, error)
	SettleOrRelease(h ledger.Hold, amount int64, u ledger.Usage, reason string) (ledger.Outcome, error)
	Release(h ledger.Hold, reason string) (ledger.Outcome, error)
	Mark(h ledger.Hold, m ledger.Mark)
	Extend(h ledger.Hold, total int64) <-chan ledger.Outcome
}

// Recorder takes the events of refusals without waiting for the store.
type Recorder interface {
	Refused(e audit.Event)
}

// Limits bound what one request may take. The zero value of a field means its
// default.
type Limits struct {
	// Duration is the longest a request may be at work upstream; 15 min.
	Duration time.Duration
	// Answer is the largest JSON answer; 64 MiB.
	Answer int64
	// Whole is the largest JSON answer that is kept in memory and delivered as
	// one. A larger one is passed on as it comes; 8 MiB, at most Answer.
	Whole int64
	// Line is the longest line of a stream; 1 MiB. The last event of a
	// response, which repeats the whole answer, may have 16 MiB.
	Line int
	// Chunk is how many output tokens of each choice a stream sets credits
	// aside for at a time; 2,048.
	Chunk int64
	// StreamBytes is the longest stream; 256 MiB.
	StreamBytes int64
	// Drain is how long an upstream may go on for a client that has left, and
	// once more from the end of its text on, for its usage; 2 s.
	Drain time.Duration
	// JSONDrain is the same for an answer that is not a stream; 30 s, because
	// such an upstream shows nothing until it is done.
	JSONDrain time.Duration
}

func (l Limits) withDefaults() Limits {
	l.Duration = orDefault(l.Duration, 15*time.Minute)
	l.Answer = orDefault(l.Answer, 64<<20)
	l.Whole = max(4<<10, min(l.Answer, orDefault(l.Whole, 8<<20)))
	l.Line = orDefault(l.Line, 1<<20)
	l.Chunk = orDefault(l.Chunk, 2048)
	l.StreamBytes = orDefault(l.StreamBytes, 256<<20)
	l.Drain = orDefault(l.Drain, 2*time.Second)
	l.JSONDrain = orDefault(l.JSONDrain, 30*time.Second)
	return l
}

func orDefault[T comparable](v, d T) T {
	var zero T
	if v == zero {
		return d
	}
	return v
}

// terminalBytes bounds one frame of a stream.
const terminalBytes = 16 << 20

// Deps is what Relay needs.
type Deps struct {
	Ledger   Ledger
	Upstream port.Upstream
	Recorder Recorder
	Owner    Owner // nil: no response is recorded as anybody's
	Memory   *Memory
	Now      func() time.Time
	Log      *slog.Logger
	Limits   Limits
	// Outcomes keeps the answers to jobs that their clients named, under
	// Secrets, with random bytes from Entropy.
	Outcomes store.Idempotency
	Secrets  *idempotency.Secrets
	Entropy  func([]byte)
}

// Relay forwards requests. It is safe for concurrent use.
type Relay struct{ deps Deps }

// New returns a Relay.
func New(d Deps) *Relay {
	d.Limits = d.Limits.withDefaults()
	return &Relay{d}
}

// Job is one admitted request.
type Job struct {
	Request string // req_…, made here
	By      access.Principal
	Area    access.Area
	Call    inference.Call
	Body    []byte // as the client sent it; Call came from it
	Quote   pricing.Quote
	// Keeper is the upstream that keeps the response that the call goes on from.
	Keeper string
	// Once is the client's own name of the request, if it gave one. Its hold
	// comes first: nothing is sent upstream before that is durable (HOTPATH 13).
	Once idempotency.Key
	// Epoch is the account's that the job was admitted under, and Limits are
	// what it counts against. Nothing is held under another epoch (HOTPATH 20).
	Epoch  int64
	Limits []ledger.Limit
	// Current says that the epoch was the account's own less than a second ago.
	Current bool
	Gate    Gate // nil: what changed meanwhile is not asked for
	// Observer is told how the job goes on; nil: nobody is.
	Observer Observer

	name *ledger.Once // of Once
}

// Gate decides anew about a job whose account was changed since it was admitted.
type Gate interface {
	// Watch has cut called, with the fault, once the gate is closed to the job
	// that is at work (K5). It may be called from anywhere.
	Watch(cut func(error))
	// Again admits the job under a later epoch than the one it was refused
	// under, or returns the fault of its refusal.
	Again(ctx context.Context, refused int64) (epoch int64, limits []ledger.Limit, err error)
}

// Bill is what a request cost.
type Bill struct {
	Debited   int64
	Remaining int64 // what the account can spend now
}

// Sink takes an answer. Its errors mean that the client has gone.
type Sink interface {
	// Rates tells where the job's limits per minute stand, before anything is
	// sent, and where the job is refused for one, before Forward returns. It is
	// not called for a job without such limits.
	Rates(r ledger.Rates)
	// JSON sends a whole answer. Its debit is durable.
	JSON(headers []port.Header, body []byte, b Bill) error
	// StartJSON sends the head of an answer that follows in frames, without
	// its length.
	StartJSON(headers []port.Header) error
	// Start sends the head of a stream.
	Start(headers []port.Header) error
	// Frame sends a frame of the stream at once. newest is false where
	// another frame is ready behind it: it may wait for that. An empty frame
	// adds nothing and sends what waits.
	Frame(frame []byte, newest bool) error
	// End ends the stream cleanly.
	End() error
	// Fail sends a last frame that tells of an error, if there is one, and breaks
	// the answer off.
	Fail(frame []byte)
}

// ErrUnsettled means that an answer was had but could not be debited, and is not
// delivered. Asking again would do the work again (HOTPATH 16).
var ErrUnsettled = fault.New(fault.Unavailable, "settle_failed", "The answer could not be booked and is therefore not delivered. Wait a moment before you ask again.")

// Faults of the relay's own.
var (
	errCut      = fault.New(fault.BadUpstream, "upstream_cut", "The answer broke off at the model provider. You are charged only for what it produced.")
	errNoJSON   = fault.New(fault.BadUpstream, "upstream_invalid", "The upstream's answer is not a JSON object.")
	errTooLarge = fault.New(fault.BadUpstream, "upstream_invalid", "The answer of the model provider is larger than this service passes on.")
	errDuration = fault.New(fault.Timeout, "upstream_timeout", "The answer took longer than this service waits. Ask for a shorter one.")
	errLeft     = fault.New(fault.Canceled, "client_gone", "The client that asked first left before the end of the answer. It was charged only for what had been produced.")
	errGone     = fault.New(fault.Canceled, "client_gone", "The client went away.")
)

// Forward does the job and writes the answer to out. If it returns an error,
// nothing was written: a fault, or the upstream's *Refusal. Once a stream has
// begun, trouble is told to the client through out.Fail, and Forward returns nil.
func (r *Relay) Forward(ctx context.Context, j Job, out Sink) error {
	if ctx.Err() != nil {
		return errGone
	}
	keep, answered, err := r.named(ctx, &j, out)
	if answered || err != nil {
		return err
	}
	defer keep.free()
	if up, ok := r.deps.Upstream.(port.Foreseeing); ok {
		if err := up.Foresee(&port.Request{Route: j.Call.Route, RequestID: j.Request, Model: j.Quote.Model, Keeper: j.Keeper}); err != nil {
			return err // before anything is set aside (L6)
		}
	}
	body := j.Call.Forward(j.Body)
	if len(body) != len(j.Body) { // a copy, which lives as long as the call
		if err := r.deps.Memory.Take(int64(len(body))); err != nil {
			return err
		}
		defer r.deps.Memory.Give(int64(len(body)))
	}
	hold, unsure, err := r.hold(ctx, &j, out)
	if errors.Is(err, ledger.ErrNameDone) { // just now
		_, err = keep.replay(ctx, out)
		return err
	}
	if err != nil {
		return err
	}
	run := &run{Relay: r, job: j, hold: hold, unsure: unsure, keep: keep, out: out, started: r.deps.Now()}
	run.work, run.end = r.deps.Ledger.Work(ctx, hold)
	defer run.end(nil)
	if j.Gate != nil {
		j.Gate.Watch(run.end)
	}
	run.allow.begin(r.share(&j))
	run.startPulse()
	defer run.pulse.stop()

	// A panic must not leave credits set aside: whatever was not ended below
	// is ended on the way out.
	defer run.abandon()
	if !unsure {
		run.held()
	}

	// A client that leaves stops the work after a while; what the upstream has
	// done by then is settled like any other end.
	patience := r.deps.Limits.JSONDrain
	if j.Call.Stream {
		patience = r.deps.Limits.Drain
	}
	stop := context.AfterFunc(ctx, func() { run.drain.start(patience, run.cancel) })
	defer func() {
		stop()
		run.drain.stop()
	}()
	if ctx.Err() != nil {
		run.release(errGone.Code)
		return errGone
	}
	return run.forward(body, ctx.Done())
}

// forward sends the call, unless the client has left before it is, and passes
// the answer on.
func (r *run) forward(body []byte, left <-chan struct{}) error {
	r.trace("credits held", slog.Int64("amount", r.hold.Amount), slog.String("model", r.job.Quote.Model), slog.String("price_version", r.job.Quote.Version))
	resp, err := r.deps.Upstream.Do(r.work, &port.Request{
		Route: r.job.Call.Route, RequestID: r.job.Request, Stream: r.job.Call.Stream, Model: r.job.Quote.Model, Left: left, Body: body, Keeper: r.job.Keeper,
	})
	if err != nil {
		err = r.reason(err)
		r.release(codeOf(err))
		return err
	}
	defer resp.Body.Close()
	r.upstream = resp.Upstream
	r.trace("upstream accepted", slog.String("upstream", r.upstream), slog.Bool("stream", resp.Stream))
	if o := r.job.Observer; o != nil {
		o.Accepted(r.upstream)
	}
	if !resp.Stream {
		return r.json(resp)
	}
	if err := r.stream(resp); err != nil {
		return err
	}
	if !r.live.emptied {
		r.empty(resp.Body)
	}
	return nil
}

// hold sets aside the most that the job can cost, or that of a stream's first
// chunk (HOTPATH 10). An account that was changed since the job was admitted is
// looked at again, at most twice: then somebody is changing it all the time. If
// unsure is true the hold has yet to become durable, and nothing may be shown
// to the client before (HOTPATH 13).
func (r *Relay) hold(ctx context.Context, j *Job, out Sink) (hold ledger.Hold, unsure bool, err error) {
	input, output := j.Call.TokenBound(j.Quote.Price.MaxOutputTokens)
	_, first, _ := r.share(j)
	bound, err := j.bound(first)
	var o ledger.Outcome
	for again := 0; err == nil; again++ {
		op := ledger.Op{
			Account: j.By.Account, Request: j.Request, Amount: bound, Deadline: r.deps.Limits.Duration + time.Minute,
			Work:  ledger.Work{Key: j.By.Key(), User: j.By.User, Area: string(j.Area), Route: string(j.Call.Route), Model: j.Quote.Model, PriceVersion: j.Quote.Version},
			Epoch: j.Epoch, Limits: j.Limits, Tokens: min(output, ledger.MaxAmount) + input, Once: j.name,
		}
		if j.Current && !j.Once.Given() && again == 0 {
			if h, ok := r.deps.Ledger.Begin(op, !j.Call.Stream); ok {
				return h, true, nil
			}
		}
		o, err = r.deps.Ledger.Hold(op)
		if !errors.Is(err, ledger.ErrEpoch) || j.Gate == nil || again == 2 {
			break
		}
		if j.Epoch, j.Limits, err = j.Gate.Again(ctx, j.Epoch); err != nil {
			return ledger.Hold{}, false, err // noted where it was decided
		}
	}
	if o.Rates != (ledger.Rates{}) {
		out.Rates(o.Rates)
	}
	if err != nil {
		r.denied(j, err)
		return ledger.Hold{}, false, err
	}
	return o.Hold, false, nil
}

// denied records that the ledger refused a hold for what the account has.
func (r *Relay) denied(j *Job, err error) {
	if f := fault.From(err); f.Kind == fault.Exhausted || f.Kind == fault.Limited {
		r.deps.Recorder.Refused(audit.Event{
			Account: j.By.Account, Kind: audit.GateDenied, Actor: audit.Actor{Kind: audit.ActorKind(j.By.Kind), ID: j.By.ID},
			Area: string(j.Area), Request: j.Request, Key: j.By.Key(), Reason: f.Code, Model: j.Quote.Model, At: r.deps.Now(), Count: 1,
		})
	}
}

// codeOf names an error for the ledger and the log.
func codeOf(err error) string {
	var refusal *port.Refusal
	switch {
	case errors.As(err, &refusal):
		return "upstream_refused"
	case errors.Is(err, context.Canceled):
		return errGone.Code
	}
	return fault.CodeOf(err)
}
