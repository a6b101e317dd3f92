package boot_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/hosts/internal/boot"
)

func TestAuditKey(t *testing.T) {
	t.Parallel()
	k, err := boot.ParseAuditKey(auditKey)
	require.NoError(t, err)
	require.Equal(t, auditVerifier, k.Verifier)
	msg, err := k.Sign("a text\n")
	require.NoError(t, err)
	text, err := k.Open(msg)
	require.NoError(t, err)
	require.Equal(t, "a text\n", text)

	private, public, err := boot.NewAuditKey("later")
	require.NoError(t, err)
	later, err := boot.ParseAuditKey(private.Reveal() + " , " + auditVerifier)
	require.NoError(t, err)
	require.Equal(t, public, later.Verifier)
	_, err = later.Open(msg)
	require.NoError(t, err, "an earlier key's signature")
	alone, err := boot.ParseAuditKey(private.Reveal())
	require.NoError(t, err)
	_, err = alone.Open(msg)
	require.Error(t, err)
	_, err = k.Open([]byte(strings.Replace(string(msg), "a text", "a test", 1)))
	require.Error(t, err)

	only, err := boot.ParseVerifiers([]string{auditVerifier})
	require.NoError(t, err)
	_, err = only.Open(msg)
	require.NoError(t, err)
	_, err = only.Sign("a text\n")
	require.Error(t, err)
	_, err = boot.AuditKey{}.Open(msg)
	require.Error(t, err)

	for _, bad := range []string{"", "x", auditVerifier, auditKey + ",", auditKey + ",x", strings.Replace(auditKey, "+test+", "+other+", 1), auditKey[:len(auditKey)-2]} {
		_, err := boot.ParseAuditKey(bad)
		require.Error(t, err, bad)
		require.NotContains(t, err.Error(), "AWgfc")
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(verb, struct{ K boot.AuditKey }{k}), "AWgfc")
	}
}

// What proves takes the verifiers that it is given, else the configured key,
// and makes no key.
func TestConfig_Proving(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	local, _ := load(t, nil, map[string]string{"ARCHIBOT_DATA": dir}, "")
	base, err := local.Base(nil)
	require.NoError(t, err)
	_, err = local.Proving(base, nil)
	require.ErrorContains(t, err, "--key")
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, files)
	made, err := local.Auditing(base)
	require.NoError(t, err)
	msg, err := made.Sign("a text\n")
	require.NoError(t, err)
	known, err := local.Proving(base, nil)
	require.NoError(t, err)
	_, err = known.Open(msg)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(filepath.Join(dir, "audit-key"), 0o644))
	_, err = local.Proving(base, nil)
	require.ErrorContains(t, err, "chmod 600")

	other, err := local.Proving(base, []string{auditVerifier})
	require.NoError(t, err)
	_, err = other.Open(msg)
	require.Error(t, err)
	_, err = local.Proving(base, []string{"x"})
	require.ErrorContains(t, err, "a verifier looks like")

	vars := hosted()
	delete(vars, "ARCHIBOT_AUDIT_KEY")
	elsewhere, _ := load(t, nil, vars, "")
	base, err = elsewhere.Base(nil)
	require.NoError(t, err)
	_, err = elsewhere.Proving(base, nil)
	require.ErrorContains(t, err, "ARCHIBOT_AUDIT_KEY")
	_, err = elsewhere.Auditing(base)
	require.ErrorContains(t, err, "ARCHIBOT_AUDIT_KEY is missing or empty")
}
