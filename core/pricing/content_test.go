package pricing_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/archibot/archibotchat/core/pricing"
)

const content = `{"form":"archibotchat/prices/1","editions":[{"effective":"2025-01-01T00:00:00Z","models":[` +
	`{"id":"a<b>&*","per_request":"0","per_input_token":"0.15","per_cached_input_token":"0.000001","per_output_token":"12","max_output_tokens":100},` +
	`{"id":"gift","per_request":"0","per_input_token":"0","per_cached_input_token":"0","per_output_token":"0","max_output_tokens":1,"free":true}]}]}
`

func TestBook_Content(t *testing.T) {
	t.Parallel()
	dear := pricing.Model{ID: "a<b>&*", Price: pricing.Price{PerInput: 150_000, PerCachedInput: 1, PerOutput: 12_000_000, MaxOutputTokens: 100}}
	gift := pricing.Model{ID: "gift", Price: pricing.Price{MaxOutputTokens: 1, Free: true}}
	book, err := pricing.NewBook([]pricing.Edition{{Effective: first.Add(999).In(time.FixedZone("x", 3600)), Models: []pricing.Model{gift, dear}}})
	require.NoError(t, err)
	require.Equal(t, content, string(book.Content()), "the form is for ever: old books must stay readable")
	require.Equal(t, "929648ac3afbc4d3", book.Editions()[0].Version)
	require.Len(t, book.Hash(), 64)

	again, err := pricing.Decode([]byte(content))
	require.NoError(t, err)
	require.Equal(t, book, again)

	same, err := pricing.NewBook([]pricing.Edition{{Effective: first, Models: []pricing.Model{dear, gift}, Version: "929648ac3afbc4d3"}})
	require.NoError(t, err)
	require.Equal(t, book.Hash(), same.Hash(), "neither order nor zone count")
	gift.InputTokens = 200_000
	bounded, err := pricing.NewBook([]pricing.Edition{{Effective: first, Models: []pricing.Model{dear, gift}}})
	require.NoError(t, err)
	require.Contains(t, string(bounded.Content()), `"free":true,"max_input_tokens":200000}`)
	require.NotEqual(t, same.Editions()[0].Version, bounded.Editions()[0].Version)
	book.Content()[0] = 'x'
	require.Equal(t, content, string(book.Content()), "a copy")
}

func TestDecode_Refuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":         "",
		"not JSON":        "prices: []",
		"another form":    strings.Replace(content, "prices/1", "prices/2", 1),
		"an extra field":  strings.Replace(content, `"id":"gift"`, `"id":"gift","tax":"1"`, 1),
		"something after": content + "{}",
		"other spelling":  strings.Replace(content, `"0.15"`, `"0.150"`, 1),
		"other order":     strings.Replace(content, `"id":"gift"`, `"id":"Gift"`, 1),
		"a blank":         strings.Replace(content, `:[`, `: [`, 1),
		"no line break":   strings.TrimSpace(content),
		"a wrong price":   strings.Replace(content, `"12"`, `"-12"`, 1),
		"a wrong book":    strings.Replace(content, `,"free":true`, "", 1),
		"a price missing": strings.Replace(content, `"per_output_token":"12",`, "", 1),
		"case of a field": strings.Replace(content, `"per_request"`, `"PER_REQUEST"`, 1),
	} {
		_, err := pricing.Decode([]byte(text))
		require.Error(t, err, name)
	}
}

// Whatever passes NewBook comes back the same from its content, and two
// editions share a version only if they say the same.
func TestDecode_Property(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Int64Range(0, 90_000_000_000)
		var editions []pricing.Edition
		for i := range rapid.IntRange(1, 4).Draw(t, "editions") {
			e := pricing.Edition{Effective: first.Add(time.Duration(i) * time.Hour)}
			for j := range rapid.IntRange(1, 4).Draw(t, "models") {
				p := pricing.Price{
					PerRequest: pricing.Rate(rate.Draw(t, "request")), PerInput: pricing.Rate(rate.Draw(t, "input")),
					PerCachedInput: pricing.Rate(rate.Draw(t, "cached")), PerOutput: pricing.Rate(rate.Draw(t, "output")), MaxOutputTokens: 1,
				}
				p.InputTokens = rapid.Int64Range(0, pricing.MaxInputTokens).Draw(t, "input bound")
				p.Free = p.PerRequest+p.PerInput+p.PerCachedInput+p.PerOutput == 0
				e.Models = append(e.Models, pricing.Model{ID: fmt.Sprint("m", j), Price: p})
			}
			editions = append(editions, e)
		}
		book, err := pricing.NewBook(editions)
		require.NoError(t, err)
		again, err := pricing.Decode(book.Content())
		require.NoError(t, err)
		require.Equal(t, book, again)
		versions := map[string]bool{}
		for _, e := range book.Editions() {
			require.False(t, versions[e.Version])
			versions[e.Version] = true
		}
	})
}

func TestRate_String(t *testing.T) {
	t.Parallel()
	for text, rate := range map[string]pricing.Rate{
		"0": 0, "0.000001": 1, "0.15": 150_000, "12": 12_000_000, "1000000000000": pricing.MaxRate, "10.1": 10_100_000,
	} {
		require.Equal(t, text, rate.String())
		got, err := pricing.ParseRate(text)
		require.NoError(t, err)
		require.Equal(t, rate, got)
	}
	require.Equal(t, "-0.5", pricing.Rate(-500_000).String())
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(content))
	f.Fuzz(func(t *testing.T, text []byte) {
		book, err := pricing.Decode(text)
		if err == nil && string(book.Content()) != string(text) {
			t.Fatalf("%q was read as %q", text, book.Content())
		}
	})
}
