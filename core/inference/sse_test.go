package inference_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/inference"
)

var errTooLong = &fault.Error{Kind: fault.BadUpstream, Code: "upstream_invalid"}

// frames reads r to its end.
func frames(r *inference.FrameReader) ([]string, error) {
	var all []string
	for {
		frame, err := r.Next()
		if err != nil {
			return all, err
		}
		all = append(all, string(frame))
	}
}

// W5: frames pass as they come, byte for byte; a cut is not a clean end.
func TestFrameReader_Next(t *testing.T) {
	t.Parallel()
	lost := errors.New("connection lost")
	tests := map[string]struct {
		stream string
		want   []string
		err    error
	}{
		"empty":             {"", nil, io.EOF},
		"one":               {"data: a\n\n", []string{"data: a\n\n"}, io.EOF},
		"two":               {"event: x\ndata: a\n\ndata: b\n\n", []string{"event: x\ndata: a\n\n", "data: b\n\n"}, io.EOF},
		"carriage returns":  {"data: a\r\n\r\ndata: b\r\n\n", []string{"data: a\r\n\r\n", "data: b\r\n\n"}, io.EOF},
		"blank lines":       {"\n\r\n: hi\n\n", []string{"\n", "\r\n", ": hi\n\n"}, io.EOF},
		"cut in a line":     {"data: a\n\ndata", []string{"data: a\n\n"}, io.ErrUnexpectedEOF},
		"cut after a line":  {"data: a\n", nil, io.ErrUnexpectedEOF},
		"cut in a line end": {"data: a\n\r", nil, io.ErrUnexpectedEOF},
		"longest line":      {strings.Repeat("a", 19) + "\n\n", []string{strings.Repeat("a", 19) + "\n\n"}, io.EOF},
		"line too long":     {"\n" + strings.Repeat("a", 20) + "\n\n", []string{"\n"}, errTooLong},
		"endless line":      {strings.Repeat("a", 1<<16), nil, errTooLong},
		"longest frame":     {strings.Repeat("a\n", 18) + "aa\n\n", []string{strings.Repeat("a\n", 18) + "aa\n\n"}, io.EOF},
		"frame too long":    {strings.Repeat("a\n", 20) + "\n", nil, errTooLong},
		"endless frame":     {strings.Repeat("a\n", 1<<15), nil, errTooLong},
		"error below":       {"data: a\n\ndata: b", []string{"data: a\n\n"}, lost},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, wrap := range []func(io.Reader) io.Reader{
				func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader,
			} {
				var source io.Reader = strings.NewReader(tc.stream)
				if errors.Is(tc.err, lost) {
					source = io.MultiReader(source, iotest.ErrReader(lost))
				}
				r := inference.NewFrameReader(wrap(source), 20, 40)
				got, err := frames(r)
				require.Equal(t, tc.want, got)
				require.ErrorIs(t, err, tc.err)
				_, again := r.Next()
				require.Equal(t, err, again, "an error stays")
			}
		})
	}
}

func TestFrameReader_LargeFrames(t *testing.T) {
	t.Parallel()
	var want []string
	for i := range 40 {
		want = append(want, "data: "+strings.Repeat("x", i*997)+"\n\n", "data: y\n\n")
	}
	r := inference.NewFrameReader(nil, 1<<20, 1<<20)
	for range 3 { // the buffer is used again
		r.Reset(strings.NewReader(strings.Join(want, "")))
		got, err := frames(r)
		require.Equal(t, io.EOF, err)
		require.Equal(t, want, got)
	}
}

func TestFrameReader_Buffered(t *testing.T) {
	t.Parallel()
	r := inference.NewFrameReader(strings.NewReader("data: a\n\ndata: b\n\n"), 100, 100)
	for _, more := range []bool{true, false} {
		_, err := r.Next()
		require.NoError(t, err)
		require.Equal(t, more, r.Buffered())
	}
}

func TestFrameReader_NoProgress(t *testing.T) {
	t.Parallel()
	_, err := inference.NewFrameReader(stuck{}, 100, 100).Next()
	require.ErrorIs(t, err, io.ErrNoProgress)
}

// stuck breaks the reader's contract by never giving or saying anything.
type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

// The frames in order are the stream, up to a cut, however it arrives.
func FuzzFrameReader(f *testing.F) {
	f.Add([]byte("event: x\ndata: a\n\n: ping\r\n\r\ndata: [DONE]\n\n"), uint16(100), uint16(200))
	f.Add([]byte("data: a\n\ndata: cut"), uint16(100), uint16(200))
	f.Add([]byte("\n\n\n\r\n\r"), uint16(1), uint16(2))
	f.Fuzz(func(t *testing.T, stream []byte, maxLine, maxFrame uint16) {
		whole, errWhole := frames(inference.NewFrameReader(bytes.NewReader(stream), int(maxLine), int(maxFrame)))
		bitwise, errBitwise := frames(inference.NewFrameReader(iotest.OneByteReader(bytes.NewReader(stream)), int(maxLine), int(maxFrame)))
		joined := strings.Join(whole, "")
		if !strings.HasPrefix(string(stream), joined) {
			t.Fatalf("%q gave %q", stream, whole)
		}
		if strings.Join(bitwise, "|") != strings.Join(whole, "|") || errWhole.Error() != errBitwise.Error() {
			t.Fatalf("%q: %q (%v) or %q (%v)", stream, whole, errWhole, bitwise, errBitwise)
		}
		if errors.Is(errWhole, io.EOF) && joined != string(stream) {
			t.Fatalf("a clean end lost bytes of %q: %q", stream, whole)
		}
		for _, frame := range whole {
			if len(frame) > int(maxFrame) || !strings.HasSuffix(frame, "\n") {
				t.Fatalf("frame %q", frame)
			}
		}
	})
}
