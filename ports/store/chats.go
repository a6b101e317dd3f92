package store

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/core/fault"
)

// Faults of conversations.
var (
	// ErrThreadFull is of a thread with chat.MaxMessages, or a path of chat.MaxDepth.
	ErrThreadFull = fault.New(fault.Conflict, "thread_full", "This conversation is as long as one can be. Start a new one.")
	// ErrTextGap means that text before that of an Append was not stored.
	ErrTextGap = fault.New(fault.Internal, "text_gap", "A part of the answer is missing.")
	errCursor  = fault.New(fault.Invalid, "invalid_cursor", "The cursor is not one of this list. Begin at the first page.")
)

// Whose tells a member by account and user. Conversations are theirs alone:
// another member's are ErrNotFound, as if they were not there.
type Whose struct{ Account, User string }

// ThreadView is which threads a list shows.
type ThreadView string

// The views.
const (
	ThreadsActive   ThreadView = "active" // neither archived nor deleted
	ThreadsArchived ThreadView = "archived"
	ThreadsDeleted  ThreadView = "deleted" // and not yet wiped
)

// ThreadQuery asks for a list of threads.
type ThreadQuery struct {
	Whose
	View ThreadView
	// Text narrows to threads whose title has it, letter case aside, or one of
	// whose messages has words that begin with each of its words. Words are of
	// letters and digits; other characters count in titles alone.
	Text string
	Page
}

// ThreadCursor returns the cursor of a thread in a list.
func ThreadCursor(t chat.Thread) string {
	pinned, at := "0", int64(0)
	if !t.PinnedAt.IsZero() {
		pinned = "1"
	}
	if !t.UpdatedAt.IsZero() {
		at = t.UpdatedAt.UnixMicro()
	}
	return pinned + "." + strconv.FormatInt(at, 10) + "." + t.ID
}

// ParseThreadCursor returns a thread with the ID, UpdatedAt and, if it is
// pinned, some PinnedAt of a cursor; the zero thread for "".
func ParseThreadCursor(text string) (chat.Thread, error) {
	if text == "" {
		return chat.Thread{}, nil
	}
	pinned, rest, _ := strings.Cut(text, ".")
	at, id, ok := strings.Cut(rest, ".")
	micros, err := strconv.ParseInt(at, 10, 64)
	if !ok || err != nil || id == "" || pinned != "0" && pinned != "1" {
		return chat.Thread{}, errCursor
	}
	t := chat.Thread{ID: id}
	if micros != 0 {
		t.UpdatedAt = time.UnixMicro(micros).UTC()
	}
	if pinned == "1" {
		t.PinnedAt = time.UnixMicro(1).UTC()
	}
	return t, nil
}

// ThreadChange is what a change of a thread writes; nil leaves a field as it is.
type ThreadChange struct {
	Title        *string
	Named        *bool
	Instructions *string
	Model        *string
	Head         *string
	PinnedAt     *time.Time
	ArchivedAt   *time.Time
	DeletedAt    *time.Time
	UpdatedAt    *time.Time
}

// Threads keeps conversations.
type Threads interface {
	// Create adds a thread.
	Create(ctx context.Context, t chat.Thread) error
	// Get returns a thread, be it deleted, until it is wiped.
	Get(ctx context.Context, w Whose, id string) (chat.Thread, error)
	// List returns threads, pinned ones first, each part by UpdatedAt, newest
	// first; the cursor is ThreadCursor's. A thread that moves between pages may
	// be seen twice or not at all; the others are seen once.
	List(ctx context.Context, q ThreadQuery) ([]chat.Thread, error)
	// Change writes to a thread; ErrNotFound if it is not there.
	Change(ctx context.Context, w Whose, id string, c ThreadChange) error
	// Count returns how many threads a member has in all.
	Count(ctx context.Context, w Whose) (int, error)
	// Wipe removes threads, at most limit, that were deleted before a time, with
	// all that is theirs; more tells that there may be others.
	Wipe(ctx context.Context, before time.Time, limit int) (more bool, err error)
}

