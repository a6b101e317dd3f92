//go:build !faultpoints

package main

import (
	"github.com/archibot/archibotchat/ports/inference"
	"github.com/archibot/archibotchat/ports/store"
)

// faultyStore and faultyUpstream return what they are given. A program built
// with the tag faultpoints has places where a test can end or stop it.
func faultyStore(s store.Store) store.Store                  { return s }
func faultyUpstream(u inference.Upstream) inference.Upstream { return u }
