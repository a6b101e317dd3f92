package sqlstore_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/ports/store"
)

// shortRead is a read, how much it finds, and how much it may look at for that.
type shortRead struct {
	read        func() (int, error)
	found       int
	rows, pages float64 // at most
}

// chatReads are what the chat reads, each with the number of things it finds: a
// member has threads of 10 messages, another one of 1,000 messages, and so many
// others have what the first has.
func chatReads(t *testing.T, s *sqlstore.Store, threads, others int) map[string]shortRead {
	w, long := store.Whose{Account: "acct_1", User: "user_1"}, store.Whose{Account: "acct_1", User: "user_2"}
	create(t, s, "acct_1")
	require.NoError(t, s.FillChats(t.Context(), w, threads, 10))
	require.NoError(t, s.FillChats(t.Context(), long, 1, 1000))
	for n := range others {
		require.NoError(t, s.FillChats(t.Context(), store.Whose{Account: "acct_1", User: fmt.Sprint("other_", n)}, threads, 10))
	}
	id, in := sqlstore.ChatID, sqlstore.ChatID("thr", long, 0)
	last := id("msg", long, 999)
	one := chat.Turn{ID: "turn_1", Account: w.Account, User: w.User, Thread: id("thr", w, 0), Key: "key", Owner: "own", Until: now(), StartedAt: now()}
	require.NoError(t, s.Turns().Start(t.Context(), one))
	middle, err := s.Threads().Get(t.Context(), w, id("thr", w, threads/2))
	require.NoError(t, err)
	list := func(q store.ThreadQuery) func() (int, error) {
		q.Whose, q.View = w, store.ThreadsActive
		return func() (int, error) { got, err := s.Threads().List(t.Context(), q); return len(got), err }
	}
	search := func(text string) func() (int, error) { return list(store.ThreadQuery{Text: text}) }
	path := func(limit int) func() (int, error) {
		return func() (int, error) {
			got, err := s.Messages().Path(t.Context(), long, in, last, limit)
			return len(got), err
		}
	}
	return map[string]shortRead{
		"a thread":             {func() (int, error) { _, err := s.Threads().Get(t.Context(), w, middle.ID); return 1, err }, 1, 5, 20},
		"first page":           {list(store.ThreadQuery{}), 50, 110, 400},
		"page deep down":       {list(store.ThreadQuery{Page: store.Page{After: store.ThreadCursor(middle)}}), 50, 110, 400},
		"title hit":            {search("thing 000123"), 1, 4000, 1500},
		"rare word":            {search("onceonly"), 1, 4000, 1500},
		"no hit":               {search("nowhere"), 0, 4000, 1500},
		"the neighbours' word": {search("other"), 0, 4000, 1500},
		"common word":          {search("everywhere"), 50, 500, 1500},
		"one letter":           {search("v"), 50, 500, 1500},
		"a path's page":        {path(100), 100, 310, 1000},
		"a path's last":        {path(1), 1, 10, 30},
		"a long path":          {path(1000), 1000, 3010, 10_000},
		"a message":            {func() (int, error) { _, err := s.Messages().Get(t.Context(), long, in, last); return 1, err }, 1, 5, 20},
		"a leaf, from the end": {func() (int, error) { _, err := s.Messages().Leaf(t.Context(), long, in, last); return 1, err }, 1, 10, 30},
		"versions": {func() (int, error) {
			got, err := s.Messages().Versions(t.Context(), long, in, []string{"", id("msg", long, 1), id("msg", long, 2)})
			return len(got), err
		}, 3, 10, 40},
		"messages from the middle": {func() (int, error) {
			got, err := s.Messages().All(t.Context(), long, in, store.Page{After: id("msg", long, 500)})
			return len(got), err
		}, 50, 60, 200},
		"a turn":        {func() (int, error) { _, err := s.Turns().Get(t.Context(), w, one.ID); return 1, err }, 1, 5, 20},
		"by key":        {func() (int, error) { _, err := s.Turns().ByKey(t.Context(), w, one.Thread, "key"); return 1, err }, 1, 5, 20},
		"running":       {func() (int, error) { return s.Turns().Running(t.Context(), w) }, 1, 5, 20},
		"nobody's text": {func() (int, error) { text, _, err := s.Turns().Since(t.Context(), w, one.ID, 7); return len(text), err }, 0, 5, 20},
		"lapsed":        {func() (int, error) { got, err := s.Turns().Lapsed(t.Context(), now(), 10); return len(got), err }, 1, 5, 20},
		"unsettled":     {func() (int, error) { got, err := s.Turns().Unsettled(t.Context(), 10); return len(got), err }, 0, 5, 20},
		"drafts":        {func() (int, error) { text, err := s.Drafts().Get(t.Context(), w, one.Thread); return len(text), err }, 0, 5, 20},
		"prompts":       {func() (int, error) { got, err := s.Prompts().List(t.Context(), w); return len(got), err }, 0, 5, 20},
	}
}

