package arch_test

import (
	"os"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/e2e/arch"
)

const module = "github.com/archibot/archibotchat"

// TestCheck_tree holds this repository to its own rules.
func TestCheck_tree(t *testing.T) {
	t.Parallel()
	found, err := arch.Check(os.DirFS("../.."))
	require.NoError(t, err)
	for _, violation := range found {
		t.Error(violation)
	}
}

func TestCheck_planted(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, file, source string
		want               string // part of the one violation reported
	}{
		{"unknown domain", "core/wallet/w.go", imports(), "core/wallet is in no layer"},
		{"unknown top folder", "pkg/x/x.go", imports(), "does not belong at the top level"},
		{"file at the top level", "docker-compose.yml", "", "does not belong at the top level"},
		{"use case without an area", "core/app/app.go", imports(), "core/app is in no layer"},

		{"domain on a higher domain", "core/ledger/l.go", imports(module + "/core/keys"), "keys does not stand before ledger"},
		{"domain's test on a higher domain", "core/ledger/l_test.go", imports(module + "/core/gates"), "gates does not stand before ledger"},
		{"domain's subpackage on a higher domain", "core/inference/sse/s.go", imports(module + "/core/chat"), "chat does not stand before inference"},
		{"lowest domain on another", "core/fault/f.go", imports(module + "/core/access"), "access does not stand before fault"},
		{"domain on a port", "core/keys/k.go", imports(module + "/ports/store"), "domains know lower domains only"},
		{"domain on a use case", "core/keys/k.go", imports(module + "/core/app/admit"), "domains know lower domains only"},
		{"domain on the core's root", "core/keys/k.go", imports(module + "/core"), "domains know lower domains only"},
		{"domain on a library", "core/keys/k.go", imports("github.com/google/uuid"), "domains use the standard library"},
		{"domain on a test library", "core/keys/k.go", imports("github.com/stretchr/testify/require"), "domains use the standard library"},
		{"domain on another's library", "core/keys/k.go", imports("golang.org/x/mod/sumdb/tlog"), "domains use the standard library"},
		{"audit on a neighbour of its library", "core/audit/a.go", imports("golang.org/x/mod/sumdb/note"), "domains use the standard library"},
		{"domain's test on other libraries", "core/keys/k_test.go", imports("github.com/uptrace/bun"), "domains use the standard library"},

		{"domain with files", "core/keys/k.go", imports("os"), "domains do no I/O"},
		{"domain with processes", "core/keys/k.go", imports("os/exec"), "domains do no I/O"},
		{"domain with network", "core/keys/k.go", imports("net"), "domains do no I/O"},
		{"domain with HTTP", "core/keys/k.go", imports("net/http"), "domains do no I/O"},
		{"domain with SQL", "core/keys/k.go", imports("database/sql"), "domains do no I/O"},
		{"domain with chance", "core/keys/k.go", imports("crypto/rand"), "randomness is handed in"},
		{"domain with pseudo-chance", "core/keys/k.go", imports("math/rand/v2"), "randomness is handed in"},
		{"domain reads the clock", "core/keys/k.go", "package keys\nimport \"time\"\nvar t = time.Now()", "time.Now in the core"},
		{"domain reads the clock by another name", "core/keys/k.go", "package keys\nimport clock \"time\"\nvar t = clock.Since(clock.Time{})", "time.Since in the core"},
		{"domain waits", "core/keys/k.go", "package keys\nimport \"time\"\nfunc f() { time.Sleep(1) }", "time.Sleep in a domain"},
		{"use case reads the clock", "core/app/spend/s.go", "package spend\nimport \"time\"\nvar now = time.Now", "time.Now in the core"},
		{"root reads the clock", "core/core.go", "package core\nimport \"time\"\nvar t = time.Until(time.Time{})", "time.Until in the core"},
		{"use case with chance", "core/app/spend/s.go", imports("math/rand"), "randomness is handed in"},
		{"use case with SQL", "core/app/spend/s.go", imports("database/sql"), "through ports"},

		{"port on a use case", "ports/store/s.go", imports(module + "/core/app/spend"), "ports know domains only"},
		{"port on another port", "ports/store/s.go", imports(module + "/ports/mail"), "ports know domains only"},
		{"port on its suite's libraries", "ports/store/s.go", imports("pgregory.net/rapid"), "ports use the standard library"},
		{"port on a library", "ports/store/s.go", imports("github.com/uptrace/bun"), "ports use the standard library"},
		{"suite on other libraries", "ports/store/storetest/s.go", imports("github.com/uptrace/bun"), "ports use the standard library"},
		{"suite on an adapter", "ports/store/storetest/s.go", imports(module + "/adapters/sqlstore"), "ports know domains only"},

		{"use case on another", "core/app/spend/s.go", imports(module + "/core/app/admit"), "use cases know domains and ports"},
		{"use case on an adapter", "core/app/spend/s.go", imports(module + "/adapters/sqlstore"), "use cases know domains and ports"},
		{"use case on the root", "core/app/spend/s.go", imports(module + "/core"), "use cases know domains and ports"},
		{"use case on a host", "core/app/spend/s.go", imports(module + "/hosts/api"), "use cases know domains and ports"},
		{"use case on a library", "core/app/spend/s.go", imports("github.com/uptrace/bun"), "through ports"},
		{"use case on a conformance suite", "core/app/spend/s.go", imports(module + "/ports/store/storetest"), "a conformance suite is for tests"},
		{"root on an adapter", "core/core.go", imports(module + "/adapters/sqlstore"), "neither adapters nor hosts"},
		{"root on a host", "core/core.go", imports(module + "/hosts/api"), "neither adapters nor hosts"},
		{"root on a library", "core/core.go", imports("github.com/danielgtaylor/huma/v2"), "through ports"},

		{"adapter on another", "adapters/sqlstore/s.go", imports(module + "/adapters/stripepay"), "not one another"},
		{"adapter's test on another", "adapters/sqlstore/s_test.go", imports(module + "/adapters/stripepay"), "not one another"},
		{"adapter on a use case", "adapters/sqlstore/s.go", imports(module + "/core/app/spend"), "adapters know ports and domains"},
		{"adapter on the root", "adapters/sqlstore/s.go", imports(module + "/core"), "adapters know ports and domains"},
		{"adapter on a host", "adapters/sqlstore/s.go", imports(module + "/hosts/internal/boot"), "adapters know ports and domains"},
		{"adapter on a conformance suite", "adapters/sqlstore/s.go", imports(module + "/ports/store/storetest"), "a conformance suite is for tests"},
		{"adapter on an end-to-end suite", "adapters/sqlstore/s.go", imports(module + "/e2e/engine"), "end-to-end suites are for tests"},

		{"surface on an adapter", "hosts/api/a.go", imports(module + "/adapters/sqlstore"), "only a binary knows adapters"},
		{"surface on another", "hosts/api/a.go", imports(module + "/hosts/gateway"), "only a binary knows adapters and surfaces"},
		{"edge on a surface", "hosts/edge/e.go", imports(module + "/hosts/api"), "only a binary knows adapters and surfaces"},
		{"edge on an adapter", "hosts/edge/e.go", imports(module + "/adapters/memlimits"), "only a binary knows adapters"},
		{"surface on a binary", "hosts/api/a.go", imports(module + "/hosts/archibotchat"), "only a binary knows adapters and surfaces"},
		{"boot on an adapter", "hosts/internal/boot/b.go", imports(module + "/adapters/sqlstore"), "only a binary knows adapters"},
		{"boot on a surface", "hosts/internal/boot/b.go", imports(module + "/hosts/api"), "only a binary knows adapters"},
		{"binary on an end-to-end suite", "hosts/archibotchat/main.go", imports(module + "/e2e/upstream"), "end-to-end suites are for tests"},
		{"client on the core", "openapi/clients/go/c.go", imports(module + "/core/keys"), "clients stand alone"},
		{"import from no layer", "hosts/archibotchat/main.go", imports(module + "/core/wallet"), "core/wallet is in no layer"},

		{"init function", "hosts/api/a.go", "package api\nfunc init() {}", "init function"},
		{"init function in a test", "core/keys/k_test.go", "package keys\nfunc init() {}", "init function"},
		{"registration by import", "hosts/api/a.go", "package api\nimport _ \"image/png\"", "only a main package registers"},
		{"driver in a surface", "hosts/api/a.go", "package api\nimport _ \"modernc.org/sqlite\" // driver", "only a main package registers"},
		{"driver without a reason", "adapters/sqlstore/s.go", "package sqlstore\nimport _ \"modernc.org/sqlite\"", "lacks a comment"},
		{"dot import", "core/keys/k.go", "package keys\nimport . \"strings\"", "dot import"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			found, err := arch.Check(fstest.MapFS{c.file: {Data: []byte(c.source)}})
			require.NoError(t, err)
			require.NotEmpty(t, found, "the violation went unseen")
			require.Contains(t, found[0].String(), c.want)
			require.Contains(t, c.file, found[0].File)
		})
	}
}

