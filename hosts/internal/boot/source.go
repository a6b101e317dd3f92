package boot

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	"gopkg.in/yaml.v3"
)

// maxFile bounds a configuration file and a secret's file, in bytes.
const maxFile = 1 << 20

// Source fills flags that were not given: from the ARCHIBOT_ variable of the
// same name, else from the YAML file that --config names. It concerns only
// flags with a config tag; with config:"secret" the variable's twin NAME_FILE,
// or the file's key name_file, may name a file that holds the value.
//
// It notes faults rather than failing, so that all can be told at once; see
// Faults. (kong's own env tag cannot be used: it yields to resolvers, and its
// errors repeat the value.)
type Source struct {
	environ func(string) (string, bool)
	values  map[string]yaml.Node
	loaded  bool
	faults  []error
}

var _ kong.Resolver = (*Source)(nil)

// NewSource returns a source that looks variables up in environ.
func NewSource(environ func(string) (string, bool)) *Source { return &Source{environ: environ} }

// Variable returns the name of the variable that sets a flag.
func Variable(flag string) string {
	return "ARCHIBOT_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func key(flag string) string { return strings.ReplaceAll(flag, "-", "_") }

// Faults returns what was wrong with variables and file.
func (s *Source) Faults() []error { return s.faults }

// Validate implements kong.Resolver.
func (s *Source) Validate(*kong.Application) error { return nil }

// Resolve returns the value of a flag that was not given, or nil. It never
// fails.
func (s *Source) Resolve(ctx *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if !flag.Tag.Has("config") {
		return nil, nil
	}
	if !s.loaded {
		s.loaded = true
		s.load(ctx)
	}
	if text, ok := s.find(flag.Name, flag.Tag.Get("config") == "secret"); ok {
		return text, nil
	}
	return nil, nil
}

// find returns the text of a setting from its variable, else from the file.
func (s *Source) find(name string, secret bool) (string, bool) {
	for _, from := range []struct {
		name string
		find func(string) (string, bool)
		file string
	}{
		{Variable(name), s.environ, "_FILE"},
		{key(name), s.fromFile, "_file"},
	} {
		text, ok := from.find(from.name)
		if secret {
			path, also := from.find(from.name + from.file)
			switch {
			case ok && also:
				s.fault("%s and %s%s are both set; set one", from.name, from.name, from.file)
			case also:
				text, ok = s.read(from.name+from.file, path), true
			}
		}
		if ok {
			return text, true
		}
	}
	return "", false
}

func (s *Source) fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Errorf(format, args...))
}

// read returns the text of a secret's file without its last line break.
func (s *Source) read(name, path string) string {
	text, err := readFile(path)
	if err != nil {
		s.fault("%s: %w", name, err)
		return "unreadable" // the fault stops the start; emptiness would be told as a second one
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
}

// load reads the file named by --config or ARCHIBOT_CONFIG, and faults every
// key in it that no flag has.
func (s *Source) load(ctx *kong.Context) {
	path, _ := s.environ(Variable("config"))
	known := map[string]bool{}
	for _, group := range ctx.Model.AllFlags(false) {
		for _, f := range group {
			if f.Tag.Has("config") && f.Name != "config" {
				known[key(f.Name)] = true
				if f.Tag.Get("config") == "secret" {
					known[key(f.Name)+"_file"] = true
				}
			}
		}
	}
	for _, p := range ctx.Path {
		if p.Flag != nil && p.Flag.Name == "config" {
			path, _ = ctx.FlagValue(p.Flag).(string)
		}
	}
	if path == "" {
		return
	}
	text, err := readFile(path)
	if err != nil {
		s.fault("the configuration file: %w", err)
		return
	}
	if err := yaml.Unmarshal(text, &s.values); err != nil {
		s.fault("the configuration file %s is not a YAML mapping of settings", path) // the cause might quote a secret
		return
	}
	s.spread(path, upstreamList)
	s.spread(path, providerList)
	for name, node := range s.values {
		if !known[name] && !upstreamList.holds(name) && !providerList.holds(name) && !providerList.begins(name) {
			s.fault("%s, line %d: there is no setting %q", path, node.Line, name)
		}
	}
}

// fromFile returns a setting of the file: a scalar, or a list joined by commas.
func (s *Source) fromFile(name string) (string, bool) {
	node, ok := s.values[name]
	if !ok {
		return "", false
	}
	if node.Kind == yaml.ScalarNode {
		return node.Value, true
	}
	if node.Kind == yaml.SequenceNode {
		var parts []string
		for _, n := range node.Content {
			parts = append(parts, n.Value)
		}
		return strings.Join(parts, ","), true
	}
	s.fault("line %d of the configuration file: %s must be a single value or a list", node.Line, name)
	return "", false
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = errors.New(path + " is larger than 1 MiB")
	}
	return text, err
}
