package pricefile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/pricefile"
)

const good = `# what models cost
prices:
  - effective: 2026-01-01T00:00:00Z
    models:
      - {id: gpt-4.1-mini, per_request: 0, per_input_token: 0.4, per_cached_input_token: 0.1, per_output_token: 1.600001, max_output_tokens: 32768, max_input_tokens: 1047576}
      - id: "acme/*"
        per_request: "250000"
        per_input_token: 0
        per_cached_input_token: 0
        per_output_token: 0
        max_output_tokens: 100
  - effective: 2026-07-01T02:00:00+02:00
    models:
      - {id: gpt-4.1-mini, per_request: 1, per_input_token: 0, per_cached_input_token: 0, per_output_token: 0, max_output_tokens: 1}
`

func model(fields string) string {
	return "prices: [{effective: 2026-01-01T00:00:00Z, models: [{" + fields + "}]}]"
}

const rest = ", per_input_token: 0, per_cached_input_token: 0, per_output_token: 0, max_output_tokens: 1"

func TestParse(t *testing.T) {
	t.Parallel()
	book, err := pricefile.Parse([]byte(good))
	require.NoError(t, err)

	june := time.Date(2026, 6, 30, 23, 59, 59, 0, time.UTC)
	q, ok := book.Find("gpt-4.1-mini", june)
	require.True(t, ok)
	require.EqualValues(t, 400_000, q.Price.PerInput)
	require.EqualValues(t, 1_600_001, q.Price.PerOutput)
	require.EqualValues(t, 32768, q.Price.MaxOutputTokens)
	require.EqualValues(t, 1_047_576, q.Price.InputTokens)
	require.Len(t, q.Version, 16)

	q, ok = book.Find("acme/large", june)
	require.True(t, ok)
	require.Equal(t, "acme/*", q.Entry)
	require.EqualValues(t, 250_000_000_000, q.Price.PerRequest)
	require.Zero(t, q.Price.InputTokens, "not known")

	july, ok := book.Find("gpt-4.1-mini", june.Add(time.Second))
	require.True(t, ok)
	require.NotEqual(t, q.Version, july.Version)
	require.EqualValues(t, 1_000_000, july.Price.PerRequest)

	_, ok = book.Find("gpt-4.1-mini", time.Date(2025, 12, 31, 23, 59, 59, 0, time.UTC))
	require.False(t, ok)
}

func TestParse_Version(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	of := func(text string) string {
		book, err := pricefile.Parse([]byte(text))
		require.NoError(t, err)
		e, ok := book.At(at)
		require.True(t, ok)
		return e.Version
	}
	first := of(model("id: a, per_request: 1" + rest))
	require.Equal(t, first, of("# other words\n"+model("per_request: 1.0, id: 'a'"+rest)), "spelling does not count")
	require.NotEqual(t, first, of(model("id: a, per_request: 1.000001"+rest)))
	bounded := of(model("id: a, per_request: 1" + rest + ", max_input_tokens: 5"))
	require.NotEqual(t, first, bounded)
	require.NotEqual(t, bounded, of(model("id: a, per_request: 1"+rest+", max_input_tokens: 6")))
	require.NotEqual(t, first, of(model("id: a*, per_request: 1"+rest)))
}

