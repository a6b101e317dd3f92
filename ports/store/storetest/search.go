package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/ports/store"
)

// grow adds messages from the from-th on to a thread, each the parent of the next.
func grow(t *testing.T, s store.Store, w store.Whose, thread string, from, to int) {
	t.Helper()
	require.NoError(t, s.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
		for n := from; n < to; n++ {
			m := question(thread, n, "", fmt.Sprint("walrus", n))
			if n > 0 {
				m.Parent = id("msg", n-1)
			}
			if _, err := tx.Messages().Add(ctx, w, m); err != nil {
				return err
			}
		}
		return nil
	}))
}

func searchCases() []testCase {
	return []testCase{
		{"threads/search", nil, func(t *testing.T, h harness) {
			s := chats(t, h)
			// Each thread's title and a message of it, by number.
			for n, c := range [][2]string{
				1: {"Grüße aus ÖSTERREICH", "the quick brown fox"},
				2: {"100% sure", "jumps over_the lazy dog"},
				3: {"under_score", "Приве́т МИР, и снова привет"},
				4: {`back\slash`, "我的名前はサトシです"},
				5: {"it's quoted", `say "hello" - it's O'Neill's; ''quoted''`},
				6: {"Σίσυφος", "naïve CAFÉ ΣΊΣΥΦΟΣ"},
				7: {"plain", "abc123def 4x4 and don't"},
				8: {"quick", ""},
				9: {"long", "x" + strings.Repeat("y", 100) + " end"},
			} {
				if n == 0 {
					continue
				}
				one := thread(mine, n)
				one.Title = c[0]
				addThreads(t, s, one)
				addMessages(t, s, mine, question(one.ID, 1, "", c[1]), answer(one.ID, 2, id("msg", 1), "filler tail"))
			}
			theirs := thread(strangers[0], 50)
			theirs.Title = "quick"
			addThreads(t, s, theirs)
			addMessages(t, s, strangers[0], question(theirs.ID, 1, "", "the quick brown fox"))
			for text, want := range map[string][]int{
				"österreich": {1}, "ÖSTERREICH": {1}, "grüSSe": nil, "GRÜßE": {1}, "rüße au": {1}, // titles: anywhere
				"100%": {2}, "%": {2}, "_": {3}, "er_sc": {3}, `\`: {4}, `k\s`: {4}, "'": {5}, "it's": {5}, "σίσυφοσ": {6}, "ΣΊΣΥΦΟΣ": {6},
				"quick": {8, 1}, "QUI": {8, 1}, "uick": {8}, "fox quick": {1}, "quick dog": nil, "qui bro": {1}, "the": {2, 1}, // messages: beginnings of words
				"привет": {3}, "мир": {3}, "ПРИВ": {3}, "ривет": nil, "名前": {4}, "サト": {4}, "トサ": {4}, "前名": {4}, "犬": nil,
				"hello": {5}, `"hello"`: {5}, "neill": {5}, "café": {6}, "CAFÉ": {6}, "cafe": nil, "abc123": {7}, "123": nil, "4x": {7}, "don t": {7}, "lazy-dog": {2},
				"hel*": {5}, "quick OR dog": nil, "quick NOT fox": nil, "fox AND quick": nil, "NEAR(quick fox)": nil, "words: quick": nil, "(quick": {1}, "^quick": {1},
				"xyyyy": {9}, "x" + strings.Repeat("y", 60): {9}, "filler tail": {9, 8, 7, 6, 5, 4, 3, 2, 1}, "fox filler": nil,
				"!?": nil, "…": nil, "  quick  ": {8, 1}, "a'b": nil, "'; drop table threads; --": nil, "$1": nil, "a | b": nil, "!quick": {1}, "quick:*": {1}, "<->": nil,
			} {
				var ids []string
				for _, n := range want {
					ids = append(ids, id("thr", n))
				}
				require.Equal(t, ids, threadIDs(t, s, store.ThreadQuery{Whose: mine, View: store.ThreadsActive, Text: text}), "%q", text)
				if len(ids) > 1 {
					require.Equal(t, ids, threadIDs(t, s, store.ThreadQuery{Whose: mine, View: store.ThreadsActive, Text: text, Page: store.Page{Limit: 1}}), "%q", text)
				}
				require.Empty(t, threadIDs(t, s, store.ThreadQuery{Whose: mine, View: store.ThreadsArchived, Text: text}), "%q", text)
			}
			require.Len(t, threadIDs(t, s, store.ThreadQuery{Whose: mine, View: store.ThreadsActive, Text: " \t\n"}), 9, "no text at all narrows nothing")
			require.Equal(t, []string{theirs.ID}, threadIDs(t, s, store.ThreadQuery{Whose: strangers[0], View: store.ThreadsActive, Text: "quick"}))
			require.Empty(t, threadIDs(t, s, store.ThreadQuery{Whose: strangers[1], View: store.ThreadsActive, Text: "quick"}))
			renamed := "Swift"
			require.NoError(t, s.Threads().Change(t.Context(), mine, id("thr", 8), store.ThreadChange{Title: &renamed}))
			require.Equal(t, []string{id("thr", 1)}, threadIDs(t, s, store.ThreadQuery{Whose: mine, View: store.ThreadsActive, Text: "quick"}))
			require.Equal(t, []string{id("thr", 8)}, threadIDs(t, s, store.ThreadQuery{Whose: mine, View: store.ThreadsActive, Text: "swift"}))
		}},
		{"threads/search_in_very_long_messages", nil, func(t *testing.T, h harness) {
			s := chats(t, h)
			addThreads(t, s, thread(mine, 1))
			var text strings.Builder
			for n := range 40_000 { // more different words than are kept
				fmt.Fprintf(&text, "word%06d%s ", n, strings.Repeat("名", 2))
			}
			addMessages(t, s, mine, question("thr_000001", 1, "", text.String()), question("thr_000001", 2, "", strings.Repeat("ä", 500_000)))
			for text, want := range map[string]int{"word000000": 1, "word005000": 1, "ää": 1, "nowhere": 0} {
				require.Len(t, threadIDs(t, s, store.ThreadQuery{Whose: mine, View: store.ThreadsActive, Text: text}), want, text)
			}
			require.Empty(t, threadIDs(t, s, store.ThreadQuery{Whose: mine, View: store.ThreadsActive, Text: strings.Repeat("many words ", 5000)}))
		}},
	}
}
