package chat

import (
	"fmt"
	"strings"
	"time"
)

// Heading returns how the text of a thread begins, for people to read as Markdown.
func Heading(t Thread, at time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", t.Title)
	fmt.Fprintf(&b, "Exported %s. Thread %s, begun %s.\n", stamp(at), t.ID, stamp(t.CreatedAt))
	if t.Instructions != "" {
		b.WriteString("\nInstructions:\n\n")
		for line := range strings.Lines(t.Instructions) {
			b.WriteString(strings.TrimRight("> "+strings.TrimRight(line, "\r\n"), " ") + "\n")
		}
	}
	return b.String()
}

// Entry returns a message of that text. turn is the work on an answer; the zero
// Turn elsewhere.
func Entry(m Message, turn Turn) string {
	var b strings.Builder
	who := "You"
	if m.Role == RoleAssistant {
		who = "Assistant"
		if turn.Model != "" {
			who += " (" + turn.Model + ")"
		}
	}
	fmt.Fprintf(&b, "\n---\n\n## %s, %s\n\n", who, stamp(m.CreatedAt))
	if text := strings.TrimRight(m.Text, "\n"); text != "" {
		b.WriteString(text + "\n")
		if open := openFence(text); open != "" {
			b.WriteString(open + "\n")
		}
	}
	if turn.ID != "" {
		if m.Text != "" {
			b.WriteString("\n")
		}
		b.WriteString("*" + strings.Join(account(turn), " · ") + "*\n")
	}
	return b.String()
}

// account says how a turn ended, what it cost and under which ID.
func account(t Turn) []string {
	how := map[State]string{Running: "still being written", Done: "complete", Stopped: "stopped", Failed: "failed"}[t.State]
	if t.Reason != "" {
		how += " (" + t.Reason + ")"
	}
	parts := []string{how}
	if t.State != Running {
		cost := credits(t.Debited) + " credits"
		if !t.Settled {
			cost = "cost not settled yet"
		}
		parts = append(parts, cost)
	}
	if t.Input+t.Output > 0 {
		tokens := fmt.Sprintf("%d tokens in, %d out", t.Input, t.Output)
		if t.Estimated {
			tokens += " (estimated)"
		}
		parts = append(parts, tokens)
	}
	return append(parts, t.Request)
}

// openFence returns what ends a block of code that a text leaves open, as one
// does that was stopped: what follows would be taken for code.
func openFence(text string) string {
	open := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		trimmed := strings.TrimLeft(line, " ")
		if len(line)-len(trimmed) > 3 {
			continue
		}
		fence := fenceOf(trimmed)
		switch {
		case fence == "":
		case open == "" && (fence[0] == '~' || !strings.Contains(trimmed[len(fence):], "`")):
			open = fence
		case open != "" && fence[0] == open[0] && len(fence) >= len(open) && strings.TrimSpace(trimmed[len(fence):]) == "":
			open = ""
		}
	}
	return open
}

// fenceOf returns the fence that a line begins with.
func fenceOf(line string) string {
	for _, c := range []string{"`", "~"} {
		if n := len(line) - len(strings.TrimLeft(line, c)); n >= 3 {
			return line[:n]
		}
	}
	return ""
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// credits returns microcredits in credits, which have six decimal places.
func credits(micro int64) string {
	text := fmt.Sprintf("%d.%06d", micro/1_000_000, micro%1_000_000)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
