package audit_test

import (
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/archibot/archibotchat/core/audit"
)

var update = flag.Bool("update", false, "write golden files anew")

func full() audit.Event {
	return audit.Event{
		ID: "evt_1", Account: "acct_1", Seq: 42, At: time.Date(2025, 3, 1, 12, 0, 0, 123_456_000, time.UTC), Kind: audit.UsageDebited,
		Actor: audit.Actor{Kind: audit.ActorKey, ID: "key_1"}, Area: "api", Request: "req_1", Key: "key_1", Amount: -1234, Reason: "why", Subject: "lot_1",
		Model: "vendor/modèle", Count: 3,
	}
}

// TestEvent_Canonical guards bytes that digests are taken over (U5). If this
// fails, the form changed: give it a new version instead of updating the file.
func TestEvent_Canonical(t *testing.T) {
	t.Parallel()
	ns := full()
	ns.At = ns.At.In(time.FixedZone("east", 7200)).Add(999) // the same microsecond
	cases := []audit.Event{full(), {}, {ID: "evt_2", Seq: 1<<63 - 1, Amount: -1 << 63, At: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}}
	var text strings.Builder
	for _, e := range cases {
		text.WriteString(hex.Dump(e.Canonical()) + "\n")
	}
	file := filepath.Join("testdata", "canonical.golden")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text.String()), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), text.String())
	require.Equal(t, full().Canonical(), ns.Canonical())
}

func TestEvent_Leaf(t *testing.T) {
	t.Parallel()
	long := full()
	long.Reason = strings.Repeat("why ", 1000)
	for _, e := range []audit.Event{full(), {}, long} {
		require.Equal(t, tlog.RecordHash(e.Canonical()), e.Leaf())
	}
}

// TestEvent_Canonical_everyField: no field may be changed unseen, and none
// may run into its neighbour.
func TestEvent_Canonical_everyField(t *testing.T) {
	t.Parallel()
	seen := map[string]string{string(full().Canonical()): "unchanged"}
	add := func(what string, e audit.Event) {
		c := string(e.Canonical())
		require.Empty(t, seen[c], "%s reads like %s", what, seen[c])
		seen[c] = what
	}
	typ := reflect.TypeFor[audit.Event]()
	for i := range typ.NumField() {
		e := full()
		switch f := reflect.ValueOf(&e).Elem().Field(i).Addr().Interface().(type) {
		case *string:
			*f += "x"
		case *int64:
			*f++
		case *time.Time:
			*f = f.Add(time.Microsecond)
		case *audit.Kind:
			*f += "x"
		case *audit.Actor:
			other := e
			other.Actor.Kind += "x"
			add("Actor.Kind", other)
			f.ID += "x"
		default:
			t.Fatalf("field %s has a type that this test does not know", typ.Field(i).Name)
		}
		add(typ.Field(i).Name, e)
	}
	a, b := full(), full()
	a.Area, a.Request = "ab", "c"
	b.Area, b.Request = "a", "bc"
	require.NotEqual(t, a.Canonical(), b.Canonical())
}
