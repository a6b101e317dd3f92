package arch

import (
	"path"
	"slices"
	"strings"
)

const module = "github.com/archibot/archibotchat"

// domains stand in order: each may import those before it.
var domains = []string{
	"fault", "guard", "access", "billing", "pricing", "ledger", "keys", "idempotency", "audit", "artifacts",
	"inference", "chat", "support", "notices", "rights", "gates",
}

// binaries are the folders of hosts that wire everything together.
var binaries = []string{"archibotchat", "archibotchat-dedicated"}

type layer string

const (
	domainLayer  layer = "a core domain"
	appLayer     layer = "a use case"
	coreLayer    layer = "the core's root"
	portLayer    layer = "a port"
	adapterLayer layer = "an adapter"
	surfaceLayer layer = "a host's surface"
	bootLayer    layer = "the hosts' common part"
	binaryLayer  layer = "a binary"
	clientLayer  layer = "a client"
	suiteLayer   layer = "an end-to-end suite"
	unknownLayer layer = "no layer"
)

// A place is where a package stands: its layer and its name within the layer,
// such as the port "store" of ports/store/storetest.
type place struct {
	layer layer
	name  string
	dir   string
	test  bool // a _test.go file
	suite bool // the conformance suite of a port
}

// locate finds the place of a file.
func locate(name string) place {
	p := locateDir(path.Dir(name))
	p.test = strings.HasSuffix(name, "_test.go")
	return p
}

func locateDir(dir string) place {
	p := place{layer: unknownLayer, dir: dir}
	parts := strings.Split(dir, "/")
	if len(parts) > 1 {
		p.name = parts[1]
	}
	switch {
	case dir == "core":
		p.layer = coreLayer
	case parts[0] == "core" && p.name == "app":
		if len(parts) > 2 {
			p.layer, p.name = appLayer, parts[2]
		}
	case parts[0] == "core" && slices.Contains(domains, p.name):
		p.layer = domainLayer
	case parts[0] == "ports" && p.name != "":
		p.layer = portLayer
		p.suite = len(parts) > 2 && strings.HasSuffix(parts[2], "test")
	case parts[0] == "adapters" && p.name != "":
		p.layer = adapterLayer
	case parts[0] == "hosts" && (p.name == "internal" || p.name == "edge"):
		p.layer = bootLayer
	case parts[0] == "hosts" && slices.Contains(binaries, p.name):
		p.layer = binaryLayer
	case parts[0] == "hosts" && p.name != "":
		p.layer = surfaceLayer
	case parts[0] == "openapi":
		p.layer = clientLayer
	case parts[0] == "e2e":
		p.layer = suiteLayer
	}
	return p
}

// same reports whether two packages are parts of one thing, such as an adapter
// and its subpackage.
func (p place) same(q place) bool { return p.layer == q.layer && p.name == q.name }

// lower reports whether q is a domain that the domain p may stand on.
func (p place) lower(q place) bool {
	return slices.Index(domains, q.name) < slices.Index(domains, p.name)
}
