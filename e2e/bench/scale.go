//go:build linux

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/archibot/archibotchat/adapters/sqlstore"
	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/e2e/engine/localpg"
	"github.com/archibot/archibotchat/e2e/scale"
	"github.com/archibot/archibotchat/ports/store"
)

// scaleSettings are what a server of some size is told: memory, and checkpoints
// so far apart that none falls into a measured time.
func scaleSettings(o options) []string {
	return []string{"shared_buffers=" + o.buffers, "checkpoint_timeout=1h", "max_wal_size=8GB"}
}

// size is a database to compare: how many accounts the load goes round, and
// how many requests they made before.
type size struct {
	name     string
	accounts int
	requests int
}

// sizes lists what is compared. The first one is what the others are held against.
func sizes(o options) []size {
	return []size{
		{"few, empty", o.accounts, 0},
		{"many, empty", o.many, 0},
		{"few, full", o.accounts, o.entries},
		{"many, full", o.many, o.entries},
	}
}

// runScale compares what a request costs on databases of several sizes, each
// with a server of its own, in one run.
func (s *stand) runScale(ctx context.Context, o options) error {
	list := sizes(o)
	stands := make([]*stand, len(list))
	defer func() {
		for _, sub := range stands {
			sub.stopServer()
		}
	}()
	for i, z := range list {
		sub, err := s.beside(ctx, i, z)
		stands[i] = sub
		if err != nil {
			return fmt.Errorf("%s: %w", z.name, err)
		}
	}
	if err := s.checkpoint(ctx); err != nil {
		return err
	}
	c := &comparison{o: o, list: list, stands: stands, answered: make([]int64, len(list))}
	if err := c.ledger(ctx); err != nil {
		return err
	}
	if err := c.servers(ctx); err != nil {
		return err
	}
	printScale(o, list, c.results)
	for i, sub := range stands {
		fmt.Printf("\n%s:", list[i].name)
		if err := sub.reconcile(ctx, c.answered[i]+int64(list[i].requests)); err != nil {
			return err
		}
	}
	return nil
}

// comparison is what is measured on stands of several sizes.
type comparison struct {
	o        options
	list     []size
	stands   []*stand
	answered []int64 // by each, measured or not
	results  []result
}

// ledger measures the batches. It comes first: what it writes is news to the
// servers, and they would have to read it again while they are measured.
func (c *comparison) ledger(ctx context.Context) (err error) {
	desks := make([]*desk, len(c.stands))
	defer func() {
		for _, d := range desks {
			err = errors.Join(err, d.close(ctx))
		}
	}()
	for i, s := range c.stands {
		var n int64
		if desks[i], n, err = s.openDesk(ctx); err != nil {
			return fmt.Errorf("%s: %w", c.list[i].name, err)
		}
		c.answered[i] += n
	}
	return c.rounds(ledgerScene, func(k int) (result, int64, error) { return desks[k].commits(ctx, c.o) })
}

// sealing is how long a server may need until what was just asked of it is sealed.
const sealing = 13 * time.Second

