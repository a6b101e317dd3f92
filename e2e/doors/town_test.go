//go:build e2e

package doors_test

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/adapters/system"
	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/ledger"
	"github.com/archibot/archibotchat/e2e/harness"
	"github.com/archibot/archibotchat/ports/store"
)

const (
	// grant is what an account with credits has.
	grant = 50 * harness.Credit
	// bundle is how many are made in one transaction.
	bundle = 200
)

// resident is a person in a state.
type resident struct {
	harness.Person
	state
	acknowledged string
}

// settle makes an account for each state that an account can be in, and in it
// a person for each that a user can be in. It goes past the use cases: no
// operator can set what no release knows.
func settle(t *testing.T, desk *harness.Desk) []resident {
	t.Helper()
	homes := households()
	for some := range slices.Chunk(homes, bundle) {
		found(t, desk, some)
	}
	var town []resident
	var people []harness.NewPerson
	for _, home := range homes {
		for _, u := range slices.Sorted(maps.Keys(users)) {
			home.user = u
			town = append(town, home)
			people = append(people, harness.NewPerson{Account: home.Account, Rule: users[u].rule, Groups: access.NewGroups(users[u].groups...)})
		}
	}
	n := 0
	for some := range slices.Chunk(people, bundle) {
		for _, p := range desk.People(t, some...) {
			town[n].Person = p
			n++
		}
	}
	return town
}

// households are the states that an account can be in.
func households() []resident {
	var all []resident
	for _, g := range slices.Sorted(maps.Keys(groupSets)) {
		for _, b := range billings {
			for _, s := range statuses {
				for _, version := range acknowledged {
					for _, rich := range []bool{true, false} {
						all = append(all, resident{state: state{groups: g, billing: b, status: s, credits: rich}, acknowledged: version})
					}
				}
			}
		}
	}
	return all
}

// found makes the accounts.
func found(t *testing.T, desk *harness.Desk, homes []resident) {
	t.Helper()
	now := system.Now()
	var grants []ledger.Op
	for i := range homes {
		homes[i].Account = desk.NewID("acct")
		if homes[i].credits {
			grants = append(grants, ledger.Op{
				Kind: ledger.OpGrant, Account: homes[i].Account, Amount: grant, Lot: desk.NewID("lot"), Source: ledger.SourceOperator, Reason: "e2e",
				Request: desk.NewID("req"), Actor: "e2e", ActorKind: "operator",
			})
		}
	}
	require.NoError(t, desk.Store.Do(t.Context(), func(ctx context.Context, tx store.Stores) error {
		for _, h := range homes {
			a := store.Account{Billing: h.billing, Account: access.Account{
				ID: h.Account, Name: "Doors", Status: h.status, Groups: access.NewGroups(groupSets[h.groups]...), CreatedAt: now, UpdatedAt: now,
			}}
			if err := tx.Accounts().Create(ctx, a); err != nil {
				return err
			}
			if h.acknowledged == "" {
				continue
			}
			said := store.Acknowledgement{Account: h.Account, Environment: "hosted", Version: h.acknowledged, User: "user_e2e", At: now}
			if _, err := tx.Setups().Acknowledge(ctx, said); err != nil {
				return err
			}
		}
		return nil
	}))
	outcomes, err := desk.Store.Commit(t.Context(), store.Replica{}, grants)
	require.NoError(t, err)
	for _, o := range outcomes {
		require.NoError(t, o.Err)
	}
}
