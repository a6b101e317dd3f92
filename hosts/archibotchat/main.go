// Command archibotchat is the service and its operator's tools in one binary:
//
//	archibotchat serve            serve the app API and /v1
//	archibotchat migrate          bring the database's schema up to date
//	archibotchat admin …          accounts, credits, keys, sessions, activity
//	archibotchat ledger verify    recompute every balance from its entries
//	archibotchat audit …          prove that no event was tampered with
//	archibotchat prices …         check, publish, list and show price books
//	archibotchat healthcheck      ask a running server whether it is alive
//	archibotchat version
//
// It wires adapters to the core (wire.go is the one place) and decides nothing
// else: it keeps true that a command ends with exit code 0, 1 for a failure
// that it names in a sentence, or 2 for a usage error.
package main

import (
	"context"
	"os"

	"github.com/archibot/archibotchat/hosts/internal/boot"
)

func main() {
	ctx, stop := boot.Signals(context.Background())
	code := Run(ctx, os.Args[1:], Process{Lookup: os.LookupEnv, In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	os.Exit(code)
}
