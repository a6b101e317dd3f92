package turns

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/gates"
	"github.com/archibot/archibotchat/core/inference"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/core/pricing"
	"github.com/archibot/archibotchat/ports/store"
)

// Door lets turns in.
type Door interface {
	// Enter admits whoever acts in ctx to a turn with a model, "" for the one that
	// is taken unless another is asked for. Faults: the gate's, model_not_found.
	Enter(ctx context.Context, model string, from netip.Addr) (Visit, error)
	// Check returns nil while the session that ctx carries is good, else why not.
	Check(ctx context.Context) error
	// Limited records that somebody was refused for too much at a time.
	Limited(ctx context.Context, from netip.Addr)
}

// Visit is one admission through the door. Its methods are for one turn.
type Visit interface {
	Grant() Grant
	// Stay begins the stay, and Leave ends it. In between Watch has cut called
	// once the gate is closed.
	Stay()
	Watch(cut func(error))
	Leave()
	// Again admits anew, as the relay's gate does.
	Again(ctx context.Context, refused int64) (epoch int64, limits []ledger.Limit, err error)
}

// Grant is what a turn may do.
type Grant struct {
	By      access.Principal
	Quote   pricing.Quote
	Epoch   int64
	Limits  []ledger.Limit
	Current bool
}

// Job is a turn as the relay does it.
type Job struct {
	Grant

	Request string
	Call    inference.Call
	Body    []byte
}

// Course is what the relay tells of a job while it does it. Its methods are
// those of the relay's sink, gate and observer.
type Course interface {
	JSON(body []byte) error
	StartJSON() error
	Frame(part []byte, newest bool) error
	End() error
	Fail(part []byte)

	Watch(cut func(error))
	Again(ctx context.Context, refused int64) (epoch int64, limits []ledger.Limit, err error)

	Held()
	Accepted(upstream string)
	Settled(debited int64, u inference.Usage)
	Released()
	Broke(err error)
}

// Relay does jobs: it returns when the job has ended and what it cost is booked,
// with an error if nothing of the answer was passed on.
type Relay interface {
	Forward(ctx context.Context, j Job, c Course) error
}

// Memory is the budget for bodies in memory.
type Memory interface {
	Take(n int64) error
	Give(n int64)
}

// Deps is what Service stands on.
type Deps struct {
	Store  store.Store
	Door   Door
	Relay  Relay
	Memory Memory
	Now    func() time.Time
	NewID  func(prefix string) string
	Log    *slog.Logger
	Limits Limits
}

// Limits bound what there is at a time. The zero value of a field means its default.
type Limits struct {
	Turns     int // at work on this server; 512
	Own       int // of one member; 8
	Followers int // on this server; 4096
	OwnTabs   int // followers of one member; 16
	Text      int // bytes of an answer; 4 MiB
	Body      int // bytes that are sent to a model, about; 1 MiB
}

func (l Limits) withDefaults() Limits {
	for field, value := range map[*int]int{&l.Turns: 512, &l.Own: 8, &l.Followers: 4096, &l.OwnTabs: 16, &l.Text: 4 << 20, &l.Body: 1 << 20} {
		if *field <= 0 {
			*field = value
		}
	}
	return l
}

const (
	// lease is how long a turn is taken for alive without a sign of its owner.
	lease = 15 * time.Second
	// renewEvery is how often there is such a sign where no text comes. It is also
	// how soon a stop that another server took is seen then.
	renewEvery = time.Second
	// storeEvery is how often text is stored. With the time that takes, it is
	// stored within 150 ms.
	storeEvery = 120 * time.Millisecond
	// storeTime bounds one write.
	storeTime = 5 * time.Second
)

// Faults of turns.
var (
	ErrRunning  = fault.New(fault.Conflict, "turn_running", "An answer is being written in this conversation. Wait for its end, or stop it.")
	ErrTooMany  = &fault.Error{Kind: fault.Limited, Code: "too_many_turns", Message: "You have too many answers under way. Wait for one to end, or stop one.", RetryAfter: 2 * time.Second}
	ErrFull     = &fault.Error{Kind: fault.Unavailable, Code: "overloaded", Message: "The service has more to do than it can just now. Nothing was debited; try again shortly.", RetryAfter: time.Second}
	ErrTabs     = &fault.Error{Kind: fault.Limited, Code: "too_many_followers", Message: "You follow too many answers at a time. Close a tab.", RetryAfter: 5 * time.Second}
	ErrDeleted  = fault.New(fault.Conflict, "thread_deleted", "This conversation was deleted. Restore it to go on with it.")
	ErrStopping = &fault.Error{Kind: fault.Unavailable, Code: gates.FailureServerStopping, Message: "The server is being stopped. Try again shortly.", RetryAfter: time.Second}
)

