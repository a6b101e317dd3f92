//go:build linux

package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"
)

// printHead says what is measured on what.
func (s *stand) printHead(o options) {
	fmt.Printf("%d processors, %s, %d accounts, %d rounds of %v\n", runtime.NumCPU(), runtime.Version(), o.accounts, o.rounds, o.duration)
	if s.cluster == nil {
		fmt.Println("SQLite, in the server's process")
		return
	}
	fmt.Printf("PostgreSQL %s, fsync %s, synchronous_commit %s, full_page_writes %s\n",
		s.setting("server_version"), s.setting("fsync"), s.setting("synchronous_commit"), s.setting("full_page_writes"))
}

func (s *stand) setting(name string) string {
	db, err := s.open()
	if err != nil {
		return "unknown"
	}
	defer func() { _ = db.Close() }()
	value := "unknown"
	_ = db.QueryRowContext(context.Background(), "SELECT current_setting($1)", name).Scan(&value) // unknown says it
	return value
}

// line is the medians of one scenario on one target.
type line struct {
	rate, p50, p99, first, cpu, db, rss, foreign float64
	bad                                          int64
}

func medians(results []result, scenario, target string) line {
	pick := func(of func(result) float64) float64 {
		var values []float64
		for _, r := range results {
			if r.scenario == scenario && r.target == target {
				values = append(values, of(r))
			}
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	each := func(d time.Duration, r result) float64 { return float64(d.Microseconds()) / float64(r.good) }
	l := line{
		rate:    pick(result.rate),
		p50:     pick(func(r result) float64 { return ms(percentile(r.latency, 0.50)) }),
		p99:     pick(func(r result) float64 { return ms(percentile(r.latency, 0.99)) }),
		first:   pick(func(r result) float64 { return ms(percentile(r.first, 0.50)) }),
		cpu:     pick(func(r result) float64 { return each(r.cpu, r) }),
		db:      pick(func(r result) float64 { return each(r.dbCPU, r) }),
		rss:     pick(func(r result) float64 { return float64(r.rss) / (1 << 20) }),
		foreign: pick(func(r result) float64 { return 100 * r.foreign }),
	}
	for _, r := range results {
		if r.scenario == scenario && r.target == target {
			l.bad += r.bad
		}
	}
	return l
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// printTable prints a table for each scenario: both targets, and ours over bare.
// A terminal that is gone has nobody to tell.
func printTable(o options, results []result) {
	for _, name := range o.scenes {
		fmt.Printf("\n%s: %s\n", name, scenarios[name].title)
		bare, ours := medians(results, name, "bare"), medians(results, name, "ours")
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
		_, _ = fmt.Fprintln(w, "\trequests/s\tp50 ms\tp99 ms\tfirst byte p50 ms\tserver µs/req\tdatabase µs/req\tmemory MiB\tbad\tforeign %\t")
		for _, row := range []struct {
			name string
			line
		}{{"bare", bare}, {"ours", ours}} {
			_, _ = fmt.Fprintf(w, "%s\t%.0f\t%.2f\t%.2f\t%.2f\t%.0f\t%.0f\t%.0f\t%d\t%.0f\t\n",
				row.name, row.rate, row.p50, row.p99, row.first, row.cpu, row.db, row.rss, row.bad, row.foreign)
		}
		_, _ = fmt.Fprintf(w, "ours/bare\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t\t%.2f\t\t\t\n",
			over(ours.rate, bare.rate), over(ours.p50, bare.p50), over(ours.p99, bare.p99), over(ours.first, bare.first),
			over(ours.cpu+ours.db, bare.cpu), over(ours.rss, bare.rss))
		_ = w.Flush()
	}
}

func over(a, b float64) float64 { return a / cmp.Or(b, 1) }
