package boot_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/hosts/internal/boot"
)

// settings parses variables, over the hosted ones, and a file, and checks all.
func settings(t *testing.T, vars map[string]string, yaml string) (boot.Settings, error) {
	t.Helper()
	all := hosted()
	all["ARCHIBOT_DATA"] = t.TempDir()
	for name, value := range vars {
		if all[name] = value; value == "-" {
			delete(all, name)
		}
	}
	var args []string
	if yaml != "" {
		path := filepath.Join(t.TempDir(), "config.yaml")
		require.NoError(t, os.WriteFile(path, []byte(yaml), 0o600))
		args = []string{"--config", path}
	}
	var cli boot.Config
	src := boot.NewSource(func(name string) (string, bool) { v, ok := all[name]; return v, ok })
	parser, err := kong.New(&cli, kong.Resolvers(src))
	require.NoError(t, err)
	_, err = parser.Parse(args)
	require.NoError(t, err)
	more := src.Upstreams()
	cli.Providers = src.Providers()
	return cli.Settings(src.Faults(), more...)
}

func TestSettings_Upstreams(t *testing.T) { // W8
	t.Parallel()
	s, err := settings(t, nil, "")
	require.NoError(t, err)
	require.Equal(t, []boot.Upstream{{Name: "upstream", URL: "https://models.example.com/openai/v1", Key: boot.NewSecret("sk-test"), Timeout: 2 * time.Minute}}, s.Upstreams)
	require.Equal(t, 5, s.UpstreamBreaker)

	s, err = settings(t, map[string]string{
		"ARCHIBOT_UPSTREAM_NAME": "main", "ARCHIBOT_UPSTREAM_MODELS": "gpt-*, o3", "ARCHIBOT_UPSTREAM_BREAKER": "0",
		"ARCHIBOT_UPSTREAM_2_URL": "http://two.example.com/v1/", "ARCHIBOT_UPSTREAM_2_KEY": "sk-2", "ARCHIBOT_UPSTREAM_2_TIMEOUT": "7s",
		"ARCHIBOT_UPSTREAM_3_URL": "http://three.example.com/v1", "ARCHIBOT_UPSTREAM_3_KEY": "sk-3-0123456789", "ARCHIBOT_UPSTREAM_3_MODELS": "*",
	}, "")
	require.NoError(t, err)
	require.Equal(t, []boot.Upstream{
		{Name: "main", URL: "https://models.example.com/openai/v1", Key: boot.NewSecret("sk-test"), Timeout: 2 * time.Minute, Models: []string{"gpt-*", "o3"}},
		{Name: "upstream-2", URL: "http://two.example.com/v1", Key: boot.NewSecret("sk-2"), Timeout: 7 * time.Second},
		{Name: "upstream-3", URL: "http://three.example.com/v1", Key: boot.NewSecret("sk-3-0123456789"), Timeout: 2 * time.Minute, Models: []string{"*"}},
	}, s.Upstreams)
	require.Zero(t, s.UpstreamBreaker)
	require.Equal(t, "[redacted]", boot.Redact("sk-3-0123456789", s.Secrets()...))
}

// The list in the file says where, variables may bring the keys.
func TestSettings_UpstreamsInTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(path, []byte("sk-file\n"), 0o600))
	s, err := settings(t, map[string]string{
		"ARCHIBOT_UPSTREAM_URL": "-", "ARCHIBOT_UPSTREAM_KEY": "sk-1", "ARCHIBOT_UPSTREAM_3_KEY_FILE": path, "ARCHIBOT_UPSTREAM_3_TIMEOUT": "9s",
	}, `upstreams:
  - {name: one, url: "https://one.example.com/v1", models: [a, "b*"]}
  - {name: two, url: "https://two.example.com/v1", key_file: `+path+`, timeout: 3s}
  - {url: "https://three.example.com/v1", timeout: 4s}
`)
	require.NoError(t, err)
	require.Equal(t, []boot.Upstream{
		{Name: "one", URL: "https://one.example.com/v1", Key: boot.NewSecret("sk-1"), Timeout: 2 * time.Minute, Models: []string{"a", "b*"}},
		{Name: "two", URL: "https://two.example.com/v1", Key: boot.NewSecret("sk-file"), Timeout: 3 * time.Second},
		{Name: "upstream-3", URL: "https://three.example.com/v1", Key: boot.NewSecret("sk-file"), Timeout: 9 * time.Second},
	}, s.Upstreams)
}