// No list, search or path walks through a table: each step is a lookup.
func TestSQLite_ChatReadsByIndex(t *testing.T) {
	t.Parallel()
	s := open(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"), nil)
	reads := chatReads(t, s, 130, 1)
	var statements []string
	s.Watch(func(statement string) { statements = append(statements, statement) })
	walk := regexp.MustCompile(`^SCAN|AUTOMATIC`)
	// What a climb has come by, the words' index, and turns at work, which are few.
	own := regexp.MustCompile(`^SCAN (up|down|CONSTANT ROW|s VIRTUAL TABLE INDEX 0:M1|r USING INDEX turns_running)$`)
	for name, want := range reads {
		statements = nil
		found, err := want.read()
		require.NoError(t, err, name)
		require.Equal(t, want.found, found, name)
		require.NotEmpty(t, statements, name)
		for _, statement := range statements {
			steps, err := s.Plan(t.Context(), statement)
			require.NoError(t, err, name)
			for _, step := range steps {
				require.False(t, walk.MatchString(step) && !own.MatchString(step), "%s:\n%s\n%s", name, statement, strings.Join(steps, "\n"))
			}
		}
	}
}

// fullThreads refuses what would be beyond the limits of a thread.
func fullThreads(t *testing.T, s *sqlstore.Store) {
	w := store.Whose{Account: "acct_1", User: "user_1"}
	create(t, s, "acct_1")
	require.NoError(t, s.FillChats(t.Context(), w, 2, 2))
	for n, statement := range []string{
		fmt.Sprint("UPDATE messages SET depth = ", chat.MaxDepth-2), fmt.Sprint("UPDATE threads SET messages = ", chat.MaxMessages-1),
	} {
		require.NoError(t, s.Exec(t.Context(), statement))
		m := chat.Message{ID: "msg_x", Thread: sqlstore.ChatID("thr", w, n), Parent: sqlstore.ChatID("msg", w, 1), Role: chat.RoleUser}
		_, err := s.Messages().Add(t.Context(), w, m)
		require.NoError(t, err)
		m.ID, m.Parent = "msg_y", m.ID
		_, err = s.Messages().Add(t.Context(), w, m)
		require.ErrorIs(t, err, store.ErrThreadFull)
		_, err = s.Messages().Get(t.Context(), w, m.Thread, m.ID)
		require.ErrorIs(t, err, store.ErrNotFound)
	}
}

// searches finds the same page by page and at once, also where there are more
// threads and messages than are looked at one by one.
func searches(t *testing.T, s *sqlstore.Store) {
	w := store.Whose{Account: "acct_1", User: "user_1"}
	create(t, s, "acct_1")
	require.NoError(t, s.FillChats(t.Context(), w, 300, 15))
	most := 0
	for _, text := range []string{"everywhere", "onceonly", "v", "vo", "z", sqlstore.ChatWord(0), sqlstore.ChatWord(1000), sqlstore.ChatWord(4000), sqlstore.ChatWord(4999), "thing 00001"} {
		q := store.ThreadQuery{Whose: w, View: store.ThreadsActive, Text: text, Page: store.Page{Limit: store.MaxPage}}
		all, err := s.Threads().List(t.Context(), q)
		require.NoError(t, err)
		require.NotEmpty(t, all, text)
		most = max(most, len(all))
		var pages []chat.Thread
		q.Limit = 7
		for {
			page, err := s.Threads().List(t.Context(), q)
			require.NoError(t, err)
			if len(page) == 0 {
				break
			}
			pages = append(pages, page...)
			q.After = store.ThreadCursor(page[len(page)-1])
		}
		require.Equal(t, all, pages, text)
	}
	require.Equal(t, 300, most)
}

func TestSQLite_Searches(t *testing.T) {
	t.Parallel()
	searches(t, open(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"), nil))
}

func TestSQLite_FullThreads(t *testing.T) {
	t.Parallel()
	fullThreads(t, open(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"), nil))
}

// wiped leaves no row, and no word, of threads that are wiped.
func wiped(t *testing.T, s *sqlstore.Store, words string) {
	w := store.Whose{Account: "acct_1", User: "user_1"}
	create(t, s, "acct_1")
	require.NoError(t, s.FillChats(t.Context(), w, 3, 4))
	one := chat.Turn{ID: "turn_1", Account: w.Account, User: w.User, Thread: sqlstore.ChatID("thr", w, 1), Answer: sqlstore.ChatID("msg", w, 1), Owner: "own", StartedAt: now()}
	require.NoError(t, s.Turns().Start(t.Context(), one))
	_, err := s.Turns().Append(t.Context(), one, 0, "text")
	require.NoError(t, err)
	require.NoError(t, s.Drafts().Put(t.Context(), w, one.Thread, "draft", now()))
	require.NoError(t, s.Exec(t.Context(), "UPDATE threads SET deleted_at = 1"))
	more, err := s.Threads().Wipe(t.Context(), now(), 10)
	require.NoError(t, err)
	require.False(t, more)
	for _, table := range []string{"threads", "messages", "turns", "turn_pieces", "drafts", words} {
		n, err := s.Count(t.Context(), "SELECT count(*) FROM "+table)
		require.NoError(t, err)
		require.Zero(t, n, table)
	}
}

func TestSQLite_WipedChats(t *testing.T) {
	t.Parallel()
	wiped(t, open(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"), nil), "message_words_docsize")
}
