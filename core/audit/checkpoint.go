package audit

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Checkpoint says how far a log went at one time, and what was in it. Signed,
// it is a note that anybody can keep and compare with (C2SP tlog-checkpoint).
type Checkpoint struct {
	Origin string // whose log it is
	Size   int64  // leaves
	Root   Hash   // of the tree over them
	At     time.Time
}

const timeLine = "time "

// Text returns what is signed: origin, size, root and time, a line each.
func (c Checkpoint) Text() string {
	return c.Origin + "\n" + strconv.FormatInt(c.Size, 10) + "\n" + base64.StdEncoding.EncodeToString(c.Root[:]) + "\n" +
		timeLine + c.At.UTC().Format(time.RFC3339Nano) + "\n"
}

var errCheckpoint = errors.New("the text is not a checkpoint of an audit log")

// ParseCheckpoint reads a Text, or a signed note that begins with one. It does
// not look at signatures.
func ParseCheckpoint(text string) (Checkpoint, error) {
	text, _, _ = strings.Cut(text, "\n\n")
	text = strings.TrimSuffix(text, "\n") + "\n"
	lines := strings.Split(text, "\n")
	if len(lines) != 5 || lines[0] == "" {
		return Checkpoint{}, errCheckpoint
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 1 {
		return Checkpoint{}, errCheckpoint
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != len(Hash{}) {
		return Checkpoint{}, errCheckpoint
	}
	at, err := time.Parse(time.RFC3339Nano, strings.TrimPrefix(lines[3], timeLine))
	if err != nil {
		return Checkpoint{}, errCheckpoint
	}
	c := Checkpoint{lines[0], size, Hash(root), at.UTC()}
	if c.Text() != text { // one checkpoint, one text
		return Checkpoint{}, errCheckpoint
	}
	return c, nil
}