// Causes that end work early.
var (
	errStopped = fault.New(fault.Canceled, "turn_stopped", "The answer was stopped.")
	errLost    = fault.New(fault.Unavailable, gates.FailureServerLost, "Another server has ended this turn.")
	errTooLong = fault.New(fault.BadUpstream, gates.FailureTooLong, "The answer is longer than is kept here.")
	errPanic   = fault.New(fault.Internal, gates.FailureInternal, "The work on the answer broke down.")
)

// Service does turns. Make it with New, and run its sweeper with Run.
type Service struct {
	d     Deps
	owner string // of the turns that are at work here

	mu        sync.Mutex
	lives     map[string]*live // at work here, by turn
	own       map[store.Whose]int
	starting  map[string]chan struct{} // threads in which one is being begun; closed when it was
	count     int                      // at work, or about to be
	ended     chan struct{}            // closed, and made anew, when one has ended
	stopping  chan struct{}            // closed when none is begun any more
	followers int
	tabs      map[store.Whose]int
}

// New returns a Service.
func New(d Deps) *Service {
	d.Limits = d.Limits.withDefaults()
	return &Service{
		d: d, owner: d.NewID("own"), lives: map[string]*live{}, own: map[store.Whose]int{}, starting: map[string]chan struct{}{}, ended: make(chan struct{}),
		stopping: make(chan struct{}), tabs: map[store.Whose]int{},
	}
}

// Get returns a turn of the member who acts. Faults: not_found.
func (s *Service) Get(ctx context.Context, id string) (chat.Turn, error) {
	return s.d.Store.Turns().Get(ctx, whose(ctx), id)
}

// whose returns whose conversations somebody may see: their own.
func whose(ctx context.Context) store.Whose {
	by := access.By(ctx)
	return store.Whose{Account: by.Account, User: by.User}
}

// alone waits until nobody else begins a turn in a thread, on this server, so that
// a key that is sent many times at once is looked up by all but the first. Call
// what it returns when it is begun, or not.
func (s *Service) alone(ctx context.Context, thread string) (begun func(), err error) {
	for {
		s.mu.Lock()
		other, busy := s.starting[thread]
		if !busy {
			mine := make(chan struct{})
			s.starting[thread] = mine
			s.mu.Unlock()
			return func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				delete(s.starting, thread)
				close(mine)
			}, nil
		}
		s.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// begin takes a place for a turn, which done gives back.
func (s *Service) begin(w store.Whose) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.isStopping():
		return ErrStopping
	case s.own[w] >= s.d.Limits.Own:
		return ErrTooMany
	case s.count >= s.d.Limits.Turns:
		return ErrFull
	}
	s.count++
	s.own[w]++
	return nil
}

func (s *Service) done(w store.Whose, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.lives, id)
	s.count--
	if s.own[w]--; s.own[w] == 0 {
		delete(s.own, w)
	}
	close(s.ended)
	s.ended = make(chan struct{})
}

func (s *Service) isStopping() bool {
	select {
	case <-s.stopping:
		return true
	default:
		return false
	}
}

// here returns the work on a turn if it is done on this server.
func (s *Service) here(id string) *live {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lives[id]
}

// Cut begins no turn any more, ends those at work as failed, and sends followers
// away. Call it while there is time yet to settle.
func (s *Service) Cut() {
	s.mu.Lock()
	if !s.isStopping() {
		close(s.stopping)
	}
	lives := make([]*live, 0, len(s.lives))
	for _, l := range s.lives {
		lives = append(lives, l)
	}
	s.mu.Unlock()
	for _, l := range lives {
		l.end(ErrStopping)
	}
}

// Drain returns when no turn is at work here, or when ctx ends.
func (s *Service) Drain(ctx context.Context) {
	for {
		s.mu.Lock()
		n, ended := s.count, s.ended
		s.mu.Unlock()
		if n == 0 {
			return
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return
		}
	}
}

// event is the evidence of a turn that did not come to its end.
func (s *Service) event(ctx context.Context, t chat.Turn) audit.Event {
	kind, reason := audit.ChatTurnFailed, t.Reason
	if t.State == chat.Stopped {
		kind, reason = audit.ChatTurnStopped, ""
	}
	return audit.Event{
		ID: s.d.NewID("evt"), Account: t.Account, At: s.d.Now(), Kind: kind, Actor: audit.By(ctx), Area: string(access.AreaChat), Request: t.Request,
		Reason: reason, Subject: t.ID, Model: t.Model, Count: 1,
	}
}
