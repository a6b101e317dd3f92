// Package storetest is the conformance suite of the store port: what package
// store promises, every adapter proves here.
//
// An adapter's own test is a call of [Run] and what only that database can
// do, such as refusing an update of an append-only row. A defect found in an
// adapter adds a case here first.
package storetest

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/ports/store"
)

// Open returns a fresh, migrated, empty store that the test's cleanup closes.
// clock is the store's clock, money time included; nil means the store's own.
type Open = func(t testing.TB, clock func() time.Time) store.Store

// Run runs the whole suite and returns when all of it is over.
func Run(t *testing.T, open func(t testing.TB, clock func() time.Time) store.Store) {
	t.Helper()
	groups := [][]testCase{
		accountCases(), peopleCases(), invitationCases(), setupCases(), requestCases(), keyCases(), keyDayCases(), firstPartyCases(), sessionCases(), sessionLifeCases(),
		flowCases(), eventCases(), sealCases(), limitCases(), replicaCases(), changeCases(), responseCases(), priceCases(), transactionCases(), formCases(),
		commitCases(), busyCases(), spendCases(), lifeCases(), raceCases(), readCases(), mirrorCases(), idempotencyCases(),
		threadCases(), searchCases(), messageCases(), turnCases(), pieceCases(), noteCases(),
	}
	t.Run("conformance", func(t *testing.T) {
		covered := map[string]bool{}
		for _, cases := range groups {
			for _, c := range cases {
				for _, m := range c.covers {
					covered[m] = true
				}
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.run(t, harness{open})
				})
			}
		}
		t.Run("every_method_has_a_case", func(t *testing.T) {
			for _, m := range methods() {
				require.True(t, covered[m], "no case covers %s", m)
				delete(covered, m)
			}
			require.Empty(t, covered, "cases name methods that the port does not have")
		})
	})
}

// testCase is one line of the contract, with the port's methods it proves.
type testCase struct {
	name   string
	covers []string
	run    func(t *testing.T, h harness)
}

// methods lists the port's methods as Interface.Method. Those of Store that
// only hand out another interface are left out.
func methods() (names []string) {
	aggregates := map[string]reflect.Type{
		"Accounts":       reflect.TypeFor[store.Accounts](),
		"Users":          reflect.TypeFor[store.Users](),
		"Setups":         reflect.TypeFor[store.Setups](),
		"AccessRequests": reflect.TypeFor[store.AccessRequests](),
		"Invitations":    reflect.TypeFor[store.Invitations](),
		"Members":        reflect.TypeFor[store.Members](),
		"Keys":           reflect.TypeFor[store.Keys](),
		"KeyDays":        reflect.TypeFor[store.KeyDays](),
		"FirstParties":   reflect.TypeFor[store.FirstParties](),
		"Ledger":         reflect.TypeFor[store.Ledger](),
		"Events":         reflect.TypeFor[store.Events](),
		"Sessions":       reflect.TypeFor[store.Sessions](),
		"Flows":          reflect.TypeFor[store.Flows](),
		"Seals":          reflect.TypeFor[store.Seals](),
		"SealLog":        reflect.TypeFor[store.SealLog](),
		"Limits":         reflect.TypeFor[store.Limits](),
		"Replicas":       reflect.TypeFor[store.Replicas](),
		"Responses":      reflect.TypeFor[store.Responses](),
		"PriceBooks":     reflect.TypeFor[store.PriceBooks](),
		"Changes":        reflect.TypeFor[store.Changes](),
		"Idempotency":    reflect.TypeFor[store.Idempotency](),
		"Threads":        reflect.TypeFor[store.Threads](),
		"Messages":       reflect.TypeFor[store.Messages](),
		"Turns":          reflect.TypeFor[store.Turns](),
		"Prompts":        reflect.TypeFor[store.Prompts](),
		"Drafts":         reflect.TypeFor[store.Drafts](),
	}
	for name, typ := range aggregates {
		for m := range typ.Methods() {
			names = append(names, name+"."+m.Name)
		}
	}
	for m := range reflect.TypeFor[store.Store]().Methods() {
		if _, ok := aggregates[m.Name]; !ok {
			names = append(names, "Store."+m.Name)
		}
	}
	slices.Sort(names)
	return names
}
