package pricing

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Model is the price of one model, or of all whose ID starts with a prefix.
type Model struct {
	ID string // exact, or a prefix ending in *
	Price
}

// Edition is a list of prices that holds from an instant on.
type Edition struct {
	Version   string // names this content for ever; frozen in each hold
	Effective time.Time
	Models    []Model
}

// Book is all editions of an environment's prices, oldest first.
type Book struct{ editions []Edition }

// Quote is the price found for a model, with where it came from.
type Quote struct {
	Version string
	Model   string // the ID that was asked for
	Entry   string // the book's entry: exact ID or prefix
	Price   Price
}

// NewBook returns the book of the editions, or an error that lists all that
// is wrong with them: no edition, an edition twice at the same instant, a
// model twice, an ID with a * inside, a rate below zero or beyond MaxRate, a
// missing output bound.
func NewBook(editions []Edition) (Book, error) {
	var errs []error
	if len(editions) == 0 {
		errs = append(errs, errors.New("prices: the list is empty"))
	}
	sorted := slices.Clone(editions)
	slices.SortStableFunc(sorted, func(a, b Edition) int { return a.Effective.Compare(b.Effective) })
	for i, e := range sorted {
		if e.Effective.IsZero() {
			errs = append(errs, errors.New("prices: an edition has no effective time"))
		}
		if i > 0 && e.Effective.Equal(sorted[i-1].Effective) {
			errs = append(errs, fmt.Errorf("prices: two editions take effect at %s", e.Effective.Format(time.RFC3339)))
		}
		seen := map[string]bool{}
		for _, m := range e.Models {
			errs = append(errs, m.check(seen)...)
		}
	}
	if len(errs) > 0 {
		return Book{}, errors.Join(errs...)
	}
	return Book{sorted}, nil
}

func (m Model) check(seen map[string]bool) (errs []error) {
	if prefix := strings.TrimSuffix(m.ID, "*"); m.ID == "" || strings.ContainsAny(prefix, "* \t\r\n") {
		errs = append(errs, fmt.Errorf("prices: model %q: an ID is exact or a prefix that ends in one *", m.ID))
	}
	if seen[m.ID] {
		errs = append(errs, fmt.Errorf("prices: model %q is listed twice", m.ID))
	}
	seen[m.ID] = true
	for _, r := range []Rate{m.PerRequest, m.PerInput, m.PerCachedInput, m.PerOutput} {
		if r < 0 || r > MaxRate {
			errs = append(errs, fmt.Errorf("prices: model %q has a price outside 0 to %d", m.ID, MaxRate/unit))
		}
	}
	if m.MaxOutputTokens < 1 || m.MaxOutputTokens > MaxOutputTokens {
		errs = append(errs, fmt.Errorf("prices: model %q: max_output_tokens must be 1 to %d", m.ID, MaxOutputTokens))
	}
	return errs
}

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
