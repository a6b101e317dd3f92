package arch

import (
	"go/ast"
	"slices"
	"strconv"
)

// clock reads the time of day; wait depends on its passing.
var (
	clock = []string{"Now", "Since", "Until"}
	wait  = []string{"Sleep", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer"}
)

// checkInit refuses init functions: what a package does, a caller asks it to.
func (f *file) checkInit() {
	for _, declaration := range f.syntax.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if ok && function.Recv == nil && function.Name.Name == "init" {
			f.report(function.Pos(), "init function: let the caller construct what it needs")
		}
	}
}

// checkClock refuses the clock in the core, called or handed on as a value.
func (f *file) checkClock() {
	core := f.place.layer == domainLayer || f.place.layer == appLayer || f.place.layer == coreLayer
	name := f.timeName()
	if !core || f.place.test || name == "" {
		return
	}
	ast.Inspect(f.syntax, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if of, ok := selector.X.(*ast.Ident); !ok || of.Name != name {
			return true
		}
		switch {
		case slices.Contains(clock, selector.Sel.Name):
			f.report(selector.Pos(), "time.%s in the core: the clock is handed in", selector.Sel.Name)
		case slices.Contains(wait, selector.Sel.Name) && f.place.layer == domainLayer:
			f.report(selector.Pos(), "time.%s in a domain: rules do not wait", selector.Sel.Name)
		}
		return true
	})
}

// timeName is what the file calls package time, or "".
func (f *file) timeName() string {
	for _, spec := range f.syntax.Imports {
		if path, err := strconv.Unquote(spec.Path.Value); err != nil || path != "time" {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return "time"
	}
	return ""
}
