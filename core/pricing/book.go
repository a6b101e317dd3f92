package pricing

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Model is the price of one model, or of all whose ID starts with a prefix.
type Model struct {
	ID string // exact, or a prefix ending in *
	Price
}

// Edition is a list of prices that holds from an instant on.
type Edition struct {
	// Version names this content for ever and is frozen in each hold. NewBook
	// sets it: a digest of all else, so that the same prices bear the same
	// version on every server, and no two lists bear one.
	Version   string
	Effective time.Time
	Models    []Model
}

// Book is all editions of an environment's prices, oldest first. Whatever order
// and spelling its models came in, they lie in the order of their IDs.
type Book struct {
	editions []Edition
	content  []byte
}

// Quote is the price found for a model, with where it came from.
type Quote struct {
	Version string
	Model   string // the ID that was asked for
	Entry   string // the book's entry: exact ID or prefix
	Price   Price
}

// NewBook returns the book of the editions, or an error that lists all that
// is wrong with them: no edition, an edition twice at the same instant, one
// without models, a version that is not its content's, a model twice, an ID
// with a * inside, a rate below zero or beyond MaxRate, a missing output bound,
// an input bound out of range, a price that costs more than can be counted, a
// model that costs nothing at all and does not say so.
func NewBook(editions []Edition) (Book, error) {
	var errs []error
	if len(editions) == 0 {
		errs = append(errs, errors.New("prices: the list is empty"))
	}
	sorted := slices.Clone(editions)
	for i := range sorted {
		sorted[i] = sorted[i].tidy()
	}
	slices.SortStableFunc(sorted, func(a, b Edition) int { return a.Effective.Compare(b.Effective) })
	for i, e := range sorted {
		if y := e.Effective.Year(); e.Effective.IsZero() {
			errs = append(errs, errors.New("prices: an edition has no effective time"))
		} else if y < 1 || y > 9999 {
			errs = append(errs, fmt.Errorf("prices: an edition takes effect in the year %d", y))
		}
		if i > 0 && e.Effective.Equal(sorted[i-1].Effective) {
			errs = append(errs, fmt.Errorf("prices: two editions take effect at %s", e.Effective.Format(time.RFC3339)))
		}
		if len(e.Models) == 0 {
			errs = append(errs, fmt.Errorf("prices: the edition of %s prices no model", e.Effective.Format(time.RFC3339)))
		}
		seen := map[string]bool{}
		for _, m := range e.Models {
			for _, text := range m.Faults() {
				errs = append(errs, errors.New("prices: "+text))
			}
			if seen[m.ID] {
				errs = append(errs, fmt.Errorf("prices: model %q is listed twice", m.ID))
			}
			seen[m.ID] = true
		}
		digest := e.digest()
		if e.Version != "" && e.Version != digest {
			errs = append(errs, fmt.Errorf("prices: the edition of %s is not version %.64q: its content makes that %s; leave it out", e.Effective.Format(time.RFC3339), e.Version, digest))
		}
		sorted[i].Version = digest
	}
	if len(errs) > 0 {
		return Book{}, errors.Join(errs...)
	}
	return Book{sorted, canonical(sorted)}, nil
}

// tidy returns the edition as every spelling of it comes out.
func (e Edition) tidy() Edition {
	e.Effective = e.Effective.UTC().Truncate(time.Microsecond)
	e.Models = slices.Clone(e.Models)
	slices.SortStableFunc(e.Models, func(a, b Model) int { return strings.Compare(a.ID, b.ID) })
	return e
}

// Faults lists what is wrong with the model by itself, one sentence each.
func (m Model) Faults() (faults []string) {
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Sprintf("model %q"+format, append([]any{m.ID}, args...)...))
	}
	if prefix := strings.TrimSuffix(m.ID, "*"); m.ID == "" || strings.ContainsAny(prefix, "* \t\r\n\x00") || !utf8.ValidString(m.ID) {
		fault(": an ID is exact or a prefix that ends in one *")
	}
	rates, free := true, true
	for _, r := range []Rate{m.PerRequest, m.PerInput, m.PerCachedInput, m.PerOutput} {
		rates = rates && r >= 0 && r <= MaxRate
		free = free && r == 0
	}
	tokens := m.MaxOutputTokens >= 1 && m.MaxOutputTokens <= MaxOutputTokens
	if !rates {
		fault(" has a price outside 0 to %s", MaxRate)
	}
	if !tokens {
		fault(": max_output_tokens must be 1 to %d", MaxOutputTokens)
	}
	if m.InputTokens < 0 || m.InputTokens > MaxInputTokens {
		fault(": max_input_tokens must be 1 to %d, or left out", MaxInputTokens)
	}
	if rates && tokens {
		if _, err := m.Bound(MaxInputTokens, m.MaxOutputTokens); err != nil {
			fault(": the longest request costs more than can be counted; check the decimal places")
		}
	}
	switch {
	case free && !m.Free:
		fault(" costs nothing at all; say free: true if that is meant")
	case m.Free && !free:
		fault(" is said to be free, but has a price")
	}
	return faults
}

// Editions returns the book's editions, oldest first.
func (b Book) Editions() []Edition { return slices.Clone(b.editions) }

// At returns the edition in force at now; false before the first.
func (b Book) At(now time.Time) (Edition, bool) {
	for i := len(b.editions) - 1; i >= 0; i-- {
		if !b.editions[i].Effective.After(now) {
			return b.editions[i], true
		}
	}
	return Edition{}, false
}

// Find returns the price of a model at now: the exact ID, else the longest
// prefix. False means that the model is not priced and must be refused.
func (b Book) Find(model string, now time.Time) (Quote, bool) {
	e, ok := b.At(now)
	if !ok {
		return Quote{}, false
	}
	return e.Find(model)
}

// Find returns the edition's price of a model.
func (e Edition) Find(model string) (Quote, bool) {
	best := -1
	for i, m := range e.Models {
		if m.ID == model {
			best = i
			break
		}
		prefix, isPrefix := strings.CutSuffix(m.ID, "*")
		if isPrefix && strings.HasPrefix(model, prefix) && (best < 0 || len(m.ID) > len(e.Models[best].ID)) {
			best = i
		}
	}
	if best < 0 || model == "" || strings.HasSuffix(model, "*") {
		return Quote{}, false
	}
	return Quote{Version: e.Version, Model: model, Entry: e.Models[best].ID, Price: e.Models[best].Price}, true
}

// Exact lists the model IDs of the edition that are not prefixes.
func (e Edition) Exact() []string {
	var ids []string
	for _, m := range e.Models {
		if !strings.HasSuffix(m.ID, "*") {
			ids = append(ids, m.ID)
		}
	}
	return ids
}
