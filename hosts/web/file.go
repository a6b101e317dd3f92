package web

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// file is one file, with the forms it was packed into.
type file struct {
	media string
	whole []byte
	forms []form
	tag   string
}

// form is a file as Content-Encoding names it.
type form struct {
	encoding string
	body     []byte
}

// encodings are the forms that are looked for beside a file, the best first.
var encodings = []struct{ name, ending string }{{"br", ".br"}, {"gzip", ".gz"}}

// packed reports whether a name is that of a packed form.
func packed(name string) bool {
	for _, e := range encodings {
		if strings.HasSuffix(name, e.ending) {
			return true
		}
	}
	return false
}

func read(files fs.FS, name string) (file, error) {
	whole, err := fs.ReadFile(files, name)
	if err != nil {
		return file{}, err
	}
	sum := sha256.Sum256(whole)
	f := file{media: mediaType(name), whole: whole, tag: base64.RawURLEncoding.EncodeToString(sum[:16])}
	for _, e := range encodings {
		body, err := fs.ReadFile(files, name+e.ending)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return file{}, err
		}
		f.forms = append(f.forms, form{e.name, body})
	}
	return f, nil
}

// media are the types of what Vite builds, whatever the machine's own table
// says.
var media = map[string]string{
	".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8", ".svg": "image/svg+xml",
	".json": "application/json", ".webmanifest": "application/manifest+json", ".txt": "text/plain; charset=utf-8",
	".png": "image/png", ".ico": "image/x-icon", ".webp": "image/webp", ".woff2": "font/woff2", ".wasm": "application/wasm",
}

func mediaType(name string) string {
	if known, ok := media[path.Ext(name)]; ok {
		return known
	}
	if known := mime.TypeByExtension(path.Ext(name)); known != "" {
		return known
	}
	return "application/octet-stream"
}

// forever is how long a file is kept whose name changes with what it holds.
const forever = "public, max-age=31536000, immutable"

// serve sends the file in the best form that the client takes, or 304 if the
// client has it.
func (f file) serve(w http.ResponseWriter, r *http.Request, immutable bool) {
	h := w.Header()
	h.Set("Content-Type", f.media)
	h.Set("Cache-Control", "public, no-cache")
	if immutable {
		h.Set("Cache-Control", forever)
	}
	body, tag := f.whole, f.tag
	if len(f.forms) > 0 {
		h.Set("Vary", "Accept-Encoding")
	}
	taken := accepted(strings.Join(r.Header.Values("Accept-Encoding"), ","))
	for _, form := range f.forms {
		if taken[form.encoding] {
			h.Set("Content-Encoding", form.encoding)
			body, tag = form.body, f.tag+"-"+form.encoding
			break
		}
	}
	h.Set("ETag", `"`+tag+`"`)
	if matches(strings.Join(r.Header.Values("If-None-Match"), ","), tag) {
		h.Del("Content-Type")
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // a browser that left needs no file
	}
}

// accepted returns the encodings that a client names and does not rule out
// (RFC 9110, 12.5.3). One that it does not name is not sent.
func accepted(header string) map[string]bool {
	taken := map[string]bool{}
	for one := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(one, ";")
		weight, weighed := strings.CutPrefix(strings.ToLower(strings.ReplaceAll(params, " ", "")), "q=")
		q, err := strconv.ParseFloat(weight, 64)
		if !weighed || err == nil && q > 0 {
			taken[strings.ToLower(strings.TrimSpace(name))] = true
		}
	}
	return taken
}

// matches reports whether a tag is among those that the client has, by weak
// comparison (RFC 9110, 13.1.2).
func matches(header, tag string) bool {
	for one := range strings.SplitSeq(header, ",") {
		one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
		if one == "*" || one == `"`+tag+`"` {
			return true
		}
	}
	return false
}
