//go:build !unix

package http1

import "syscall"

func (c *conn) watch(syscall.Conn) {}

// quiet reports false where a connection cannot be looked at without waiting:
// there, each is used once.
func (c *conn) quiet() bool { return false }

// poll finds nothing.
func (c *conn) poll() bool { return false }
