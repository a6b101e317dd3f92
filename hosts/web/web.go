// Package web serves the web app: an index page, and the files that Vite built
// beside it.
//
// It keeps true that
//   - what is served is what was read at the start: a path is looked up, never
//     opened, so that no spelling of it leads elsewhere;
//   - each index page has a nonce of its own, and nothing inline works without;
//   - files with a hash in their name may be kept for ever, the index page is
//     never kept;
//   - a page that needs a session says so itself: nothing here is anybody's.
//
// It knows no route of the app: every address of a page gets the index page,
// and the app says what there is. An embedder brings an fs.FS of its own build,
// or takes Dist:
//
//	mux.Handle("/", web.New(web.Dist(), web.Config{Edge: e}))
package web

import (
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/hosts/edge"
)

// Config is what the handler stands on. All fields are needed.
type Config struct {
	// Edge is what the site's surfaces have in common.
	Edge *edge.Edge
}

// hashed is the folder of the files that have a hash in their name.
const hashed = "assets/"

// indexName is the page that every address of the app gets.
const indexName = "index.html"

type site struct {
	files map[string]file // by path, without the leading slash
	index *page           // nil if the app was not built
}

// New reads the files and returns the handler of every address that is no other
// surface's. Files that change later are not seen. It fails if a file cannot be
// read; a build without an index page is none, and tells how to make one.
func New(files fs.FS, c Config) (http.Handler, error) {
	s := site{files: map[string]file{}}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case hidden(name) && entry.IsDir():
			return fs.SkipDir
		case hidden(name) || entry.IsDir() || packed(name):
			return nil
		}
		f, err := read(files, name)
		if err == nil {
			s.files[name] = f
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the web app: %w", err)
	}
	if index, ok := s.files[indexName]; ok {
		s.index = newPage(string(index.whole))
		delete(s.files, indexName)
	}
	return c.Edge.Browser(http.HandlerFunc(s.serve)), nil
}

// hidden reports what is for tools: dot files, and Vite's own folder.
func hidden(name string) bool {
	return name != "." && strings.HasPrefix(name[strings.LastIndexByte(name, '/')+1:], ".")
}

func (s site) serve(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	f, known := s.files[name]
	shown := tidy(r.URL.Path) && (name == "" || !strings.HasPrefix(name, hashed) && takesPages(r))
	switch {
	case !known && !shown:
		edge.Refuse(w, r, http.StatusNotFound, errNothing)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		edge.Refuse(w, r, http.StatusMethodNotAllowed, errMethod)
	case known:
		f.serve(w, r, strings.HasPrefix(name, hashed))
	case s.index == nil:
		unbuilt(w)
	default:
		s.index.serve(w)
	}
}

var (
	errNothing = fault.New(fault.NotFound, "not_found", "There is nothing at this address.")
	errMethod  = fault.New(fault.Invalid, "method_not_allowed", "This address takes GET and HEAD only.")
)

// tidy reports whether a path can be one of the app's. Others are for those who
// look for a way around: browsers send none.
func tidy(path string) bool {
	for part := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if part == "." || part == ".." || strings.ContainsFunc(part, odd) {
			return false
		}
	}
	return strings.HasPrefix(path, "/") && !strings.Contains(path, "//")
}

func odd(c rune) bool { return c < ' ' || c == 0x7f || c == '\\' || c == 0xfffd }

// takesPages reports whether the caller asks for pages by name. Programs, which
// take anything, are told that there is nothing.
func takesPages(r *http.Request) bool {
	return strings.Contains(strings.Join(r.Header.Values("Accept"), ","), "text/html")
}