func TestCheck_secondWiringFile(t *testing.T) {
	t.Parallel()
	tree := fstest.MapFS{
		"hosts/archibotchat/wire.go":           {Data: []byte(imports(module + "/adapters/sqlstore"))},
		"hosts/archibotchat/zebra.go":          {Data: []byte(imports(module + "/adapters/stripepay"))},
		"hosts/archibotchat-dedicated/wire.go": {Data: []byte(imports(module + "/adapters/sqlstore"))},
	}
	found, err := arch.Check(tree)
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, "hosts/archibotchat/zebra.go:2: adapters are wired in one file, and wire.go does so already", found[0].String())
}

// TestCheck_allowed shows that the rules leave room for what the architecture
// asks for.
func TestCheck_allowed(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"core/gates/g.go":                 imports(module+"/core/fault", module+"/core/access", module+"/core/rights", "time", "net/url", "net/netip"),
		"core/audit/a.go":                 imports(module+"/core/keys", "golang.org/x/mod/sumdb/tlog"),
		"core/keys/k_test.go":             imports(module+"/core/keys", "crypto/rand", "os", "pgregory.net/rapid", "github.com/stretchr/testify/require"),
		"core/keys/clock_test.go":         "package keys\nimport \"time\"\nvar t = time.Now()",
		"core/app/spend/s.go":             imports(module+"/core/ledger", module+"/ports/store", "context", "sync", "net/http"),
		"core/app/spend/timer.go":         "package spend\nimport \"time\"\nvar t = time.NewTimer(1)",
		"core/app/spend/s_test.go":        imports(module+"/adapters/sqlstore", module+"/e2e/engine/localpg", "go.uber.org/goleak"),
		"core/core.go":                    imports(module+"/core/app/spend", module+"/core/app/admit", module+"/ports/store", module+"/core/keys"),
		"ports/store/s.go":                imports(module+"/core/ledger", "context"),
		"ports/store/s_test.go":           imports(module+"/ports/store", "github.com/stretchr/testify/require"),
		"ports/store/storetest/s.go":      imports(module+"/ports/store", module+"/core/ledger", "pgregory.net/rapid", "testing"),
		"adapters/sqlstore/s.go":          imports(module+"/ports/store", module+"/core/ledger", module+"/adapters/sqlstore/batch", "github.com/uptrace/bun", "os"),
		"adapters/sqlstore/driver.go":     "package sqlstore\nimport _ \"modernc.org/sqlite\" // registers the driver sqlite",
		"adapters/sqlstore/files.go":      "package sqlstore\nimport _ \"embed\"",
		"adapters/sqlstore/s_test.go":     imports(module+"/ports/store/storetest", module+"/e2e/engine/localpg"),
		"adapters/sqlstore/batch/b.go":    imports(module+"/adapters/sqlstore/flavor", "github.com/jackc/pgx/v5"),
		"hosts/api/a.go":                  imports(module+"/core", module+"/core/app/spend", module+"/core/fault", module+"/ports/store", module+"/hosts/internal/boot", module+"/openapi", "github.com/danielgtaylor/huma/v2"),
		"hosts/api/cmd/openapi/main.go":   imports(module + "/hosts/api"),
		"hosts/api/a_test.go":             imports(module+"/adapters/sqlstore", module+"/hosts/gateway", module+"/e2e/engine/localpg"),
		"hosts/internal/boot/b.go":        imports(module + "/core"),
		"hosts/archibotchat/wire.go":      imports(module+"/adapters/sqlstore", module+"/hosts/api", module+"/core"),
		"hosts/gateway/g.go":              imports(module+"/hosts/edge", module+"/core"),
		"hosts/archibotchat/main.go":      "package main\nimport _ \"gocloud.dev/blob/s3blob\"\nfunc main() {}",
		"hosts/archibotchat/main_test.go": imports(module+"/adapters/sqlstore", module+"/e2e/upstream"),
		"openapi/clients/go/c.go":         imports("net/http", "github.com/oapi-codegen/runtime"),
		"e2e/bench/main.go":               imports(module+"/hosts/archibotchat", module+"/e2e/engine/localpg", module+"/adapters/sqlstore", module+"/ports/store/storetest"),
		"e2e/arch/testdata/bad.go":        imports(module + "/nowhere"),
		"hosts/web/node_modules/x/x.go":   "no Go at all",
		"Makefile":                        "",
		".ci/run":                         "",
		"var/archibot.db":                 "",
	}
	tree := fstest.MapFS{}
	for name, source := range cases {
		tree[name] = &fstest.MapFile{Data: []byte(source)}
	}
	found, err := arch.Check(tree)
	require.NoError(t, err)
	require.Empty(t, found)
}

func TestCheck_unreadable(t *testing.T) {
	t.Parallel()
	_, err := arch.Check(fstest.MapFS{"core/keys/k.go": {Data: []byte("pakage keys")}})
	require.ErrorContains(t, err, "core/keys/k.go")
}

// imports is the source of a file with these imports.
func imports(paths ...string) string {
	source := "package x\n"
	for _, path := range paths {
		source += "import \"" + path + "\"\n"
	}
	return source
}
