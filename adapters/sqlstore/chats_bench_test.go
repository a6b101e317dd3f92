package sqlstore_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/core/chat"
	"github.com/archibot/archibotchat/ports/store"
)

func BenchmarkThreads_SQLite(b *testing.B) {
	benchmarkThreads(b, open(b, "sqlite:"+filepath.Join(b.TempDir(), "store.db"), nil))
}

// benchmarkThreads measures what a member with 10,000 threads of 10 messages
// waits for, beside 20 others with 1,000 each, and in one of 1,000 messages.
func benchmarkThreads(b *testing.B, s *sqlstore.Store) {
	w := store.Whose{Account: "acct_1", User: "user_1"}
	create(b, s, "acct_1")
	require.NoError(b, s.FillChats(b.Context(), w, 10_000, 10))
	for n := range 20 {
		require.NoError(b, s.FillChats(b.Context(), store.Whose{Account: "acct_1", User: fmt.Sprint("other_", n)}, 1_000, 10))
	}
	long := store.Whose{Account: "acct_1", User: "long"}
	require.NoError(b, s.FillChats(b.Context(), long, 1, 1000))
	list := func(text string, page store.Page, want int) func() error {
		return func() error {
			got, err := s.Threads().List(b.Context(), store.ThreadQuery{Whose: w, View: store.ThreadsActive, Text: text, Page: page})
			if err == nil && want >= 0 && len(got) != want {
				return fmt.Errorf("found %d, not %d", len(got), want)
			}
			return err
		}
	}
	middle, err := s.Threads().Get(b.Context(), w, sqlstore.ChatID("thr", w, 5000))
	require.NoError(b, err)
	for _, c := range []struct {
		name string
		run  func() error
	}{
		{"list", list("", store.Page{}, 50)},
		{"list_from_the_middle", list("", store.Page{After: store.ThreadCursor(middle)}, 50)},
		{"count", func() error { _, err := s.Threads().Count(b.Context(), w); return err }},
		{"search_title", list("thing 001234", store.Page{}, 1)},
		{"search_every_title", list("übersicht", store.Page{}, 50)},
		{"search_rare_word", list("onceonly", store.Page{}, 1)},
		{"search_word", list(sqlstore.ChatWord(4321), store.Page{}, 50)},
		{"search_common_word", list(sqlstore.ChatWord(1), store.Page{}, 50)},
		{"search_word_everywhere", list("everywhere", store.Page{}, 50)},
		{"search_two_words", list("everywhere onceonly", store.Page{}, 1)},
		{"search_one_letter", list("v", store.Page{}, 50)},
		{"search_three_letters", list("vok", store.Page{}, 50)},
		{"search_two_letters_and_rare", list("vo onceonly", store.Page{}, -1)},
		{"search_nothing", list("nowhere", store.Page{}, 0)},
		{"path_100_of_1000", func() error {
			path, err := s.Messages().Path(b.Context(), long, sqlstore.ChatID("thr", long, 0), sqlstore.ChatID("msg", long, 999), 100)
			if err == nil && len(path) != 100 {
				return fmt.Errorf("found %d", len(path))
			}
			return err
		}},
		{"path_1000", func() error {
			_, err := s.Messages().Path(b.Context(), long, sqlstore.ChatID("thr", long, 0), sqlstore.ChatID("msg", long, 999), 1000)
			return err
		}},
		{"leaf_1000", func() error {
			_, err := s.Messages().Leaf(b.Context(), long, sqlstore.ChatID("thr", long, 0), sqlstore.ChatID("msg", long, 0))
			return err
		}},
		{"append", appends(b, s, w)},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				require.NoError(b, c.run())
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "ms/op")
		})
	}
}

// appends returns what adds 50 bytes to an answer at work.
func appends(b *testing.B, s *sqlstore.Store, w store.Whose) func() error {
	one := chat.Turn{ID: "turn_1", Account: w.Account, User: w.User, Thread: sqlstore.ChatID("thr", w, 0), Key: "key", Owner: "own", Until: now(), StartedAt: now()}
	require.NoError(b, s.Turns().Start(b.Context(), one))
	at := 0
	return func() error {
		_, err := s.Turns().Append(b.Context(), one, at, "fifty bytes of an answer, more or less, and no more")
		at += 50
		return err
	}
}
