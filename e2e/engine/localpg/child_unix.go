//go:build unix && !linux

package localpg

import "syscall"

// childOf makes a process run as the owner, in a group of its own so that an
// interrupt typed at the terminal reaches it only through us.
func childOf(owner *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: owner, Setpgid: true}
}
