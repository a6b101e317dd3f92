//go:build unix

package localpg

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
)

// Freeze stops every process of the cluster where it is, as a machine does that
// hangs: connections stay open, and nothing is answered. Thaw lets them go on.
func (c *Cluster) Freeze() error { return c.signalAll(syscall.SIGSTOP) }

// Thaw ends Freeze.
func (c *Cluster) Thaw() error { return c.signalAll(syscall.SIGCONT) }

// signalAll signals the server, then its children: stopped first, it makes no
// more of them.
func (c *Cluster) signalAll(sign syscall.Signal) error {
	if err := syscall.Kill(c.process.Pid, sign); err != nil {
		return fmt.Errorf("signal PostgreSQL: %w", err)
	}
	out, err := exec.Command("ps", "-A", "-o", "ppid=", "-o", "pid=").Output()
	if err != nil {
		return fmt.Errorf("list PostgreSQL's processes: %w", err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var parent, pid int
		if _, err := fmt.Sscan(lines.Text(), &parent, &pid); err != nil || parent != c.process.Pid {
			continue
		}
		if err := syscall.Kill(pid, sign); err != nil && !errors.Is(err, syscall.ESRCH) { // it may have just ended
			return fmt.Errorf("signal a process of PostgreSQL: %w", err)
		}
	}
	return nil
}
