package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/archibot/archibotchat/core/app/seal"
	"github.com/archibot/archibotchat/hosts/internal/boot"
)

// AuditCommand is the whole of `audit`, to be embedded in a kong command line
// like [Command].
type AuditCommand struct {
	Verify     auditVerify     `cmd:"" help:"Prove that no event was edited, deleted, inserted or cut since it was sealed; exit 1 if one was."`
	Checkpoint auditCheckpoint `cmd:"" help:"Print the newest signed checkpoint; keep it elsewhere, for audit verify --since."`
	Seal       auditSeal       `cmd:"" help:"Seal now what a server would seal within ten seconds."`
	Key        auditKey        `cmd:"" help:"Make a key that signs checkpoints; it is printed once."`
}

// ErrReported ends a command that has told what is wrong already.
var ErrReported = errors.New("reported")

// maxFindings is how many findings JSON lists; all are counted.
const maxFindings = 10_000

type auditVerify struct {
	Since string   `placeholder:"FILE" help:"A checkpoint that was kept: the log must continue it. Shows a log that was cut or written anew."`
	Key   []string `placeholder:"VERIFIER" sep:"none" help:"Trust checkpoints of this key instead of the configured one; may be repeated."`
}

type findingView struct {
	Leaf    *int64 `json:"leaf"`
	Event   string `json:"event"`
	Account string `json:"account"`
	Text    string `json:"text"`
}

// Run proves the log. It changes nothing.
func (c *auditVerify) Run(ctx context.Context, env *Env) error {
	since, err := c.since()
	if err != nil {
		return err
	}
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	service, open, err := desk.Proving(c.Key)
	if err != nil {
		return err
	}
	found, count := []findingView{}, 0
	sum, err := service.Verify(ctx, seal.Proof{Open: open, Since: since}, func(f seal.Finding) error {
		if count++; !env.JSON {
			_, err := fmt.Fprintln(env.Out, where(f)+f.Text)
			return err
		}
		if len(found) < maxFindings {
			found = append(found, viewFinding(f))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := env.proved(sum, found, count); err != nil {
		return err
	}
	if count > 0 {
		return ErrReported
	}
	return nil
}

// since reads the checkpoint to compare with, if there is one.
func (c *auditVerify) since() (string, error) {
	if c.Since == "" {
		return "", nil
	}
	f, err := os.Open(c.Since)
	if err != nil {
		return "", fmt.Errorf("read the checkpoint to compare with: %w", err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return "", fmt.Errorf("read the checkpoint to compare with: %w", err)
	}
	return string(text), nil
}

func viewFinding(f seal.Finding) findingView {
	v := findingView{nil, f.Event, f.Account, f.Text}
	if f.Leaf != seal.NoLeaf {
		v.Leaf = &f.Leaf
	}
	return v
}

// where names what a finding is about.
func where(f seal.Finding) (text string) {
	if f.Leaf != seal.NoLeaf {
		text += fmt.Sprintf("leaf %d ", f.Leaf)
	}
	if f.Event != "" {
		text += "event " + f.Event + " "
	}
	if f.Account != "" {
		text += "account " + f.Account + " "
	}
	if text == "" {
		return ""
	}
	return text[:len(text)-1] + ": "
}

// proved prints the verdict.
func (e *Env) proved(sum seal.Summary, found []findingView, count int) error {
	out := struct {
		OK            bool          `json:"ok"`
		Leaves        int64         `json:"leaves"`
		Signed        int64         `json:"signed"`
		Checkpoints   int64         `json:"checkpoints"`
		Accounts      int           `json:"accounts"`
		Pending       int64         `json:"pending"`
		OldestPending *time.Time    `json:"oldest_pending"`
		Count         int           `json:"findings_count"`
		Findings      []findingView `json:"findings"`
	}{count == 0, sum.Leaves, sum.Signed, sum.Checkpoints, sum.Accounts, sum.Pending, instant(sum.Oldest), count, found}
	return e.print(out, func(w io.Writer) {
		verdict := "OK"
		if count > 0 {
			verdict = fmt.Sprintf("FINDINGS: %d", count)
		}
		_, _ = fmt.Fprintf(w, "leaves: %d, signed: %d, checkpoints: %d, accounts: %d, %s\n", sum.Leaves, sum.Signed, sum.Checkpoints, sum.Accounts, verdict)
		if sum.Pending > 0 {
			_, _ = fmt.Fprintf(w, "not sealed yet: %d, the oldest for %s\n", sum.Pending, e.Now().Sub(sum.Oldest).Round(time.Second))
		}
	})
}

type auditCheckpoint struct{}

// Run prints the checkpoint.
func (auditCheckpoint) Run(ctx context.Context, env *Env) error {
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	c, err := desk.Seal.Newest(ctx)
	if err != nil {
		return err
	}
	out := struct {
		Size int64      `json:"size"`
		At   *time.Time `json:"at"`
		Note string     `json:"note"`
	}{c.Size, instant(c.At), c.Note}
	return env.print(out, func(w io.Writer) { _, _ = io.WriteString(w, c.Note) })
}

type auditSeal struct{}

// Run seals.
func (auditSeal) Run(ctx context.Context, env *Env) error {
	ctx, desk, err := env.open(ctx)
	if err != nil {
		return err
	}
	service, err := desk.Sealing()
	if err != nil {
		return err
	}
	r, err := service.Seal(ctx)
	if err != nil {
		return err
	}
	out := struct {
		RequestID string `json:"request_id"`
		Sealed    int    `json:"sealed"`
		Leaves    int64  `json:"leaves"`
	}{env.Request, r.Sealed, r.Size}
	return env.print(out, func(w io.Writer) { _, _ = fmt.Fprintf(w, "sealed: %d, leaves: %d\n", r.Sealed, r.Size) })
}

type auditKey struct {
	Name string `required:"" help:"Name in each signature, such as the host name of the deployment; no blanks."`
}

// Run makes a key. It needs no database.
func (c *auditKey) Run(env *Env) error {
	key, verifier, err := boot.NewAuditKey(c.Name)
	if err != nil {
		return err
	}
	out := struct {
		Key      string `json:"key"`
		Verifier string `json:"verifier"`
	}{key.Reveal(), verifier}
	return env.print(out, func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "Key, for %s, a secret:\n%s\n\nVerifier, for anybody who verifies:\n%s\n", boot.Variable("audit-key"), key.Reveal(), verifier)
	})
}
