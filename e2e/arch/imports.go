package arch

import (
	"go/ast"
	"path"
	"slices"
	"strconv"
	"strings"
)

// testLibraries are what tests of the pure layers may use.
var testLibraries = []string{"github.com/stretchr/testify", "pgregory.net/rapid", "go.uber.org/goleak"}

// domainLibraries are the libraries that a domain may use: pure ones alone.
var domainLibraries = map[string][]string{
	"audit": {"golang.org/x/mod/sumdb/tlog"}, // hashes of the Merkle tree, no I/O
}

// drivers register themselves with database/sql and know no other way.
var drivers = []string{"modernc.org/sqlite", "github.com/jackc/pgx/v5/stdlib"}

var (
	// impure packages of the standard library read the world, or change it.
	impure = []string{"os", "net", "database", "syscall", "log", "plugin", "unsafe", "testing"}
	// pure are the exceptions below impure: values and parsing. log/slog is for
	// slog.LogValuer, by which a secret hides itself.
	pure = []string{"net/url", "net/netip", "log/slog"}
	// random packages make two runs differ.
	random = []string{"math/rand", "crypto/rand"}
)

func (f *file) checkImports() {
	if f.place.layer == unknownLayer {
		f.report(f.syntax.Package, "%s is in no layer of the architecture", f.place.dir)
		return
	}
	for _, spec := range f.syntax.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser has checked it
		}
		if reason := f.place.refuse(name); reason != "" {
			f.report(spec.Pos(), "%s may not import %s: %s", f.place.layer, name, reason)
		}
		f.checkName(spec, name)
	}
}

// checkName looks at how an import is named: for its effects alone, or into
// the file's own scope.
func (f *file) checkName(spec *ast.ImportSpec, name string) {
	switch {
	case spec.Name == nil:
	case spec.Name.Name == ".":
		f.report(spec.Pos(), "dot import of %s hides where names come from", name)
	case spec.Name.Name != "_" || name == "embed" || f.syntax.Name.Name == "main":
	case slices.Contains(drivers, name) && (f.place.layer == adapterLayer || f.place.layer == suiteLayer || f.place.test):
		if spec.Doc == nil && spec.Comment == nil {
			f.report(spec.Pos(), "the driver import of %s lacks a comment that says why", name)
		}
	default:
		f.report(spec.Pos(), "blank import of %s: only a main package registers by import", name)
	}
}

// refuse returns why a file at p may not import a package, or "".
func (p place) refuse(name string) string {
	if name == module || strings.HasPrefix(name, module+"/") {
		return p.refuseOwn(locateDir(strings.TrimPrefix(strings.TrimPrefix(name, module), "/")))
	}
	if first, _, _ := strings.Cut(name, "/"); strings.Contains(first, ".") {
		return p.refuseLibrary(name)
	}
	return p.refuseStandard(name)
}

// refuseOwn judges an import of a package of this module.
func (p place) refuseOwn(q place) string {
	switch {
	case p.same(q) && p.layer != portLayer:
		return ""
	case q.layer == unknownLayer:
		return q.dir + " is in no layer of the architecture"
	case q.suite && !p.test && p.layer != suiteLayer && !p.same(q):
		return "a conformance suite is for tests"
	case q.layer == suiteLayer && !p.test && p.layer != suiteLayer:
		return "end-to-end suites are for tests"
	}
	switch p.layer {
	case domainLayer:
		return p.refuseDomain(q)
	case portLayer:
		return allow(q.layer == domainLayer || p.same(q), "ports know domains only")
	case appLayer:
		return allow(p.test || q.layer == domainLayer || q.layer == portLayer,
			"use cases know domains and ports, and one another through interfaces they declare")
	case coreLayer:
		return allow(p.test || q.layer == domainLayer || q.layer == portLayer || q.layer == appLayer,
			"the core knows neither adapters nor hosts")
	case adapterLayer:
		return allow(q.layer == domainLayer || q.layer == portLayer || q.layer == suiteLayer,
			"adapters know ports and domains, not one another")
	case surfaceLayer, bootLayer:
		inward := slices.Contains([]layer{domainLayer, portLayer, appLayer, coreLayer, bootLayer, clientLayer}, q.layer)
		return allow(p.test || inward, "only a binary knows adapters and surfaces")
	case clientLayer:
		return allow(p.test, "clients stand alone")
	default: // binaries and suites know everything
		return ""
	}
}

func (p place) refuseDomain(q place) string {
	if q.layer != domainLayer {
		return allow(false, "domains know lower domains only")
	}
	return allow(p.lower(q), q.name+" does not stand before "+p.name+" in the order of domains")
}

// refuseLibrary judges an import of another module.
func (p place) refuseLibrary(name string) string {
	switch p.layer {
	case domainLayer:
		return allow(within(name, domainLibraries[p.name]) || p.test && within(name, testLibraries),
			"domains use the standard library")
	case portLayer:
		return allow((p.test || p.suite) && within(name, testLibraries), "ports use the standard library")
	case appLayer, coreLayer:
		return allow(p.test, "use cases reach libraries through ports")
	default:
		return ""
	}
}

// refuseStandard judges an import of the standard library.
func (p place) refuseStandard(name string) string {
	if p.test {
		return ""
	}
	switch p.layer {
	case domainLayer:
		if within(name, impure) && !slices.Contains(pure, name) {
			return "domains do no I/O"
		}
		return allow(!within(name, random), "randomness is handed in")
	case appLayer, coreLayer:
		if within(name, []string{"os", "database"}) || name == "net" {
			return "use cases reach the world through ports"
		}
		return allow(!within(name, random), "randomness is handed in")
	default:
		return ""
	}
}

// checkWiring lets each binary name adapters in one file.
func (f *file) checkWiring(wiring map[string]string) {
	if f.place.layer != binaryLayer || f.place.test {
		return
	}
	for _, spec := range f.syntax.Imports {
		if !strings.HasPrefix(spec.Path.Value, `"`+module+"/adapters/") {
			continue
		}
		first := wiring[f.place.name]
		if first == "" {
			wiring[f.place.name] = f.name
		} else if first != f.name {
			f.report(spec.Pos(), "adapters are wired in one file, and %s does so already", path.Base(first))
		}
		return
	}
}

// within reports whether a package is one of the listed, or below one.
func within(name string, list []string) bool {
	return slices.ContainsFunc(list, func(root string) bool {
		return name == root || strings.HasPrefix(name, root+"/")
	})
}

func allow(ok bool, reason string) string {
	if ok {
		return ""
	}
	return reason
}
