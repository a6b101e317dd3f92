package spend

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/archibot/archibotchat/core/ledger"
)

// call is one op on its way through the writer.
type call struct {
	op      ledger.Op
	reply   chan result // one slot: the writer never blocks on it
	state   atomic.Uint32
	tell    func(result) // takes the result in the place of reply, and does not block
	release bool         // a settle that turns into a release once abandoned
	until   time.Time    // of such a settle, by this clock: when it is of use no more
	skips   int          // batches that left it behind; the queue's

	// Of a hold that may follow its request. The queue's lock guards them.
	manner    manner    // how its answer leaves
	begun     time.Time // when its request was
	lazy      bool      // waits in its line
	taken     bool      // in a batch
	withdrawn bool      // taken back: its settle is one step with it
	refused   context.CancelCauseFunc
	denied    error // what refused would have been told
}

type result struct {
	outcome *ledger.Outcome // nil if no batch decided
	err     error
	sent    time.Time // when the batch was sent; zero: none was answered
}

// A call is waiting until either the writer answers it or its caller gives up;
// whoever moves the state first decides.
const (
	waiting uint32 = iota
	answered
	abandoned
)

func newCall(op ledger.Op) *call { return &call{op: op, reply: make(chan result, 1)} }

// abandon reports whether the caller gave up before an answer came.
func (c *call) abandon() bool { return c.state.CompareAndSwap(waiting, abandoned) }

func (c *call) abandoned() bool { return c.state.Load() == abandoned }

// answer reports whether somebody is there to take the result.
func (c *call) answer(r result) bool {
	if !c.state.CompareAndSwap(waiting, answered) {
		return false
	}
	if c.tell != nil {
		c.tell(r)
		return true
	}
	c.reply <- r
	return true
}
