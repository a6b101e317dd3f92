// Package core is the heart of ArchibotChat and the map of the house: New
// wires the use cases over the ports that Deps brings.
//
// Requests come in through hosts and go out through adapters; the core in the
// middle knows neither:
//
//	browser, SDKs, operators              database, models, files, mail
//	         │                                          ▲
//	         ▼                                          │
//	hosts/ (HTTP, CLI, mains) ─► core/app (use cases) ─► ports/ ◄─ adapters/
//	                                     │                 │
//	                                     ▼                 ▼
//	                             core/<domain> (types and rules, no I/O)
//
// The domains, each importing only those before it:
//
//	fault       the one error type that crosses borders
//	guard       finds secrets in text that people write
//	access      accounts, members, product groups, who acts
//	billing     billing states and which of them may spend
//	pricing     the versioned price book; usage to microcredits
//	ledger      lots, holds, entries; Apply, the only way to change them
//	keys        the form and digest of API keys
//	idempotency what an Idempotency-Key means
//	audit       events, their canonical form, the log over them
//	inference   OpenAI's wire forms: strict scan, usage, streams
//	chat        threads, messages, turns, and what they are called
//	gates       Decide, the one answer to "may they, now?"
//
// The use cases, a package each under core/app: admit (key to account to
// gate), spend (group commit, leases, recovery), relay (hold, forward, settle),
// responses (whose each is that an upstream keeps; calls on them),
// tariff (which prices are in force), models, keyring, firstparty (the hidden
// credentials of browser chat), limits, accounts,
// credits, activity, threads (conversations), turns (the work on answers), seal,
// signin (who comes in, and whether their provider
// still vouches for them), sessions, threads (what members do with their
// conversations), turns (the work on answers, owned by the server).
//
// The life of a request to /v1: hosts/gateway reads it; admit.Key finds key
// and account, in memory if it knows them, and asks gates.Decide;
// inference.Scan reads model and limits; models.Quote prices it; relay.Forward
// holds the most it can cost, forwards it, passes the answer on, and settles to
// what it used before the client sees the end. spend commits holds and settles
// of many requests in one transaction each, with their events; activity shows
// them by request ID; seal puts them into a log that shows any change. A question
// in the chat goes the same way from turns.Start on, under a hidden credential
// that admit.FirstParty takes, and its answer into the store instead of a response.
//
// How often strangers may try something (ports/limits) is bounded by the hosts;
// here it is only swept.
//
// What must stay true is said in each package's comment and proved by the
// test beside it. No I/O, no clock and no randomness live here: Deps brings them.
package core
