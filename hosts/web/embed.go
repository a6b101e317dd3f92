package web

import (
	"embed"
	"io/fs"
)

// dist is what `make web` built, or nothing but the file that keeps the folder.
//
//go:embed all:dist
var dist embed.FS

// Dist returns the web app that was built into this program.
func Dist() fs.FS {
	built, err := fs.Sub(dist, "dist")
	if err != nil { // the name is a constant, and valid
		panic(err)
	}
	return built
}
