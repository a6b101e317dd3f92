package keys_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"log/slog"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/keys"
)

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// spell writes n in base62 at a width: the test's own way.
func spell(n *big.Int, width int) string {
	out := ""
	for n = new(big.Int).Set(n); len(out) < width; {
		var digit big.Int
		n.DivMod(n, big.NewInt(62), &digit)
		out = string(digits[digit.Int64()]) + out
	}
	return out
}

// seal adds a checksum that fits.
func seal(body string) string {
	return body + spell(big.NewInt(int64(crc32.ChecksumIEEE([]byte(body)))), 6)
}

func entropy(rt *rapid.T) (e [keys.EntropyLen]byte) {
	copy(e[:], rapid.SliceOfN(rapid.Byte(), keys.EntropyLen, keys.EntropyLen).Draw(rt, "entropy"))
	return e
}

func refused(t require.TestingT, text string) {
	_, err := keys.Parse(text)
	require.ErrorIs(t, err, keys.ErrMalformed, "%q", text)
}

func TestMint(t *testing.T) { // K1
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		e := entropy(rt)
		token := keys.Mint(e)
		text := token.Reveal()
		require.Equal(rt, seal("abk_"+spell(new(big.Int).SetBytes(e[:]), 43)), text)
		require.Len(rt, text, keys.TokenLen)
		got, err := keys.Parse(text)
		require.NoError(rt, err)
		require.Equal(rt, token, got)
		require.Equal(rt, text[:8], token.Start())
		require.Equal(rt, text[len(text)-4:], token.Last4())
	})
}

func TestMint_Edges(t *testing.T) {
	t.Parallel()
	for _, e := range [][keys.EntropyLen]byte{{}, {31: 1}, {0: 0x80}, {7: 1}, {8: 1}, [32]byte(bytes.Repeat([]byte{0xff}, 32))} {
		text := keys.Mint(e).Reveal()
		require.Equal(t, seal("abk_"+spell(new(big.Int).SetBytes(e[:]), 43)), text)
		_, err := keys.Parse(text)
		require.NoError(t, err)
	}
	require.Equal(t, "abk_"+strings.Repeat("0", 43), keys.Mint([32]byte{}).Reveal()[:47])
}

func TestParse_EverySingleChange(t *testing.T) { // K1: one spelling only
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := keys.Mint(entropy(rt)).Reveal()
		i := rapid.IntRange(0, len(text)-1).Draw(rt, "at")
		for c := range 256 {
			if byte(c) != text[i] {
				refused(rt, text[:i]+string([]byte{byte(c)})+text[i+1:])
			}
		}
	})
	text := keys.Mint([32]byte{1, 2, 3}).Reveal()
	for i := range text {
		for _, c := range digits + "_-+/= .é０" {
			if string(c) != text[i:i+1] {
				refused(t, text[:i]+string(c)+text[i+1:])
			}
		}
		refused(t, text[:i])                         // cut
		refused(t, text[i+1:])                       // cut at the front
		refused(t, text[:i]+text[i+1:])              // one lost
		refused(t, text[:i]+text[i:i+1]+text[i:])    // one doubled
		refused(t, text[:i]+"\u200b"+text[i:])       // zero width
		refused(t, text[:i]+"\u200b"+text[i+1:])     // zero width for a character
		refused(t, text[:i]+"\x00"+text[i+1:])       // NUL
		if i > 0 && text[i-1] != text[i] && i != 4 { // neighbours swapped
			refused(t, text[:i-1]+string([]byte{text[i], text[i-1]})+text[i+1:])
		}
	}
	for _, c := range []string{" ", "\n", "0", "A", text} {
		refused(t, text+c)
		refused(t, c+text)
	}
}