// Messages keeps the messages of threads.
type Messages interface {
	// Add adds a message and counts it in its thread. Its depth is its parent's
	// and one; ErrNotFound if the parent is not in the thread, ErrThreadFull if
	// there is no room. Its account is the member's.
	Add(ctx context.Context, w Whose, m chat.Message) (chat.Message, error)
	// Get returns a message of a thread.
	Get(ctx context.Context, w Whose, thread, id string) (chat.Message, error)
	// Path returns the message named and those before it on its path, at most
	// limit, which may be up to chat.MaxDepth, the named one first.
	Path(ctx context.Context, w Whose, thread, last string, limit int) ([]chat.Message, error)
	// Versions returns for each of the parents, which may be "", the IDs of its
	// children, oldest first; one without children is not in the map. Here and
	// below IDs tell what is older.
	Versions(ctx context.Context, w Whose, thread string, parents []string) (map[string][]string, error)
	// Leaf returns the ID of the last message of the path that goes on from a
	// message by the newest child each time.
	Leaf(ctx context.Context, w Whose, thread, id string) (string, error)
	// All returns the messages of a thread, oldest first; the cursor is the ID.
	All(ctx context.Context, w Whose, thread string, p Page) ([]chat.Message, error)
}

// Turns keeps the work on answers.
type Turns interface {
	// Start adds a running turn. ErrTaken if its thread has one at work, or
	// its key was used in the thread; ErrNotFound if the member has no such
	// thread. It does not fail as a statement: the transaction may go on.
	Start(ctx context.Context, t chat.Turn) error
	// Get returns a turn.
	Get(ctx context.Context, w Whose, id string) (chat.Turn, error)
	// ByKey returns the turn of a thread that has a key.
	ByKey(ctx context.Context, w Whose, thread, key string) (chat.Turn, error)
	// Of returns those of the turns named that are there, in any order.
	Of(ctx context.Context, w Whose, ids []string) ([]chat.Turn, error)
	// Running returns how many turns of a member are at work.
	Running(ctx context.Context, w Whose) (int, error)
	// Append stores text of the answer from a byte offset on, with the turn's
	// FirstAt and Steps, and moves Until forward. Only the owner of a running
	// turn can; ErrNotFound tells anybody else. It returns whether the turn is
	// to be stopped. What of the text is stored already is not stored again, so
	// that an Append whose reply was lost may be repeated, also with more text;
	// ErrTextGap if text before it is missing.
	Append(ctx context.Context, t chat.Turn, at int, text string) (stopping bool, err error)
	// Since returns the text of the answer from a byte offset on as far as it is
	// stored, "" beyond, and the turn as it is. Of a turn that has ended it is
	// all there is.
	Since(ctx context.Context, w Whose, id string, at int) (string, chat.Turn, error)
	// Stop asks a running turn to stop; one that has ended is left as it is.
	Stop(ctx context.Context, w Whose, id string) error
	// End writes how a running turn ended and the whole text of its answer, which
	// it returns: where text is nil, what was stored of it. Only if the turn is
	// running and owner is its Owner; ErrNotFound otherwise. Whose it is, its
	// messages, its key and when it started stay as they are.
	End(ctx context.Context, owner string, t chat.Turn, text *string) (string, error)
	// Settled writes what an ended turn cost in the end; the first time counts.
	// ErrNotFound if there is no such turn or it is at work.
	Settled(ctx context.Context, id string, debited int64) error
	// Lapsed returns running turns whose Until is before a time, and Unsettled
	// ended ones that are not settled, at most limit, the oldest first.
	Lapsed(ctx context.Context, before time.Time, limit int) ([]chat.Turn, error)
	Unsettled(ctx context.Context, limit int) ([]chat.Turn, error)
}

// Prompts keeps saved prompts.
type Prompts interface {
	// Create adds a prompt.
	Create(ctx context.Context, p chat.Prompt) error
	// List returns all of a member's by title, letter case aside; there are few.
	List(ctx context.Context, w Whose) ([]chat.Prompt, error)
	// Change writes a prompt's title, text and UpdatedAt.
	Change(ctx context.Context, w Whose, p chat.Prompt) error
	// Delete removes a prompt.
	Delete(ctx context.Context, w Whose, id string) error
}

// Drafts keeps what somebody has typed and not sent yet, by thread; thread ""
// is the next one.
type Drafts interface {
	// Get returns a draft, "" if there is none; ErrNotFound if there is no such
	// thread.
	Get(ctx context.Context, w Whose, thread string) (string, error)
	// Put writes a draft; the empty one is removed. ErrNotFound if there is no
	// such thread.
	Put(ctx context.Context, w Whose, thread, text string, at time.Time) error
}
