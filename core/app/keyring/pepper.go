package keyring

import (
	"context"

	"github.com/archibot/archibotchat/core/access"
)

// Peppers returns how many keys work under each pepper. A key moves to the
// current one when it is used; a pepper that no key is under any more can be
// taken out of the configuration. Operators only. Faults: admin_required.
func (s *Service) Peppers(ctx context.Context) (map[string]int64, error) {
	if access.By(ctx).Kind != access.PrincipalOperator {
		return nil, ErrAdminRequired
	}
	return s.d.Store.Keys().Peppers(ctx)
}
