package limits_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/ports/limits"
)

func TestRule_Validate(t *testing.T) {
	t.Parallel()
	for r, ok := range map[limits.Rule]bool{
		{Burst: 1, Every: time.Millisecond}:       true,
		{Burst: 1, Every: limits.MaxPeriod}:       true,
		{Burst: 24, Every: time.Hour}:             true,
		{Burst: 25, Every: time.Hour}:             false,
		{Burst: 1, Every: limits.MaxPeriod + 1}:   false,
		{}:                                        false,
		{Burst: 0, Every: time.Second}:            false,
		{Burst: -1, Every: time.Second}:           false,
		{Burst: math.MinInt, Every: time.Second}:  false,
		{Burst: math.MaxInt, Every: time.Second}:  false,
		{Burst: 1}:                                false,
		{Burst: 1, Every: -time.Second}:           false,
		{Burst: 1, Every: time.Microsecond}:       false,
		{Burst: 2, Every: time.Duration(1) << 62}: false,
	} {
		if ok {
			require.NoError(t, r.Validate(), r)
		} else {
			require.ErrorIs(t, r.Validate(), limits.ErrRule, r)
		}
	}
}
