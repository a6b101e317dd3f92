package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/hosts/edge"
	"github.com/archibot/archibotchat/hosts/internal/boot"
	"github.com/archibot/archibotchat/hosts/web"
)

type serveCommand struct {
	Migrate bool `help:"Bring the schema up to date first; local and SQLite do so unasked."`
}

// Help says what --help says beyond one line.
func (serveCommand) Help() string {
	return "A price file that changes is published by itself and in force a minute later; SIGHUP has it looked at now."
}

// Run serves until ctx ends, then drains.
func (c *serveCommand) Run(ctx context.Context, in *instance) error {
	more := in.source.Upstreams()
	in.cli.Settings.Providers = in.source.Providers()
	settings, err := in.cli.Settings.Settings(in.source.Faults(), more...)
	if err != nil {
		return configError{err}
	}
	boot.TuneMemory()
	in.base = settings.Base
	log := in.log(settings.LogLevel, settings.Secrets()...)
	old := mayMigrate(settings.Base)
	if c.Migrate {
		old = migrateOld
	}
	db, err := in.open(ctx, settings.Base, log, old)
	if err != nil {
		return err
	}
	defer db.close()
	return in.serve(ctx, settings, db, log)
}

func (in *instance) serve(ctx context.Context, settings boot.Settings, db *database, log *slog.Logger) error {
	outer := edge.New(edge.Config{PublicURL: settings.PublicURL, Proxies: settings.TrustedProxies, NewRequestID: func() string { return in.newID("req") }, Log: log})
	pages, err := web.New(web.Dist(), web.Config{Edge: outer})
	if err != nil {
		return err
	}
	s := &site{metrics: newMetrics(), edge: outer, log: log, web: pages}
	scrape := guarded(s.metrics.handler(), settings.MetricsToken)
	local := settings.Environment == boot.Local
	if !settings.MetricsToken.Empty() || local && settings.MetricsListen == "" {
		s.scrape = scrape
	}
	// What listens serves nothing yet; but from here on its address is known.
	servers, err := listen(ctx, settings, s, scrape, log)
	if err != nil {
		return err
	}
	w, err := in.wire(ctx, settings, location{servers[0].Address(), base(settings, servers[0])}, db, log)
	if err != nil {
		for _, server := range servers {
			server.Stop(0)
		}
		return err
	}
	w.metrics = s.metrics
	s.ready = w.app.Ready
	s.api, s.v1 = in.surfaces(settings, w, outer, log)
	log.Info("listening", "address", servers[0].Address(), "environment", string(settings.Environment), "upstream", w.upstream.Name(),
		"database", kind(settings.Base), "version", version)

	unhook := boot.OnHangup(w.app.Tariff.Reload)
	defer unhook()

	// The demo key is made once the server is ready: only then is it sure that
	// no other server, whose demo key would end, has this database.
	ctx, stop := context.WithCancel(ctx)
	var announcing sync.WaitGroup
	if local {
		announcing.Go(func() { in.announce(ctx, servers[0].Address(), w, log) })
	}
	err = boot.Run{Log: log, Servers: servers, Work: w.app.Run, Draining: func() { s.draining.Store(true) }, Drain: settings.Drain, Grace: settings.Grace, Cut: w.app.Cut, Idle: w.app.Drain}.Until(ctx)
	stop()
	announcing.Wait()
	return err
}

// location is where a server is found.
type location struct {
	listen string // host:port
	base   string // scheme and host, as browsers know it
}

// base returns where browsers reach the service: as it is configured, else
// this machine.
func base(settings boot.Settings, main *boot.Server) string {
	if settings.PublicURL != nil {
		return settings.PublicURL.String()
	}
	return "http://" + main.Address()
}

// listen opens the listeners: the site's, and that of the metrics if they have
// their own.
func listen(ctx context.Context, settings boot.Settings, s *site, scrape http.Handler, log *slog.Logger) ([]*boot.Server, error) {
	main, err := boot.Listen(ctx, settings.Listen, s, log)
	if err != nil {
		return nil, fmt.Errorf("ARCHIBOT_LISTEN: %w", err)
	}
	servers := []*boot.Server{main}
	if settings.MetricsListen == "" {
		return servers, nil
	}
	own := &site{metrics: newMetrics(), edge: s.edge, log: log, ready: func(ctx context.Context) error { return s.ready(ctx) }, scrape: scrape, api: http.NotFoundHandler(), v1: http.NotFoundHandler()}
	side, err := boot.Listen(ctx, settings.MetricsListen, own.edge.Wrap(http.HandlerFunc(own.own)), log)
	if err != nil {
		main.Stop(0)
		return nil, fmt.Errorf("ARCHIBOT_METRICS_LISTEN: %w", err)
	}
	log.Info("metrics listening", "address", side.Address())
	return append(servers, side), nil
}

func kind(b boot.Base) string {
	if b.File != "" {
		return "sqlite"
	}
	return "postgres"
}

// announce waits until the server is ready and prints how to use it.
func (in *instance) announce(ctx context.Context, address string, w wired, log *slog.Logger) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for w.app.Ready(ctx) != nil {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
	d, err := in.demo(ctx, w.app)
	if err != nil {
		log.Error("making the demo account or key failed", "error", err)
		return
	}
	if err := w.enrol(access.WithPrincipal(access.WithRequest(ctx, in.newID("req")), access.Principal{Kind: access.PrincipalService, ID: "demo"}), d.account); err != nil {
		log.Error("making the demo account's administrator failed", "error", err)
		return
	}
	d.address, d.model, d.upstream = address, w.model(ctx), w.upstream.Name()
	d.print(in.Out)
	w.links.PrintLink()
}
