package pricing_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/pricing"
)

func TestSchedule_At(t *testing.T) { // HOTPATH 24
	t.Parallel()
	book := func(rates ...pricing.Rate) pricing.Book {
		var editions []pricing.Edition
		for i, r := range rates { // an hour apart
			editions = append(editions, pricing.Edition{Effective: first.Add(time.Duration(i) * time.Hour), Models: []pricing.Model{model("m", r)}})
		}
		b, err := pricing.NewBook(editions)
		require.NoError(t, err)
		return b
	}
	at := func(minutes int) time.Time { return first.Add(time.Duration(minutes) * time.Minute) }
	s := pricing.NewSchedule([]pricing.Issue{
		{Book: book(5, 6, 7), Effective: at(90), Seq: 2},
		{Book: book(1, 2), Effective: at(-10), Seq: 1},
		{Book: book(9), Effective: at(200), Seq: 5},
		{Book: book(8), Effective: at(200), Seq: 6},
		{Book: book(4), Effective: at(200), Seq: 3},
	})
	for minutes, want := range map[int]pricing.Rate{
		-11: 0, // no book yet
		-10: 0, // a book, but none of its editions
		0:   1,
		59:  1,
		60:  2,
		89:  2,
		90:  6, // what was in force by the new book's own dates
		119: 6,
		120: 7,
		200: 8, // the last that was published for this instant
	} {
		e, ok := s.At(at(minutes))
		require.Equal(t, want != 0, ok, minutes)
		q, _ := e.Find("m")
		require.Equal(t, want, q.Price.PerRequest, minutes)
	}
	_, ok := pricing.Schedule{}.At(first)
	require.False(t, ok)
}
