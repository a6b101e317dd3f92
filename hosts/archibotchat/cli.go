package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"

	"github.com/alecthomas/kong"

	"github.com/archibot/archibotchat/hosts/admin"
	"github.com/archibot/archibotchat/hosts/internal/boot"
)

// Process is what a command touches of the process it runs in.
type Process struct {
	Lookup   func(name string) (string, bool) // environment variables
	In       io.Reader                        // nil: nothing comes in
	Out, Err io.Writer
}

// commands is the command line.
type commands struct {
	Settings boot.Config `embed:"" group:"Settings, each also in a variable or the configuration file:"`

	JSON bool `help:"Print one JSON object instead of text; amounts are integer microcredits."`

	Serve       serveCommand       `cmd:"" help:"Serve the app API and /v1 until SIGTERM or SIGINT."`
	Migrate     migrateCommand     `cmd:"" help:"Bring the database's schema up to date. Old and new servers may run meanwhile."`
	Admin       admin.Command      `cmd:"" help:"Operate accounts, credits, keys and sessions, also while servers run."`
	Ledger      ledgerCommands     `cmd:"" help:"Prove the ledger."`
	Audit       admin.AuditCommand `cmd:"" help:"Prove the evidence."`
	Prices      pricesCommands     `cmd:"" help:"Check, publish, list and show price books."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask the server on the configured address whether it is alive."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
}

// instance is one run of the program: what commands need.
type instance struct {
	Process
	cli    commands
	source *boot.Source
	newID  func(prefix string) string
	base   boot.Base // once checked
	opened *database // by an admin command
}

// exit ends a run from within kong, which knows only how to end the process.
type exit int

// Run runs the command in args and returns the exit code.
func Run(ctx context.Context, args []string, p Process) (code int) {
	in := &instance{Process: p, source: boot.NewSource(p.Lookup), newID: newIDs()}
	defer func() {
		if r := recover(); r != nil {
			status, ok := r.(exit)
			if !ok {
				panic(r)
			}
			code = int(status)
		}
	}()
	parser, err := kong.New(&in.cli,
		kong.Name("archibotchat"),
		kong.Description("ArchibotChat: an OpenAI-compatible API and chat on prepaid credits."),
		kong.Writers(p.Out, p.Err),
		kong.Exit(func(status int) { panic(exit(status)) }),
		kong.Resolvers(in.source),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}),
		kong.ValueFormatter(describe),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(in),
	)
	if err != nil {
		panic(err) // the command line itself is wrong: a bug, found by every test
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return in.usage(err, slices.Contains(args, "--json"))
	}
	err = parsed.Run(in.adminEnv())
	if in.opened != nil {
		in.opened.close()
	}
	if err != nil {
		return in.fail(err)
	}
	return 0
}

// describe adds to a setting's help the variable that sets it.
func describe(v *kong.Value) string {
	if !v.Tag.Has("config") {
		return v.Help
	}
	name := boot.Variable(v.Name)
	if v.Tag.Get("config") == "secret" {
		name += "[_FILE]"
	}
	return v.Help + " [" + name + "]"
}

// log returns the logger for the settings.
func (in *instance) log(level slog.Level, secrets ...boot.Secret) *slog.Logger {
	return boot.NewLogger(in.Err, level, secrets...)
}

// errReported ends a command that has told what is wrong already.
var errReported = errors.New("reported")
