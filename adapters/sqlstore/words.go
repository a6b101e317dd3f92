package sqlstore

import (
	"context"
	"encoding/base32"
	"hash/fnv"
	"slices"
	"strings"
	"unicode"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/ports/store"
)

// words is how a database finds messages by their words: what Postgres and
// SQLite do not share of it. Words come from wordsOf, so that both find the
// same. Those of a member begin with its mark, which makes them a part of the
// index of their own: another member's many messages are not looked at.
type words interface {
	// insert adds a message that is the place-th of its thread, with its words.
	insert(ctx context.Context, db bun.IDB, r *messageRow, place int64, list []string) (int64, error)
	// rewrite gives a message another text, with its words.
	rewrite(ctx context.Context, db bun.IDB, thread, id, text string, list []string) error
	// forget removes what is not in the messages themselves, before they go.
	forget(ctx context.Context, db bun.IDB, threads []string) error
	// titled narrows to threads t whose title has a text; a message of theirs
	// may have words instead, if there are any.
	titled(q *bun.SelectQuery, text string, words []string) *bun.SelectQuery
	// near selects those threads t among the first of a list, nil if titled is
	// as quick for what is in most of them.
	near(db bun.IDB, list *bun.SelectQuery, text string, words []string) *bun.SelectQuery
}

const (
	// longestWord is in runes; what is longer is found by its beginning.
	longestWord = 40
	// mostWords is how many bytes of different words a message is found by:
	// Postgres keeps up to a MiB of them.
	mostWords = 256 << 10
	// mostSought is how many words a search looks for.
	mostSought = 16
)

// unspaced are scripts that do not part words: each letter is one.
var unspaced = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar}

// fold returns what spellings in upper and lower case have in common.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII {
			return unicode.ToLower(r)
		}
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		if least < unicode.MaxASCII {
			return unicode.ToLower(least)
		}
		return least
	}, text)
}

// wordsOf returns the different words of a text behind the member's mark, at
// most mostWords of them.
func wordsOf(w store.Whose, text string) []string {
	mark := markOf(w)
	seen := map[string]bool{}
	list := []string{} // not nil, which would be NULL
	bytes := 0
	add := func(word []rune) {
		if len(word) == 0 {
			return
		}
		marked := mark + string(word[:min(len(word), longestWord)])
		if !seen[marked] && bytes+len(marked) <= mostWords {
			seen[marked] = true
			list = append(list, marked)
			bytes += len(marked)
		}
	}
	var word []rune
	for _, r := range fold(text) {
		switch {
		case unicode.In(r, unspaced...):
			add(word)
			add([]rune{r})
			word = word[:0]
		case unicode.In(r, unicode.L, unicode.N, unicode.M):
			word = append(word, r)
		default:
			add(word)
			word = word[:0]
		}
	}
	add(word)
	slices.Sort(list)
	return list
}

// sought returns the words that a search looks for.
func sought(w store.Whose, text string) []string {
	list := wordsOf(w, text)
	return list[:min(len(list), mostSought)]
}

// markOf returns a few letters that hardly any other member has. Where one has
// the same, its threads are still its own: they are looked up by their owner.
func markOf(w store.Whose) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(w.Account + "\x00" + w.User))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil)[:5]))
}
