//go:build !faultpoints

package main

import (
	"time"

	"github.com/archibot/archibotchat/ports/inference"
	"github.com/archibot/archibotchat/ports/store"
)

// faultyStore, faultyUpstream and faultyNow return what they are given. A program
// built with the tag faultpoints has places where a test can end or stop it, and
// a clock that a test can set.
func faultyStore(s store.Store) store.Store                  { return s }
func faultyUpstream(u inference.Upstream) inference.Upstream { return u }
func faultyNow(t time.Time) time.Time                        { return t }
