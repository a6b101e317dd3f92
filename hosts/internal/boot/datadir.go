package boot

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// GeneratedSecret returns the secret in the file name of the folder data. If
// there is none it makes one of 256 random bits, readable to the owner alone;
// of several processes that do so at once, all get the same. It refuses a
// secret that others on the machine can read, and an empty one.
func GeneratedSecret(data, name string) (Secret, error) {
	path := filepath.Join(data, name)
	secret, err := readSecret(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	var random [32]byte
	_, _ = rand.Read(random[:]) // cannot fail: the runtime ends the process first
	err = WriteOnce(path, []byte(base64.RawURLEncoding.EncodeToString(random[:])+"\n"))
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return Secret{}, err
	}
	return readSecret(path)
}

func readSecret(path string) (Secret, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Secret{}, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Secret{}, fmt.Errorf("%s can be read by others; if it was never exposed, run: chmod 600 %s", path, path)
	}
	text, err := readFile(path)
	if err != nil {
		return Secret{}, err
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return Secret{}, fmt.Errorf("%s is empty; restore it from a copy, or delete it to have a new secret made (API keys made under the old one stop working)", path)
	}
	return NewSecret(secret), nil
}

// WriteOnce writes a file of mode 0600 in a folder of mode 0700, whole or not
// at all. A file that is there already is left alone: fs.ErrExist.
func WriteOnce(path string, text []byte) error {
	return write(path, text, os.Link)
}

// Write is WriteOnce, but replaces a file that is there.
func Write(path string, text []byte) error {
	return write(path, text, os.Rename)
}

func write(path string, text []byte, place func(from, to string) error) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*") // made with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.Write(text)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	return place(tmp.Name(), path)
}