func TestSettings_UpstreamsRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		vars  map[string]string
		yaml  string
		wants []string
	}{
		"all of it at once": {
			map[string]string{
				"ARCHIBOT_UPSTREAM_NAME": "two", "ARCHIBOT_UPSTREAM_MODELS": "a**",
				"ARCHIBOT_UPSTREAM_2_NAME": "two", "ARCHIBOT_UPSTREAM_2_URL": "ftp://x/v1", "ARCHIBOT_UPSTREAM_2_TIMEOUT": "0s", "ARCHIBOT_UPSTREAM_2_MODELS": "a,,b",
				"ARCHIBOT_UPSTREAM_3_NAME": "a b", "ARCHIBOT_UPSTREAM_3_KEY": "a b", "ARCHIBOT_UPSTREAM_BREAKER": "-1",
			},
			"",
			[]string{
				"ARCHIBOT_UPSTREAM_MODELS must list", "ARCHIBOT_UPSTREAM_2_NAME is that of another", "ARCHIBOT_UPSTREAM_2_URL must be", "ARCHIBOT_UPSTREAM_2_KEY is missing",
				"ARCHIBOT_UPSTREAM_2_TIMEOUT must leave", "ARCHIBOT_UPSTREAM_2_MODELS must list", "ARCHIBOT_UPSTREAM_3_NAME is 1 to 64", "ARCHIBOT_UPSTREAM_3_URL is missing",
				"ARCHIBOT_UPSTREAM_3_KEY holds", "ARCHIBOT_UPSTREAM_BREAKER is a number",
			},
		},
		"a gap":             {map[string]string{"ARCHIBOT_UPSTREAM_3_URL": "http://x/v1"}, "", []string{"ARCHIBOT_UPSTREAM_3 and the like are set, but no upstream 2 is"}},
		"too many":          {map[string]string{"ARCHIBOT_UPSTREAM_9_URL": "http://x/v1"}, "", []string{"there may be 8 upstreams"}},
		"a password":        {map[string]string{"ARCHIBOT_UPSTREAM_2_URL": "http://u:p@x/v1"}, "", []string{"ARCHIBOT_UPSTREAM_2_URL must not hold a user or password; set ARCHIBOT_UPSTREAM_2_KEY"}},
		"key twice":         {map[string]string{"ARCHIBOT_UPSTREAM_2_KEY": "k", "ARCHIBOT_UPSTREAM_2_KEY_FILE": "f"}, "", []string{"ARCHIBOT_UPSTREAM_2_KEY and ARCHIBOT_UPSTREAM_2_KEY_FILE are both set"}},
		"only the second":   {map[string]string{"ARCHIBOT_UPSTREAM_URL": "-", "ARCHIBOT_ENVIRONMENT": "local", "ARCHIBOT_LISTEN": "-", "ARCHIBOT_UPSTREAM_2_URL": "http://x/v1"}, "", []string{"ARCHIBOT_UPSTREAM_URL is missing"}},
		"list and setting":  {nil, "upstream_url: http://x/v1\nupstreams: [{url: 'http://y/v1'}]\n", []string{"upstream_url is set twice"}},
		"an unknown field":  {nil, "upstreams: [{uri: 'http://y/v1'}]\n", []string{`an upstream has no field "uri"`}},
		"no list":           {nil, "upstreams: {url: 'http://y/v1'}\n", []string{"upstreams must be a list"}},
		"an empty list":     {nil, "upstreams: []\n", []string{"upstreams must be a list"}},
		"a list of names":   {nil, "upstreams: [one]\n", []string{"an upstream has the fields name"}},
		"a field of fields": {nil, "upstreams: [{}, {url: {a: b}}]\n", []string{"upstream_2_url must be a single value"}},
		"an odd setting":    {nil, "upstream_1_url: http://y/v1\n", []string{`there is no setting "upstream_1_url"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := settings(t, c.vars, c.yaml)
			for _, want := range c.wants {
				require.ErrorContains(t, err, want)
			}
			require.NotContains(t, err.Error(), "u:p@")
		})
	}
}
