package sqlstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/ports/store"
)

type priceBookRow struct {
	bun.BaseModel `bun:"table:price_books,alias:b"`

	Hash    string `bun:"hash,pk"`
	Content []byte `bun:"content"`
}

type priceRow struct {
	bun.BaseModel `bun:"table:price_schedule,alias:c"`

	Seq         int64  `bun:"seq,pk"`
	Hash        string `bun:"hash"`
	EffectiveAt int64  `bun:"effective_at"`
	AddedAt     int64  `bun:"added_at"`
	ActorKind   string `bun:"actor_kind"`
	ActorID     string `bun:"actor_id"`
}

func (r *priceRow) book() store.PriceBook {
	return store.PriceBook{
		Seq: r.Seq, Hash: r.Hash, Effective: row.Time(r.EffectiveAt), Added: row.Time(r.AddedAt),
		AddedBy: audit.Actor{Kind: audit.ActorKind(r.ActorKind), ID: r.ActorID},
	}
}

// priceBooks implements store.PriceBooks.
type priceBooks struct{ aggregates }

var errNoPriceHead = errors.New("the table price_head has lost its row")

// Publish reads the clock once it has the head's lock: nobody publishes behind
// its back, and what it is given as notice is all still to come.
func (s priceBooks) Publish(ctx context.Context, p store.Publication) (b store.PriceBook, added bool, err error) {
	if err := s.check(ctx, string(p.By.Kind), p.By.ID); err != nil {
		return store.PriceBook{}, false, err
	}
	if len(p.Content) > store.MaxPriceBook {
		return store.PriceBook{}, false, store.ErrPriceSize
	}
	sum := sha256.Sum256(p.Content)
	hash := hex.EncodeToString(sum[:])
	err = s.atomically(ctx, "publish prices", func(ctx context.Context, db bun.IDB) error {
		last, now, err := s.lock(ctx, db)
		if err != nil {
			return err
		}
		r := priceRow{
			Seq: last.Seq + 1, Hash: hash, EffectiveAt: row.Micros(p.Effective), AddedAt: row.Micros(now), ActorKind: string(p.By.Kind), ActorID: p.By.ID,
		}
		earliest := now
		if last.Seq > 0 {
			earliest = now.Add(store.PriceNotice)
		}
		switch {
		case p.Effective.IsZero() && last.Hash == hash && last.EffectiveAt <= row.Micros(earliest):
			b, added = last.book(), false
			return nil
		case p.Effective.IsZero():
			r.EffectiveAt = row.Micros(earliest)
		case p.Effective.Before(earliest):
			return store.ErrPriceNotice
		}
		ahead, err := db.NewSelect().Model((*priceRow)(nil)).Where("c.effective_at > ?", row.Micros(now)).Count(ctx)
		if err != nil {
			return err
		}
		if ahead >= store.MaxPriceBooksAhead {
			return store.ErrPricesAhead
		}
		if _, err := db.NewInsert().Model(&priceBookRow{Hash: hash, Content: p.Content}).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
			return err
		}
		if _, err := db.NewInsert().Model(&r).Exec(ctx); err != nil {
			return err
		}
		if _, err := db.NewRaw("UPDATE price_head SET seq = ? WHERE id = 1", r.Seq).Exec(ctx); err != nil {
			return err
		}
		b, added = r.book(), true
		return nil
	})
	if err != nil {
		return store.PriceBook{}, false, err
	}
	return b, added, nil
}

// lock keeps other publications out until the transaction ends, and returns the
// last one, its zero value if there is none, and the time.
func (s priceBooks) lock(ctx context.Context, db bun.IDB) (last priceRow, now time.Time, err error) {
	var head int64
	q := db.NewSelect().ColumnExpr("h.seq").TableExpr("price_head AS h").Where("h.id = 1")
	switch err = s.flavor.forUpdate(q, "UPDATE").Scan(ctx, &head); {
	case errors.Is(err, sql.ErrNoRows):
		return last, now, fault.From(errNoPriceHead)
	case err != nil:
		return last, now, err
	}
	var µ int64
	if err := db.NewRaw("SELECT ?", s.flavor.now()).Scan(ctx, &µ); err != nil {
		return last, now, err
	}
	if head > 0 {
		err = db.NewSelect().Model(&last).Where("c.seq = ?", head).Scan(ctx)
	}
	return last, row.Time(µ), err
}

// Current is one statement, so that clock and list are of one moment.
func (s priceBooks) Current(ctx context.Context) (now time.Time, list []store.PriceBook, err error) {
	if err := s.check(ctx); err != nil {
		return time.Time{}, nil, err
	}
	var rows []struct {
		Now int64 `bun:"now"`
		priceRow
	}
	err = s.reads.NewRaw("WITH n AS (SELECT ? AS now)"+
		" SELECT n.now, COALESCE(c.seq, 0) AS seq, COALESCE(c.hash, '') AS hash, COALESCE(c.effective_at, 0) AS effective_at,"+
		" COALESCE(c.added_at, 0) AS added_at, COALESCE(c.actor_kind, '') AS actor_kind, COALESCE(c.actor_id, '') AS actor_id"+
		" FROM n LEFT JOIN price_schedule AS c ON c.effective_at >="+
		" COALESCE((SELECT max(p.effective_at) FROM price_schedule AS p WHERE p.effective_at <= n.now), 0)"+
		" ORDER BY c.effective_at, c.seq", s.flavor.now()).Scan(ctx, &rows)
	if err != nil {
		return time.Time{}, nil, s.flavor.fault("read the schedule of prices", err)
	}
	for i := range rows {
		r := &rows[i]
		now = row.Time(r.Now)
		if r.Seq == 0 {
			continue // there is nothing but the time
		}
		if len(list) == 1 && r.EffectiveAt <= r.Now { // published later for the same instant
			list = list[:0]
		}
		list = append(list, r.book())
	}
	return now, list, nil
}

func (s priceBooks) Content(ctx context.Context, hash string) ([]byte, error) {
	if err := s.check(ctx, hash); err != nil {
		return nil, err
	}
	var r priceBookRow
	if err := s.reads.NewSelect().Model(&r).Where("b.hash = ?", hash).Scan(ctx); err != nil {
		return nil, s.flavor.fault("read a price book", err)
	}
	return r.Content, nil
}

func (s priceBooks) List(ctx context.Context, p store.Page) ([]store.PriceBook, error) {
	if err := s.check(ctx, p.After); err != nil {
		return nil, err
	}
	var rows []priceRow
	q := s.reads.NewSelect().Model(&rows)
	if p.After != "" {
		after, _ := strconv.ParseInt(p.After, 10, 64) // nothing comes after what is no number
		q = q.Where("c.seq < ?", after)
	}
	if err := q.Order("c.seq DESC").Limit(size(p.Limit)).Scan(ctx); err != nil {
		return nil, s.flavor.fault("list price books", err)
	}
	return each(rows, (*priceRow).book), nil
}
