package boot_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/hosts/internal/boot"
)

func TestGeneratedSecret(t *testing.T) {
	t.Parallel()
	t.Run("many at once get one", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "a", "var")
		var all sync.Map
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				s, err := boot.GeneratedSecret(dir, "pepper", boot.RandomText)
				if err != nil {
					t.Error(err)
				}
				all.Store(s.Reveal(), true)
			})
		}
		wg.Wait()
		n := 0
		all.Range(func(k, _ any) bool { n++; return len(k.(string)) == 43 })
		require.Equal(t, 1, n)

		info, err := os.Stat(dir)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o700), info.Mode().Perm())
		files, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, files, 1, "no leftovers")
		info, err = files[0].Info()
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	})
	t.Run("refuses one that others can read", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "pepper")
		require.NoError(t, os.WriteFile(path, []byte("secret"), 0o600))
		require.NoError(t, os.Chmod(path, 0o640))
		_, err := boot.GeneratedSecret(filepath.Dir(path), "pepper", boot.RandomText)
		require.ErrorContains(t, err, "chmod 600")
	})
	t.Run("refuses an empty one", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "pepper")
		require.NoError(t, os.WriteFile(path, []byte("\n"), 0o600))
		_, err := boot.GeneratedSecret(filepath.Dir(path), "pepper", boot.RandomText)
		require.ErrorContains(t, err, "is empty")
	})
}

func TestWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	require.NoError(t, boot.Write(path, []byte("one")))
	require.ErrorIs(t, boot.WriteOnce(path, []byte("two")), fs.ErrExist)
	require.NoError(t, boot.Write(path, []byte("three")))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "three", string(text))
}
