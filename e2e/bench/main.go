//go:build linux

// Command bench measures this server beside a bare httputil.ReverseProxy over
// the same upstream, in one run, on a database of its own, and checks that the
// server debited exactly what it answered.
//
// It starts everything it needs: the upstream and the bare proxy as children of
// its own program, the server built from this tree, a private PostgreSQL (or
// SQLite). README.md says what each figure means. It is Linux only, because it
// reads processor time and memory from /proc.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// options are what a run can be told.
type options struct {
	db       string
	rounds   int
	duration time.Duration
	warm     time.Duration
	accounts int
	conns    int
	scenes   []string
	withCLI  bool
	scale    bool
	many     int
	entries  int
	buffers  string
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == childFlag {
		child(os.Args[2:])
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
		stop()
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.db, "db", "postgres", "postgres (a private cluster) or sqlite")
	flags.IntVar(&o.rounds, "rounds", 3, "how often each scenario is run on each target")
	flags.DurationVar(&o.duration, "d", 3*time.Second, "how long each is measured")
	flags.DurationVar(&o.warm, "warm", time.Second, "how long each runs before it is measured")
	flags.IntVar(&o.accounts, "accounts", 1000, "over how many accounts the load is spread, a key each")
	flags.IntVar(&o.conns, "c", 64, "connections of the saturating scenarios")
	names := flags.String("scen", "json,sse,rate,sserate", "scenarios to run")
	flags.BoolVar(&o.withCLI, "with-cli", false, "compare the server alone with the server beside grants, backups and audits by the command line")
	flags.BoolVar(&o.scale, "scale", false, "compare databases of several sizes: -accounts or -many accounts, an empty ledger or -entries")
	flags.IntVar(&o.many, "many", 100_000, "with -scale: the larger number of accounts")
	flags.IntVar(&o.entries, "entries", 5_000_000, "with -scale: entries of the full ledgers, with a hold and an event each")
	flags.StringVar(&o.buffers, "buffers", "2GB", "with -scale: PostgreSQL's shared_buffers")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.scenes = strings.Split(*names, ",")
	for _, name := range o.scenes {
		if _, ok := scenarios[name]; !ok {
			return o, fmt.Errorf("there is no scenario %q", name)
		}
	}
	if o.db != "postgres" && o.db != "sqlite" || o.rounds < 1 || o.accounts < 1 || o.conns < 1 || o.duration <= 0 {
		return o, errors.New("-db is postgres or sqlite; -rounds, -accounts, -c and -d are above zero")
	}
	if o.scale && (o.db != "postgres" || o.withCLI || o.many < 1 || o.entries < 1) {
		return o, errors.New("-scale is for PostgreSQL alone, with -many and -entries above zero")
	}
	return o, nil
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	s, err := setUp(ctx, o)
	defer s.tearDown()
	if err != nil {
		return err
	}
	s.printHead(o)
	if o.scale {
		return s.runScale(ctx, o)
	}
	if o.withCLI {
		results, seen, answered, err := s.measureBeside(ctx, o)
		if err != nil {
			return err
		}
		s.printBeside(o, results, seen)
		return s.reconcile(ctx, answered)
	}
	results, answered, err := s.measure(ctx, o)
	if err != nil {
		return err
	}
	printTable(o, results)
	return s.reconcile(ctx, answered)
}

// measure runs every scenario on both targets, round by round, changing who
// goes first, so that both see the same moods of the machine. It also returns
// how many answers the server gave in all.
func (s *stand) measure(ctx context.Context, o options) ([]result, int64, error) {
	var results []result
	var answered int64
	targets := []*target{s.bare, s.ours}
	for round := range o.rounds {
		for _, name := range o.scenes {
			for i := range targets {
				t := targets[(i+round)%len(targets)]
				if err := ctx.Err(); err != nil {
					return nil, 0, err
				}
				r, all := s.drive(ctx, t, scenarios[name], o)
				r.scenario, r.target = name, t.name
				if r.good == 0 {
					return nil, 0, fmt.Errorf("%s answered nothing in %s: %s", t.name, name, r.firstBad)
				}
				fmt.Fprintf(os.Stderr, "round %d  %-8s %-8s %8.0f/s  %d bad %s\n", round+1, name, t.name, r.rate(), r.bad, r.firstBad)
				results = append(results, r)
				if t == s.ours {
					answered += all
				}
			}
		}
	}
	return results, answered, nil
}
