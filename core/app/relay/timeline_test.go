package relay_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/relay"
	"github.com/archibot/archibotchat/core/ledger"
)

var update = flag.Bool("update", false, "write golden files anew")

// timeline writes down which bytes the client has after each step.
type timeline struct {
	*bench
	v    *visit
	text strings.Builder
}

func (l *timeline) note(step string) {
	synctest.Wait()
	fmt.Fprintf(&l.text, "%s\n", step)
	for line := range strings.Lines(l.v.got()) {
		fmt.Fprintf(&l.text, "\t| %s\n", strings.TrimSuffix(line, "\n"))
	}
	if l.v.over() {
		fmt.Fprintf(&l.text, "\t. over\n")
	}
}

// The bytes that a client has while the commit of its debit stalls, in every
// shape of answer: what it could take for the end is never among them.
func TestRelay_timeline(t *testing.T) { // HOTPATH 15, 16, W5
	jsonOf := func(route string) []string {
		whole := jsonAnswer
		if route == jsonResponse {
			whole = `{"id":"resp_1","status":"completed","output":[{"content":[{"text":"hello"}]}],"usage":{"input_tokens":10,"output_tokens":20}}`
		}
		half := len(whole) / 2
		return []string{whole[:half], whole[half:]}
	}
	for name, c := range map[string]struct {
		body   string
		parts  []string
		limits relay.Limits
	}{
		"chat_json":         {body: jsonChat, parts: jsonOf(jsonChat)},
		"responses_json":    {body: jsonResponse, parts: jsonOf(jsonResponse)},
		"chat_stream":       {body: chat, parts: []string{hello, finished, usage, done}},
		"chat_stream_usage": {body: chatUsage, parts: []string{hello, finished, usage, done}},
		"responses_stream":  {body: response, parts: []string{created, delta, completed}},
		"long_json": {body: jsonChat, limits: relay.Limits{Whole: 4 << 10}, parts: []string{
			`{"id":"c","choices":[{"message":{"content":"` + strings.Repeat("text ", 4), strings.Repeat("text", 1100) + `"}}],`,
			`"usage":{"prompt_tokens":10,"completion_tokens":20}`, "}", "\n",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				b.within(c.limits)
				l := &timeline{bench: b}
				commit := b.db.stall(ledger.OpHold)
				l.v = b.send(c.body, &client{})
				l.note(fmt.Sprintf("the hold is on its way, the upstream has %d calls", b.up.called()))
				commit()
				synctest.Wait()
				l.note(fmt.Sprintf("the hold is durable, the upstream has %d calls", b.up.called()))
				commit = b.db.stall(ledger.OpSettle)
				a := b.up.answer()
				for i, part := range c.parts {
					a.say(part)
					l.note(fmt.Sprintf("the upstream sent part %d of %d", i+1, len(c.parts)))
				}
				_ = a.PipeWriter.Close()
				l.note("the upstream ended")
				time.Sleep(2500 * time.Millisecond)
				l.note("2.5 s later")
				commit()
				l.note("the debit is durable")
				require.NoError(t, l.v.wait())
				b.settled(50, "")

				file := filepath.Join("testdata", "timeline", name+".golden")
				got := strings.ReplaceAll(l.text.String(), strings.Repeat("text", 1100), "text…")
				if *update {
					require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
					require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
				}
				want, err := os.ReadFile(file)
				require.NoError(t, err)
				require.Equal(t, string(want), got)
			})
		})
	}
}
