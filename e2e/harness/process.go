//go:build unix

package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stopTime is how long a process may take to end after SIGTERM: longer than
// the server's own grace.
const stopTime = 60 * time.Second

// process is a program that runs beside the test, with its output in a file.
type process struct {
	cmd    *exec.Cmd
	log    string
	exited chan struct{}
}

// launch starts a program with nothing in its environment but env. It is
// killed when the test ends, if it still runs then, and its last output is
// shown if the test failed.
func launch(t testing.TB, name, path string, env []string, args ...string) *process {
	t.Helper()
	log := filepath.Join(t.TempDir(), name+".log")
	out, err := os.Create(log)
	if err != nil {
		t.Fatalf("create %s: %v", log, err)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = env
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = child()
	err = cmd.Start()
	_ = out.Close() // the process has it now
	if err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	p := &process{cmd: cmd, log: log, exited: make(chan struct{})}
	go func() {
		defer close(p.exited)
		_ = cmd.Wait() // how it ended is in ProcessState
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			all := p.output(t)
			t.Logf("the end of what %s wrote:\n%s", name, tail(all, 8<<10))
			t.Logf("what %s warned of:\n%s", name, tail(warnings(all), 8<<10))
		}
	})
	return p
}

// alive reports whether the process still runs.
func (p *process) alive() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// kill ends the process at once (SIGKILL) and waits until it is gone.
func (p *process) kill() {
	if p.alive() {
		_ = p.cmd.Process.Kill()
	}
	<-p.exited
}

// terminate asks the process to end (SIGTERM) and returns how it did.
func (p *process) terminate() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("signal: %w", err)
	}
	select {
	case <-p.exited:
	case <-time.After(stopTime):
		p.kill()
		return fmt.Errorf("did not end within %v of SIGTERM", stopTime)
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("ended with %s", p.cmd.ProcessState)
	}
	return nil
}

// output returns everything that the process has written so far.
func (p *process) output(t testing.TB) string {
	t.Helper()
	content, err := os.ReadFile(p.log)
	if err != nil {
		t.Errorf("read the log: %v", err)
	}
	return string(content)
}

// warnings returns the lines of a log that are more than news: where thousands of
// requests follow, they would not be in its end.
func warnings(log string) string {
	var out strings.Builder
	for line := range strings.Lines(log) {
		if strings.Contains(line, `"level":"WARN"`) || strings.Contains(line, `"level":"ERROR"`) {
			out.WriteString(line)
		}
	}
	return out.String()
}

func tail(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return "… " + s[len(s)-n:]
}

// plainEnv is what every process gets: enough to run, nothing that configures.
func plainEnv(extra map[string]string) []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir(), "TMPDIR=" + os.TempDir()}
	for name, value := range extra {
		env = append(env, name+"="+value)
	}
	return env
}
