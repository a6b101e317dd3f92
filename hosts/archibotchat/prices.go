package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/tariff"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/hosts/admin"
	"github.com/archibot/archibotchat/ports/store"
)

type pricesCommands struct {
	Check   pricesCheck   `cmd:"" help:"Read a price book and list all that is wrong with it."`
	Publish pricesPublish `cmd:"" help:"Publish a price book, in force 60 seconds from now or later. Servers do so by themselves when their file changes."`
	List    pricesList    `cmd:"" help:"List what was published, the last one first."`
	Show    pricesShow    `cmd:"" help:"Print a published price book as a price file."`
}

type pricesCheck struct {
	File string `arg:"" help:"Price book, YAML."`
}

// Run reads the book.
func (c *pricesCheck) Run(ctx context.Context, in *instance) error {
	book, err := readPrices(ctx, c.File)
	if err != nil {
		return err
	}
	edition, ok := book.At(now())
	if in.cli.JSON {
		return json.NewEncoder(in.Out).Encode(map[string]any{"ok": true, "hash": book.Hash(), "version": edition.Version, "models": len(edition.Models)})
	}
	if !ok {
		_, _ = fmt.Fprintln(in.Out, "OK, but no prices are in force yet.")
		return nil
	}
	_, _ = fmt.Fprintf(in.Out, "OK. In force since %s: version %s, models: %d\n", edition.Effective.Format(time.RFC3339), edition.Version, len(edition.Models))
	return nil
}

// prices returns the use case on the configured database, a context in which
// the operator acts, and what closes it.
func (in *instance) prices(ctx context.Context) (context.Context, *tariff.Service, func(), error) {
	db, err := in.database(ctx)
	if err != nil {
		return ctx, nil, nil, err
	}
	ctx = access.WithPrincipal(access.WithRequest(ctx, in.newID("req")), admin.Operator())
	return ctx, tariff.New(tariff.Deps{Store: db, Now: now, NewID: in.newID, Log: db.log}), db.close, nil
}

// publication is an entry of the schedule in JSON.
type publication struct {
	Number      int64        `json:"number"`
	Hash        string       `json:"hash"`
	State       tariff.State `json:"state,omitempty"`
	Effective   time.Time    `json:"effective"`
	Published   time.Time    `json:"published"`
	PublishedBy string       `json:"published_by"`
}

func shown(b store.PriceBook, s tariff.State) publication {
	return publication{b.Seq, b.Hash, s, b.Effective, b.Added, string(b.AddedBy.Kind) + " " + b.AddedBy.ID}
}

type pricesPublish struct {
	File      string `arg:"" help:"Price book, YAML."`
	Effective string `placeholder:"TIME" help:"When it takes effect, as in 2026-01-01T00:00:00Z; 60 seconds from now unless said. The very first book takes effect at once."`
}

var errEffective = fault.New(fault.Invalid, "invalid_time", "--effective is a date and time with zone, as in 2026-01-01T00:00:00Z.")

// Run publishes the book.
func (c *pricesPublish) Run(ctx context.Context, in *instance) error {
	book, err := readPrices(ctx, c.File)
	if err != nil {
		return err
	}
	var effective time.Time
	if c.Effective != "" {
		if effective, err = time.Parse(time.RFC3339, c.Effective); err != nil {
			return errEffective
		}
	}
	ctx, service, closing, err := in.prices(ctx)
	if err != nil {
		return err
	}
	defer closing()
	b, added, err := service.Publish(ctx, book, effective)
	if err != nil {
		return err
	}
	if in.cli.JSON {
		return json.NewEncoder(in.Out).Encode(struct {
			publication
			Added bool `json:"added"`
		}{shown(b, ""), added})
	}
	verb := "Published"
	if !added {
		verb = "Published before"
	}
	_, _ = fmt.Fprintf(in.Out, "%s: book %.12s, in force from %s.\n", verb, b.Hash, b.Effective.Format(time.RFC3339))
	return nil
}

type pricesList struct {
	Limit int    `default:"50" help:"Most lines to show, at most 1000."`
	After string `placeholder:"NUMBER" help:"Show what comes after this number: the last one of the page before."`
}

// Run lists the publications.
func (c *pricesList) Run(ctx context.Context, in *instance) error {
	ctx, service, closing, err := in.prices(ctx)
	if err != nil {
		return err
	}
	defer closing()
	list, err := service.List(ctx, store.Page{Limit: c.Limit, After: c.After})
	if err != nil {
		return err
	}
	if in.cli.JSON {
		out := struct {
			Books []publication `json:"books"`
		}{[]publication{}}
		for _, e := range list {
			out.Books = append(out.Books, shown(e.PriceBook, e.State))
		}
		return json.NewEncoder(in.Out).Encode(out)
	}
	if len(list) == 0 {
		_, err := io.WriteString(in.Out, "No price book has been published.\n")
		return err
	}
	w := tabwriter.NewWriter(in.Out, 0, 4, 2, ' ', 0)
	row := func(number, state, hash, effective, published, by string) {
		_, _ = io.WriteString(w, number+"\t"+state+"\t"+hash+"\t"+effective+"\t"+published+"\t"+by+"\n")
	}
	row("NUMBER", "STATE", "BOOK", "IN FORCE FROM", "PUBLISHED", "BY")
	for _, e := range list {
		p := shown(e.PriceBook, e.State)
		row(strconv.FormatInt(p.Number, 10), string(p.State), p.Hash[:12], p.Effective.Format(time.RFC3339), p.Published.Format(time.RFC3339), p.PublishedBy)
	}
	return w.Flush()
}

type pricesShow struct {
	Name string `arg:"" help:"Hash of a book, or version of prices as a hold names it; eight digits of either will do."`
}

// Run prints the book.
func (c *pricesShow) Run(ctx context.Context, in *instance) error {
	ctx, service, closing, err := in.prices(ctx)
	if err != nil {
		return err
	}
	defer closing()
	hash, book, err := service.Find(ctx, c.Name)
	if err != nil {
		return err
	}
	type edition struct {
		Version   string    `json:"version"`
		Effective time.Time `json:"effective"`
		Models    int       `json:"models"`
	}
	var editions []edition
	for _, e := range book.Editions() {
		editions = append(editions, edition{e.Version, e.Effective, len(e.Models)})
	}
	if in.cli.JSON {
		return json.NewEncoder(in.Out).Encode(struct {
			Hash     string          `json:"hash"`
			Editions []edition       `json:"editions"`
			Content  json.RawMessage `json:"content"`
		}{hash, editions, book.Content()})
	}
	_, _ = fmt.Fprintf(in.Out, "# Book %s\n", hash)
	for _, e := range editions {
		_, _ = fmt.Fprintf(in.Out, "# %s: version %s\n", e.Effective.Format(time.RFC3339), e.Version)
	}
	_, err = in.Out.Write(formatPrices(book))
	return err
}
