//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// beside is what operators do while the server works: the command line on the
// same database.
type beside struct {
	mu    sync.Mutex
	done  map[string]int
	took  map[string]time.Duration
	fails []string
	wal   int64 // bytes, the largest seen
}

// commandEvery is how often each command is begun, unless it takes longer.
const commandEvery = time.Second

// sides are the two lines of a table of measureBeside.
var sides = [2]string{"alone", "with cli"}

// measureBeside runs every scenario on the server alone and beside grants,
// backups and audits by the command line, each once a second.
func (s *stand) measureBeside(ctx context.Context, o options) ([]result, [2]*beside, int64, error) {
	seen := [2]*beside{newBeside(), newBeside()}
	account, err := s.firstAccount(ctx)
	if err != nil {
		return nil, seen, 0, err
	}
	var results []result
	var answered int64
	for round := range o.rounds {
		for _, name := range o.scenes {
			for i := range sides {
				side := (i + round) % len(sides)
				if err := ctx.Err(); err != nil {
					return nil, seen, 0, err
				}
				stop := s.startBeside(ctx, seen[side], account, side == 1)
				r, all := s.drive(ctx, s.ours, scenarios[name], o)
				stop()
				answered += all
				r.scenario, r.target = name, sides[side]
				if r.good == 0 {
					return nil, seen, 0, fmt.Errorf("nothing was answered in %s: %s", name, r.firstBad)
				}
				fmt.Fprintf(os.Stderr, "round %d  %-8s %-8s %8.0f/s  %d bad %s\n", round+1, name, r.target, r.rate(), r.bad, r.firstBad)
				results = append(results, r)
			}
		}
	}
	for _, b := range seen {
		if len(b.fails) > 0 {
			return nil, seen, 0, fmt.Errorf("a command failed beside the server: %s", b.fails[0])
		}
	}
	return results, seen, answered, nil
}

func newBeside() *beside {
	return &beside{done: map[string]int{}, took: map[string]time.Duration{}}
}

// startBeside samples the log and, if commands is set, runs them, until the
// function that it returns is called, which waits for them.
func (s *stand) startBeside(ctx context.Context, b *beside, account string, commands bool) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			b.sampleLog(filepath.Join(s.dir, "bench.db-wal"))
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	})
	if commands {
		copies := filepath.Join(s.dir, "copy.db")
		loops := map[string]func() []string{
			"grant": func() []string {
				return []string{"admin", "credits", "grant", account, "--credits", "1", "--reason", "bench"}
			},
			"verify": func() []string { return []string{"ledger", "verify"} },
		}
		if s.cluster == nil {
			loops["backup"] = func() []string {
				_ = os.Remove(copies) // the next one needs the name
				return []string{"admin", "backup", "--to", copies}
			}
		}
		for name, next := range loops {
			wg.Go(func() {
				tick := time.NewTicker(commandEvery)
				defer tick.Stop()
				for ctx.Err() == nil {
					b.run(name, func() ([]byte, error) { return s.command(context.WithoutCancel(ctx), next()...) })
					select {
					case <-tick.C:
					case <-ctx.Done():
					}
				}
			})
		}
	}
	return func() {
		cancel()
		wg.Wait()
	}
}

func (b *beside) run(name string, command func() ([]byte, error)) {
	begun := time.Now()
	out, err := command()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done[name]++
	b.took[name] += time.Since(begun)
	if err != nil {
		b.fails = append(b.fails, fmt.Sprintf("%s: %v: %s", name, err, strings.TrimSpace(string(out))))
	}
}

func (b *beside) sampleLog(file string) {
	info, err := os.Stat(file)
	if err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wal = max(b.wal, info.Size())
}

func (s *stand) firstAccount(ctx context.Context) (id string, err error) {
	db, err := s.open()
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }()
	err = db.QueryRowContext(ctx, "SELECT min(id) FROM accounts").Scan(&id)
	return id, err
}

// printBeside prints a table for each scenario, and what the commands did.
func (s *stand) printBeside(o options, results []result, seen [2]*beside) {
	for _, name := range o.scenes {
		fmt.Printf("\n%s: %s\n", name, scenarios[name].title)
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
		_, _ = fmt.Fprintln(w, "\trequests/s\tp50 ms\tp99 ms\tserver µs/req\tdatabase µs/req\tmemory MiB\tbad\tforeign %\t")
		for _, side := range sides {
			l := medians(results, name, side)
			_, _ = fmt.Fprintf(w, "%s\t%.0f\t%.2f\t%.2f\t%.0f\t%.0f\t%.0f\t%d\t%.0f\t\n", side, l.rate, l.p50, l.p99, l.cpu, l.db, l.rss, l.bad, l.foreign)
		}
		_ = w.Flush()
	}
	if s.cluster == nil {
		fmt.Printf("\nlargest log: %.1f MiB alone, %.1f MiB with cli\n", mib(seen[0].wal), mib(seen[1].wal))
	}
	for name, n := range seen[1].done {
		fmt.Printf("%s: %d times, %v each\n", name, n, (seen[1].took[name] / time.Duration(n)).Round(time.Millisecond))
	}
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }
