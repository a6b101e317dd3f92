package sqlstore

import (
	"context"
	"time"

	"github.com/archibot/archibotchat/adapters/sqlstore/row"
	"github.com/archibot/archibotchat/core/keys"
)

func (s apiKeys) Notices(ctx context.Context, limit int) ([]keys.Key, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	var rows []keyRow
	if err := s.reads.NewSelect().Model(&rows).Where("k.notice_at > 0").Where("k.notice_at <= ?", s.flavor.now()).
		Order("k.notice_at", "k.id").Limit(size(limit)).Scan(ctx); err != nil {
		return nil, s.flavor.fault("list keys whose owners are to be told", err)
	}
	return each(rows, (*keyRow).key), nil
}

func (s apiKeys) Noticed(ctx context.Context, account, id string, from, to time.Time) (bool, error) {
	if err := s.check(ctx, account, id); err != nil {
		return false, err
	}
	n, err := affected(s.writes.NewUpdate().Model((*keyRow)(nil)).Set("notice_at = ?", row.Micros(to)).
		Where("id = ?", id).Where("account_id = ?", account).Where("notice_at = ?", row.Micros(from)).Exec(ctx))
	return n > 0, s.flavor.fault("note that an owner was told", err)
}
