package pricefile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/archibot/archibotchat/core/pricing"
)

// version names an edition by what it says: 16 hex digits of the SHA-256 of
// its effective time and its prices in the order of their IDs, each text with
// its length before it. Comments, spelling and order do not count.
func version(e pricing.Edition) string {
	models := slices.Clone(e.Models)
	slices.SortStableFunc(models, func(a, b pricing.Model) int { return strings.Compare(a.ID, b.ID) })
	h := sha256.New()
	_, _ = io.WriteString(h, "archibotchat/prices/v1\n"+e.Effective.UTC().Format(time.RFC3339Nano)+"\n")
	for _, m := range models {
		_, _ = fmt.Fprintf(h, "%d:%s %d %d %d %d %d\n", len(m.ID), m.ID, m.PerRequest, m.PerInput, m.PerCachedInput, m.PerOutput, m.MaxOutputTokens)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