func TestParse_Forms(t *testing.T) {
	t.Parallel()
	largest := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
	_, err := keys.Parse(seal("abk_" + spell(largest, 43)))
	require.NoError(t, err)
	next := new(big.Int).Add(largest, big.NewInt(1))
	refused(t, seal("abk_"+spell(next, 43))) // 2^256: the same bytes as 0 would be a second spelling
	refused(t, seal("abk_"+strings.Repeat("z", 43)))

	body := "abk_" + spell(big.NewInt(1<<60), 43)
	_, err = keys.Parse(seal(body))
	require.NoError(t, err)
	for name, text := range map[string]string{
		"empty":             "",
		"prefix only":       "abk_",
		"other prefix":      seal("sk-_" + body[4:]),
		"upper-case prefix": seal("ABK_" + body[4:]),
		"no prefix":         seal("0000" + body[4:]),
		"swapped case":      swapCase(seal(body)),
		"other alphabet":    seal("abk_" + strings.Repeat("-", 43)),
		"base64 alphabet":   seal("abk_" + strings.Repeat("+/", 21) + "="),
		"full width":        seal("abk_" + strings.Repeat("０", 14) + "0"), // as many bytes as a token's
		"bearer":            "Bearer " + seal(body),
		"checksum of other": body + seal("abk_" + spell(big.NewInt(7), 43))[47:],
		"checksum too big":  body + "zzzzzz",
	} {
		_, err := keys.Parse(text)
		require.ErrorIs(t, err, keys.ErrMalformed, name)
		require.Equal(t, fault.Unauthenticated, fault.KindOf(err))
		if text != "" {
			require.NotContains(t, err.Error(), text)
		}
	}
}

func swapCase(s string) string {
	return s[:4] + strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 32
		case 'A' <= r && r <= 'Z':
			return r + 32
		}
		return r
	}, s[4:])
}

func FuzzParse(f *testing.F) {
	f.Add(keys.Mint([32]byte{1}).Reveal())
	f.Add("abk_")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		token, err := keys.Parse(text)
		if err != nil {
			return
		}
		require.Equal(t, text, token.Reveal())
		n := new(big.Int)
		for _, c := range text[4:47] {
			n.Add(n.Mul(n, big.NewInt(62)), big.NewInt(int64(strings.IndexRune(digits, c))))
		}
		require.LessOrEqual(t, n.BitLen(), 256)
		require.Equal(t, seal(text[:47]), text)
	})
}

func TestToken_Hides(t *testing.T) { // K3, K8
	t.Parallel()
	token := keys.Mint([32]byte{9, 9, 9})
	peppers, err := keys.ParsePeppers("v1:" + strings.Repeat("secret", 8))
	require.NoError(t, err)
	type carrier struct {
		Token   keys.Token
		Pointer *keys.Token
		List    []keys.Token
		Peppers keys.Peppers
	}
	type hidden struct{ peppers keys.Peppers } // fmt reads such fields past any method
	c := carrier{token, &token, []keys.Token{token}, peppers}
	var out strings.Builder
	for _, v := range []any{token, &token, peppers[0], &peppers[0], peppers, hidden{peppers}, &hidden{peppers}, c, &c, map[string]any{"k": token}, map[keys.Token]int{token: 1}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		fmt.Fprintln(&out, v)
		if _, isMap := v.(map[keys.Token]int); !isMap {
			b, err := json.Marshal(v)
			require.NoError(t, err)
			out.Write(b)
		}
		for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			slog.New(h).Info("message", "value", v, slog.Group("in", "side", v))
		}
	}
	fmt.Fprintln(&out, token.String(), fmt.Errorf("of %v", token))
	text := out.String()
	require.Contains(t, text, "[redacted]")
	for _, secret := range []string{
		token.Reveal(), token.Reveal()[4:20], "secretsecret", fmt.Sprintf("%x", token.Reveal()[4:20]), fmt.Sprintf("%x", "secretsecret"),
		"115 101 99 114 101 116", "0x73, 0x65", strings.ToUpper(fmt.Sprintf("%x", "secretsecret")),
	} {
		require.NotContains(t, text, secret)
	}
	require.JSONEq(t, `"[redacted]"`, string(must(json.Marshal(token))))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestParse_Allocations(t *testing.T) {
	text := keys.Mint([32]byte{1, 2, 3}).Reveal()
	wrong := text[:len(text)-1] + "?"
	for _, in := range []string{text, wrong, "", text[1:]} {
		require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = keys.Parse(in) }), in)
	}
}

func BenchmarkParse(b *testing.B) {
	text := keys.Mint([32]byte{1, 2, 3}).Reveal()
	b.ReportAllocs()
	for b.Loop() {
		_, _ = keys.Parse(text)
	}
}

func BenchmarkParseAndDigest(b *testing.B) {
	text := keys.Mint([32]byte{1, 2, 3}).Reveal()
	pepper := must(keys.ParsePeppers("v1:" + strings.Repeat("x", 32)))[0]
	b.ReportAllocs()
	for b.Loop() {
		token, _ := keys.Parse(text)
		_ = pepper.Digest(token)
	}
}
