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
		{Effective: first.Add(time.Hour), Models: []pricing.Model{model("gpt-9", 20)}},
		{Effective: first, Models: []pricing.Model{
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
		edition, _ := book.At(first)
		require.Equal(t, pricing.Quote{Version: edition.Version, Model: c.model, Entry: c.entry, Price: model("", c.rate).Price}, q)
	}
}

func TestBook_At(t *testing.T) {
	t.Parallel()
	book, err := pricing.NewBook([]pricing.Edition{
		{Effective: first.Add(time.Hour), Models: []pricing.Model{model("gpt-9", 20)}},
		{Effective: first, Models: []pricing.Model{model("gpt-9", 3), model("old", 1)}},
	})
	require.NoError(t, err)
	editions := book.Editions()
	p1, p2 := editions[0].Version, editions[1].Version
	require.NotEqual(t, p1, p2)
	for _, c := range []struct {
		now  time.Time
		want string
	}{
		{first.Add(-time.Microsecond), ""}, {first, p1}, {first.Add(time.Hour - 1), p1}, {first.Add(time.Hour), p2}, {first.AddDate(9, 0, 0), p2},
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
	below := model("below", 1)
	below.PerCachedInput = -1
	endless := model("endless", 1)
	endless.MaxOutputTokens = pricing.MaxOutputTokens + 1
	swallows := model("swallows", 1)
	swallows.InputTokens = pricing.MaxInputTokens + 1
	unbounded := model("unbounded", 1)
	unbounded.MaxOutputTokens = 0
	uncounted := model("uncounted", 1)
	uncounted.PerInput = pricing.MaxRate
	gift := model("gift", 0)
	notQuite := model("not quite"[:3], 1)
	notQuite.Free = true
	fine := model("fine", 0)
	fine.Free = true
	book, err := pricing.NewBook([]pricing.Edition{
		{Effective: first, Models: []pricing.Model{model("twice", 1), model("twice", 2), model("in*side", 1), model("two**", 1), model("", 1), model("a b", 1), model("a\xff", 1)}},
		{Effective: first, Models: []pricing.Model{over, below, endless, swallows, unbounded, uncounted, gift, notQuite, fine}},
		{Models: []pricing.Model{fine}},
		{Effective: first.AddDate(1, 0, 0)},
		{Effective: first.AddDate(9000, 0, 0), Models: []pricing.Model{fine}},
		{Effective: first.AddDate(2, 0, 0), Models: []pricing.Model{fine}, Version: "2027"},
	})
	require.Zero(t, book)
	for _, want := range []string{
		"no effective time", "two editions take effect at 2025-01-01T00:00:00Z", `"twice" is listed twice`, `"in*side": an ID`, `"two**": an ID`, `"": an ID`,
		`"a b": an ID`, `"a\xff": an ID`, `"over" has a price outside 0 to 1000000000000`, `"below" has a price outside`, `"endless": max_output_tokens`, `"unbounded": max_output_tokens`, `"swallows": max_input_tokens`,
		`"uncounted": the longest request`, `"gift" costs nothing`, `"not" is said to be free`, "the edition of 2026-01-01T00:00:00Z prices no model", "in the year 11025",
		`is not version "2027"`,
	} {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, err.Error(), `"fine"`)
}

func TestModel_Faults(t *testing.T) { // overflow: price × tokens fits int64
	t.Parallel()
	m := model("m", 0)
	m.MaxOutputTokens = pricing.MaxOutputTokens
	rate := func(microcredits int64) pricing.Rate { return pricing.Rate(microcredits * 1_000_000) }
	for _, set := range []func(r pricing.Rate) pricing.Model{
		func(r pricing.Rate) pricing.Model { m := m; m.PerInput = r; return m },
		func(r pricing.Rate) pricing.Model { m := m; m.PerCachedInput = r; return m },
		func(r pricing.Rate) pricing.Model { m := m; m.PerOutput = r; return m },
	} {
		require.Empty(t, set(rate(92_233_720_368)).Faults(), "9,223,372,036,800,000,000 fits")
		require.Len(t, set(rate(92_233_720_369)).Faults(), 1)
	}
	m.PerInput, m.PerOutput = rate(50_000_000_000), rate(50_000_000_000)
	require.Len(t, m.Faults(), 1, "it is the sum that counts")
}