// servers measures the scenarios. Each server answers once for every account
// before, for no account is met for the first time while it is measured, and
// each has waited for the others meanwhile; and it seals the events of that.
func (c *comparison) servers(ctx context.Context) error {
	for _, name := range c.o.scenes {
		err := c.rounds(name, func(k int) (result, int64, error) {
			n, err := c.stands[k].visit(ctx, c.o)
			if err != nil {
				return result{}, n, err
			}
			select {
			case <-time.After(sealing):
			case <-ctx.Done():
				return result{}, n, ctx.Err()
			}
			r, all := c.stands[k].drive(ctx, c.stands[k].ours, scenarios[name], c.o)
			return r, n + all, ctx.Err()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// rounds measures a scenario on each stand, as often as it was asked for, and
// begins with another one each time.
func (c *comparison) rounds(name string, measure func(stand int) (result, int64, error)) error {
	for round := range c.o.rounds {
		for i := range c.stands {
			k := (i + round) % len(c.stands)
			r, all, err := measure(k)
			c.answered[k] += all
			if err != nil {
				return fmt.Errorf("%s: %w", c.list[k].name, err)
			}
			r.scenario, r.target = name, c.list[k].name
			if r.good == 0 {
				return fmt.Errorf("nothing was answered in %s: %s", name, r.firstBad)
			}
			fmt.Fprintf(os.Stderr, "round %d  %-8s %-12s %8.0f/s  %d bad %s\n", round+1, name, c.list[k].name, r.rate(), r.bad, r.firstBad)
			c.results = append(c.results, r)
		}
	}
	return nil
}

// checkpoint writes out what filling left, so that it is not paid for later.
func (s *stand) checkpoint(ctx context.Context) error {
	db, err := s.open()
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "CHECKPOINT")
	return errors.Join(err, db.Close())
}

// beside returns a stand with a database of a size and a server of its own. It
// shares all else, and must be stopped also if that failed.
func (s *stand) beside(ctx context.Context, i int, z size) (*stand, error) {
	name := fmt.Sprint("scale_", i)
	sub := &stand{dir: filepath.Join(s.dir, name), upstream: s.upstream, cluster: s.cluster, program: s.program, database: s.cluster.URL(name)}
	if err := os.Mkdir(sub.dir, 0o700); err != nil {
		return sub, err
	}
	db, err := sql.Open("pgx", s.cluster.URL("postgres"))
	if err != nil {
		return sub, err
	}
	_, err = db.ExecContext(ctx, "CREATE DATABASE "+name)
	if err := errors.Join(err, db.Close()); err != nil {
		return sub, err
	}
	begun := time.Now()
	err = sub.startServer(ctx, s.upstreamURL, func(ctx context.Context, pepper string) ([]string, error) {
		now := system.Now()
		spec := scale.Spec{Accounts: z.accounts, Requests: z.requests, Since: now.AddDate(-1, 0, 0), Until: now}
		if err := scale.Fill(ctx, sub.database, spec); err != nil {
			return nil, err
		}
		tokens, err := fillKeys(ctx, sub.database, pepper)
		if err != nil {
			return nil, err
		}
		// A server would do this beside the load, and its time would count.
		if out, err := sub.command(ctx, "audit", "seal"); err != nil {
			return nil, fmt.Errorf("audit seal: %w\n%s", err, out)
		}
		return tokens, nil
	})
	fmt.Fprintf(os.Stderr, "filled  %-12s %v\n", z.name, time.Since(begun).Round(time.Second))
	return sub, err
}

func (s *stand) stopServer() {
	if s != nil && s.ours != nil {
		s.ours.process.stop(syscall.SIGTERM)
	}
}

// fillKeys gives every account a key and returns the tokens.
func fillKeys(ctx context.Context, database, pepper string) (tokens []string, err error) {
	ids := system.NewIDs(system.Now)
	db, err := sqlstore.Open(ctx, sqlstore.Config{URL: database, NewID: ids.New})
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	peppers, err := keys.ParsePeppers(pepper)
	if err != nil {
		return nil, err
	}
	now := system.Now()
	for p := (store.Page{Limit: store.MaxPage}); ; {
		accounts, err := db.Accounts().List(ctx, p)
		if err != nil {
			return nil, err
		}
		var page []string
		if err := db.Do(ctx, func(ctx context.Context, tx store.Stores) error {
			page = nil
			for _, a := range accounts {
				var raw [keys.EntropyLen]byte
				system.Entropy(raw[:])
				t := keys.Mint(raw)
				k := keys.Key{
					ID: ids.New("key"), Account: a.ID, Name: "bench", Start: t.Start(), Last4: t.Last4(), Digest: peppers[0].Digest(t), Pepper: peppers[0].Version,
					Scopes: keys.AllScopes, CreatedAt: now, ExpiresAt: keys.MaxLife(now),
				}
				if err := tx.Keys().Create(ctx, k); err != nil {
					return err
				}
				page = append(page, t.Reveal())
			}
			return nil
		}); err != nil {
			return nil, err
		}
		tokens = append(tokens, page...)
		if len(accounts) < store.MaxPage {
			return tokens, nil
		}
		p.After = accounts[len(accounts)-1].ID
	}
}

// visit sends one request for every account, so that none is met for the first
// time while it is measured, and returns how many were answered.
func (s *stand) visit(ctx context.Context, o options) (int64, error) {
	requests := s.ours.requests(scenarios["json"])
	var next, whole atomic.Int64
	var wg sync.WaitGroup
	for range o.conns {
		wg.Go(func() {
			c := &conn{address: s.ours.address}
			defer c.close()
			for ctx.Err() == nil {
				n := next.Add(1) - 1
				if n >= int64(len(requests)) {
					return
				}
				if c.call(requests[n], jsonMarker).whole {
					whole.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if n := whole.Load(); n < int64(len(requests)) {
		return n, errors.Join(ctx.Err(), fmt.Errorf("%d of %d accounts were answered", n, len(requests)))
	}
	return whole.Load(), nil
}

// printScale prints a table for each scenario, held against its first line.
func printScale(o options, list []size, results []result) {
	for _, name := range append([]string{ledgerScene}, o.scenes...) {
		title := scenarios[name].title
		if name == ledgerScene {
			title = ledgerTitle
		}
		fmt.Printf("\n%s: %s\n", name, title)
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
		_, _ = fmt.Fprintln(w, "\taccounts\tentries before\trequests/s\tp99 ms\tserver µs/req\tdatabase µs/req\tserver ratio\tdatabase ratio\tboth\tbad\tforeign %\t")
		first := medians(results, name, list[0].name)
		for _, z := range list {
			l := medians(results, name, z.name)
			_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t%.0f\t%.2f\t%.0f\t%.0f\t%.2f\t%.2f\t%.2f\t%d\t%.0f\t\n", z.name, z.accounts, z.requests, l.rate, l.p99, l.cpu, l.db,
				over(l.cpu, first.cpu), over(l.db, first.db), over(l.cpu+l.db, first.cpu+first.db), l.bad, l.foreign)
		}
		_ = w.Flush()
	}
}

// openScale starts the cluster that all sizes share.
func (s *stand) openScale(o options) (err error) {
	if s.cluster, err = localpg.Start("", scaleSettings(o)...); err != nil {
		return err
	}
	s.database = s.cluster.URL("postgres")
	return nil
}
