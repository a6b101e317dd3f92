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
// there is none, generate makes one; it is readable to the owner alone, and of
// several processes that do so at once, all get the same. A secret that others
// on the machine can read is refused, and so is an empty one.
func GeneratedSecret(data, name string, generate func() (string, error)) (Secret, error) {
	path := filepath.Join(data, name)
	secret, err := readSecret(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	text, err := generate()
	if err != nil {
		return Secret{}, err
	}
	err = WriteOnce(path, []byte(text+"\n"))
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return Secret{}, err
	}
	return readSecret(path)
}

// RandomText returns 256 random bits as text.
func RandomText() (string, error) {
	var random [32]byte
	_, _ = rand.Read(random[:]) // cannot fail: the runtime ends the process first
	return base64.RawURLEncoding.EncodeToString(random[:]), nil
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
		return Secret{}, fmt.Errorf("%s is empty; restore it from a copy, or delete it to have a new one made (what was made or signed with the old one is not recognised any more)", path)
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
