package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// A Violation is one place that breaks one rule.
type Violation struct {
	File string // relative to the root of the tree
	Line int    // 0 when the file as such is the violation
	Rule string
}

func (v Violation) String() string {
	if v.Line == 0 {
		return v.File + ": " + v.Rule
	}
	return fmt.Sprintf("%s:%d: %s", v.File, v.Line, v.Rule)
}

// Check reads the tree whose root holds go.mod and returns what breaks the
// architecture, ordered by file and line. The error is of reading or parsing.
func Check(tree fs.FS) ([]Violation, error) {
	found, err := checkTop(tree)
	if err != nil {
		return nil, err
	}
	wiring := map[string]string{} // binary → its file that imports adapters
	err = fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && outside(name):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		source, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		files := token.NewFileSet()
		parsed, err := parser.ParseFile(files, name, source, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		f := file{name: name, syntax: parsed, set: files, place: locate(name)}
		f.checkImports()
		f.checkInit()
		f.checkClock()
		f.checkWiring(wiring)
		found = append(found, f.found...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the source tree: %w", err)
	}
	slices.SortStableFunc(found, func(a, b Violation) int {
		if order := strings.Compare(a.File, b.File); order != 0 {
			return order
		}
		return a.Line - b.Line
	})
	return found, nil
}

// outside reports folders that hold no source of ours: what tools keep, what
// builds leave, what tests read.
func outside(dir string) bool {
	base := path.Base(dir)
	if dir != "." && strings.HasPrefix(base, ".") {
		return true
	}
	return slices.Contains([]string{"testdata", "node_modules", "dist", "bin", "var"}, base)
}

// topLevel is all that may lie beside go.mod, dot-files apart. The last line is
// what git ignores: binaries, and the data of a server run from here.
var topLevel = []string{
	"core", "ports", "adapters", "hosts", "openapi", "e2e",
	"go.mod", "go.sum", "Makefile", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md",
	"bin", "var",
}

func checkTop(tree fs.FS) ([]Violation, error) {
	entries, err := fs.ReadDir(tree, ".")
	if err != nil {
		return nil, fmt.Errorf("list the top level: %w", err)
	}
	var found []Violation
	for _, entry := range entries {
		if name := entry.Name(); !strings.HasPrefix(name, ".") && !slices.Contains(topLevel, name) {
			found = append(found, Violation{File: name, Rule: "does not belong at the top level"})
		}
	}
	return found, nil
}

// A file is one Go file under examination.
type file struct {
	name   string
	syntax *ast.File
	set    *token.FileSet
	place  place
	found  []Violation
}

func (f *file) report(at token.Pos, format string, args ...any) {
	f.found = append(f.found, Violation{File: f.name, Line: f.set.Position(at).Line, Rule: fmt.Sprintf(format, args...)})
}
