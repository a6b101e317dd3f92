package pricing_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/pricing"
)

var first = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

func model(id string, rate pricing.Rate) pricing.Model {
	return pricing.Model{ID: id, Price: pricing.Price{PerRequest: rate, MaxOutputTokens: 100}}
}

func TestBook_Find(t *testing.T) { // L13
	t.Parallel()
	book, err := pricing.NewBook([]pricing.Edition{
		{Version: "p2", Effective: first.Add(time.Hour), Models: []pricing.Model{model("gpt-9", 20)}},
		{Version: "p1", Effective: first, Models: []pricing.Model{
			model("gpt-*", 1), model("gpt-9*", 2), model("gpt-9", 3), model("vendor/line/*", 4), model("gpt-9-long-name*", 5), model("v*", 6),
		}},
	})
	require.NoError(t, err)
	for _, c := range []struct {
		model, entry string
		rate         pricing.Rate
	}{
		{"gpt-9", "gpt-9", 3}, // exact beats the longer prefix that fits as well
		{"gpt-9-mini", "gpt-9*", 2},
		{"gpt-9-long-name-x", "gpt-9-long-name*", 5},
		{"gpt-8", "gpt-*", 1},
		{"gpt-", "gpt-*", 1},
		{"vendor/line/a/b", "vendor/line/*", 4},
		{"vendor/x", "v*", 6},
		{"GPT-9", "", 0},
		{"gpt", "", 0},
		{"", "", 0},
		{"*", "", 0},
		{"gpt-*", "", 0},
		{"gpt-9*", "", 0},
		{" gpt-9", "", 0},
	} {
		q, ok := book.Find(c.model, first)
		require.Equal(t, c.entry != "", ok, "%q", c.model)
		if !ok {
			require.Zero(t, q)
			continue
		}
		require.Equal(t, pricing.Quote{Version: "p1", Model: c.model, Entry: c.entry, Price: model("", c.rate).Price}, q)
	}
}

func TestBook_At(t *testing.T) {
	t.Parallel()
	book, err := pricing.NewBook([]pricing.Edition{
		{Version: "p2", Effective: first.Add(time.Hour), Models: []pricing.Model{model("gpt-9", 20)}},
		{Version: "p1", Effective: first, Models: []pricing.Model{model("gpt-9", 3), model("old", 1)}},
	})
	require.NoError(t, err)
	for _, c := range []struct {
		now  time.Time
		want string
	}{
		{first.Add(-time.Microsecond), ""}, {first, "p1"}, {first.Add(time.Hour - 1), "p1"}, {first.Add(time.Hour), "p2"}, {first.AddDate(9, 0, 0), "p2"},
	} {
		e, ok := book.At(c.now)
		require.Equal(t, c.want != "", ok)
		require.Equal(t, c.want, e.Version)
		q, ok := book.Find("gpt-9", c.now)
		require.Equal(t, c.want != "", ok)
		require.Equal(t, c.want, q.Version)
	}
	_, ok := book.Find("old", first.Add(time.Hour))
	require.False(t, ok, "an edition replaces the one before it whole")
	_, ok = pricing.Book{}.Find("gpt-9", first)
	require.False(t, ok)
}

func TestEdition_Exact(t *testing.T) {
	t.Parallel()
	e := pricing.Edition{Models: []pricing.Model{model("b", 1), model("a*", 1), model("a", 1)}}
	require.Equal(t, []string{"b", "a"}, e.Exact())
}

func TestNewBook_ReportsEveryFault(t *testing.T) {
	t.Parallel()
	_, err := pricing.NewBook(nil)
	require.ErrorContains(t, err, "the list is empty")

	over := model("over", pricing.MaxRate+1)
	below := model("below", 0)
	below.PerCachedInput = -1
	endless := model("endless", 0)
	endless.MaxOutputTokens = pricing.MaxOutputTokens + 1
	unbounded := model("unbounded", 0)
	unbounded.MaxOutputTokens = 0
	book, err := pricing.NewBook([]pricing.Edition{
		{Version: "a", Effective: first, Models: []pricing.Model{model("twice", 1), model("twice", 2), model("in*side", 1), model("two**", 1), model("", 1), model("a b", 1)}},
		{Version: "b", Effective: first, Models: []pricing.Model{over, below, endless, unbounded, model("fine", 0)}},
		{Version: "c"},
	})
	require.Zero(t, book)
	for _, want := range []string{
		"no effective time", "two editions take effect at 2025-01-01T00:00:00Z", `"twice" is listed twice`, `"in*side": an ID`, `"two**": an ID`, `"": an ID`,
		`"a b": an ID`, `"over" has a price outside`, `"below" has a price outside`, `"endless": max_output_tokens`, `"unbounded": max_output_tokens`,
	} {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, err.Error(), "fine")
}
