package harness

import "syscall"

// child makes a process a group of its own, so that an interrupt typed at the
// terminal does not end it before the test does, and has it killed when this
// process dies without having ended it.
func child() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