func TestParse_Refuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"nothing":            {"", "empty"},
		"not YAML":           {"prices: [", "not YAML"},
		"a list":             {"[]", "must have the fields prices"},
		"two documents":      {good + "---\nprices: []\n", "more than one document"},
		"unknown top field":  {good + "currency: EUR\n", `line 15: the price file: there is no field "currency"`},
		"no editions":        {"prices: []", "at least one item"},
		"no prices":          {"{}", "the field prices is missing"},
		"no models":          {"prices: [{effective: 2026-01-01T00:00:00Z, models: []}]", "models must be a list"},
		"no effective":       {"prices: [{models: [{id: a, per_request: 0" + rest + "}]}]", "the field effective is missing"},
		"date without time":  {"prices: [{effective: 2026-01-01, models: [{id: a, per_request: 0" + rest + "}]}]", "effective is a date and time"},
		"no ID":              {model("per_request: 0" + rest), "the field id is missing"},
		"missing price":      {model("id: a" + rest), `model "a": the field per_request is missing`},
		"price without text": {model("id: a, per_request: " + rest), "per_request has no value"},
		"negative price":     {model("id: a, per_request: -1" + rest), "zero or more"},
		"seven places":       {model("id: a, per_request: 0.0000001" + rest), "six decimal places"},
		"exponent":           {model("id: a, per_request: 1e3" + rest), "not a decimal"},
		"hex":                {model("id: a, per_request: 0x10" + rest), "not a decimal"},
		"infinity":           {model("id: a, per_request: .inf" + rest), "price .inf"},
		"too dear":           {model("id: a, per_request: 1000000000001" + rest), "too large"},
		"past int64":         {model("id: a, per_request: 99999999999999999999" + rest), "too large"},
		"price as list":      {model("id: a, per_request: [1]" + rest), "no value"},
		"long scalar":        {model("id: a, per_request: " + strings.Repeat("1", 300) + rest), "too long"},
		"unknown field":      {model("id: a, per_reqest: 1, per_request: 1" + rest), `no field "per_reqest"`},
		"case counts":        {model("ID: a, per_request: 1" + rest), `no field "ID"`},
		"field twice":        {model("id: a, per_request: 1, per_request: 2" + rest), "given twice"},
		"model twice":        {strings.Replace(good, `"acme/*"`, "gpt-4.1-mini", 1), "line 6: model \"gpt-4.1-mini\" is listed already in line 5"},
		"edition twice":      {strings.Replace(good, "2026-07-01T02:00:00+02:00", "2026-01-01T01:00:00+01:00", 1), "line 12: this edition takes effect at the same time as the one in line 3"},
		"star inside":        {model("id: a*b, per_request: 1" + rest), "ends in one *"},
		"blank in ID":        {model("id: a b, per_request: 1" + rest), "ends in one *"},
		"empty ID":           {model("id: '', per_request: 1" + rest), "ends in one *"},
		"no output bound":    {strings.Replace(model("id: a, per_request: 1"+rest), "tokens: 1", "tokens: 0", 1), "max_output_tokens is a whole number"},
		"half a token":       {strings.Replace(model("id: a, per_request: 1"+rest), "tokens: 1", "tokens: 1.5", 1), "max_output_tokens is a whole number"},
		"no input at all":    {model("id: a, per_request: 1" + rest + ", max_input_tokens: 0"), "max_input_tokens is a whole number"},
		"endless input":      {model("id: a, per_request: 1" + rest + ", max_input_tokens: 100000001"), "max_input_tokens is a whole number"},
		"input bound unsaid": {model("id: a, per_request: 1" + rest + ", max_input_tokens: "), "max_input_tokens has no value"},
		"alias":              {"prices: [{effective: 2026-01-01T00:00:00Z, models: [{id: &x a, per_request: *x" + rest + "}]}]", "aliases are not followed"},
		"free of charge":     {model("id: a, per_request: 0" + rest), `line 1: model "a" costs nothing at all; say free: true`},
		"not so free":        {model("id: a, free: true, per_request: 1" + rest), `model "a" is said to be free, but has a price`},
		"perhaps free":       {model("id: a, free: perhaps, per_request: 0" + rest), "free is true or false"},
		"past counting":      {strings.Replace(model("id: a, per_request: 1"+rest), "per_output_token: 0, max_output_tokens: 1", "per_output_token: 1000000000000, max_output_tokens: 10000000", 1), "costs more than can be counted"},
		"too big":            {good + strings.Repeat("#", pricefile.MaxSize), "larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := pricefile.Parse([]byte(c.text))
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestParse_AllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := pricefile.Parse([]byte(`prices:
  - effective: soon
    models:
      - {id: a, per_request: -1, per_input_token: x, per_output_token: 0, max_output_tokens: 0}
`))
	require.Error(t, err)
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, 5, err)
	require.True(t, strings.HasPrefix(lines[0], "line 2: "), lines[0])
	for _, l := range lines[1:] {
		require.True(t, strings.HasPrefix(l, `line 4: model "a": `), l)
	}
}

func TestParse_Free(t *testing.T) {
	t.Parallel()
	for text, free := range map[string]bool{"id: a, free: true, per_request: 0": true, "id: a, free: false, per_request: 1": false} {
		book, err := pricefile.Parse([]byte(model(text + rest)))
		require.NoError(t, err)
		require.Equal(t, free, book.Editions()[0].Models[0].Free)
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	text := good + "      - {id: \"\\u00e9 \\\\'\\\"\\a*\", free: true, per_request: 0" + rest + "}\n"
	text = strings.Replace(text, "\\u00e9 ", "\\u00e9", 1)
	book, err := pricefile.Parse([]byte(text))
	require.NoError(t, err)
	again, err := pricefile.Parse(pricefile.Format(book))
	require.NoError(t, err, string(pricefile.Format(book)))
	require.Equal(t, book, again)
}

func TestSource_Book(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "prices.yaml")
	_, err := pricefile.New(path).Book(t.Context())
	require.ErrorIs(t, err, os.ErrNotExist)

	require.NoError(t, os.WriteFile(path, []byte(good), 0o600))
	_, err = pricefile.New(path).Book(t.Context())
	require.NoError(t, err)

	require.NoError(t, os.WriteFile(path, []byte("prices: []"), 0o600))
	_, err = pricefile.New(path).Book(t.Context())
	require.ErrorContains(t, err, path)

	s := pricefile.New(path)
	for _, text := range []string{"prices: []", good, good, strings.Replace(good, "0.4", "0.5", 1), "", good} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		want, wrong := pricefile.Parse([]byte(text))
		book, err := s.Book(t.Context())
		require.Equal(t, want, book)
		require.Equal(t, wrong == nil, err == nil)
	}
	require.NoError(t, os.Remove(path))
	_, err = s.Book(t.Context())
	require.ErrorIs(t, err, os.ErrNotExist, "what was read before does not count")
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("prices: [{effective: , models: [{id: &a [*a]}]}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		book, err := pricefile.Parse(text)
		if err != nil {
			return
		}
		e, ok := book.At(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))
		if ok && (e.Version == "" || len(e.Models) == 0) {
			t.Fatalf("an edition without version or models was accepted: %+v", e)
		}
	})
}
