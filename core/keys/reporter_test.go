package keys_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/keys"
)

// published returns a key pair, and its public half as reporters publish it.
func published(t *testing.T, curve elliptic.Curve) (*ecdsa.PrivateKey, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func list(t *testing.T, pairs ...string) []byte {
	t.Helper()
	type one struct {
		ID      string `json:"key_identifier"`
		Key     string `json:"key"`
		Current bool   `json:"is_current"`
	}
	var out struct {
		Keys []one `json:"public_keys"`
	}
	for i := 0; i < len(pairs); i += 2 {
		out.Keys = append(out.Keys, one{pairs[i], pairs[i+1], i == 0})
	}
	text, err := json.Marshal(out)
	require.NoError(t, err)
	return text
}

func TestReporters_Signed(t *testing.T) { // K9
	t.Parallel()
	first, firstPEM := published(t, elliptic.P256())
	second, secondPEM := published(t, elliptic.P256())
	r, err := keys.ParseReporters(list(t, "one", firstPEM, "two", secondPEM))
	require.NoError(t, err)
	report := []byte(`[{"token":"x"}]`)
	sum := sha256.Sum256(report)
	sign := func(key *ecdsa.PrivateKey) string {
		raw, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
		require.NoError(t, err)
		return base64.StdEncoding.EncodeToString(raw)
	}
	good := sign(first)
	require.True(t, r.Signed(report, "one", good))
	require.True(t, r.Signed(report, "two", sign(second)))

	require.False(t, r.Signed(report, "two", good), "another's")
	require.False(t, r.Signed(report, "three", good), "unknown")
	require.False(t, r.Signed(report, "", ""))
	require.False(t, r.Signed(append(report, ' '), "one", good), "another report")
	require.False(t, r.Signed(nil, "one", good))
	require.False(t, r.Signed(report, "one", good+"\n"))
	require.False(t, r.Signed(report, "one", "AAAA"+good))
	require.False(t, keys.Reporters(nil).Signed(report, "one", good), "nobody is believed unless named")
}

func TestParseReporters_refused(t *testing.T) {
	t.Parallel()
	_, good := published(t, elliptic.P256())
	_, other := published(t, elliptic.P384())
	for name, text := range map[string][]byte{
		"empty": nil, "no JSON": []byte("x"), "none": []byte(`{"public_keys":[]}`), "no identifier": list(t, "", good), "twice": list(t, "one", good, "one", good),
		"no PEM": list(t, "one", "x"), "another curve": list(t, "one", other), "PEM of nothing": list(t, "one", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
	} {
		r, err := keys.ParseReporters(text)
		require.Error(t, err, name)
		require.Nil(t, r, name)
	}
}
