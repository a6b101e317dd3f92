package boot_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/hosts/internal/boot"
)

// load parses args over variables and, if yaml is not empty, a file.
func load(t *testing.T, args []string, vars map[string]string, yaml string) (boot.Config, []error) {
	t.Helper()
	if yaml != "" {
		path := filepath.Join(t.TempDir(), "config.yaml")
		require.NoError(t, os.WriteFile(path, []byte(yaml), 0o600))
		args = append(args, "--config", path)
	}
	var cli struct {
		boot.Config
		Name string `default:"none"`
	}
	src := boot.NewSource(func(name string) (string, bool) { v, ok := vars[name]; return v, ok })
	parser, err := kong.New(&cli, kong.Resolvers(src))
	require.NoError(t, err)
	_, err = parser.Parse(args)
	require.NoError(t, err)
	return cli.Config, src.Faults()
}

// auditKey is a key that signs nothing of worth, auditVerifier its public twin.
const (
	auditKey      = "PRIVATE+KEY+test+0d1197a3+AWgfcPPMlOl0t7mu9/tYiKXXq1B9N/7J3rQCf2NrD0Nt"
	auditVerifier = "test+0d1197a3+AbbEJZKlTwKAMrKsfSF/vQvzjB0iHw+N0XtPdPGVIx4N"
)

const pepper = "v2:0123456789abcdef0123456789abcdef"

func hosted() map[string]string {
	return map[string]string{
		"ARCHIBOT_ENVIRONMENT": "hosted", "ARCHIBOT_LISTEN": ":8080", "ARCHIBOT_DATABASE_URL": "postgres://u:p@db/a",
		"ARCHIBOT_UPSTREAM_URL": "https://models.example.com/openai/v1", "ARCHIBOT_UPSTREAM_KEY": "sk-test", "ARCHIBOT_PRICES": "prices.yaml",
		"ARCHIBOT_PEPPERS": pepper, "ARCHIBOT_AUDIT_KEY": auditKey,
	}
}

func TestConfig_Precedence(t *testing.T) {
	t.Parallel()
	yaml := "listen: 127.0.0.1:3\nareas: [api, chat]\ndrain: 3s\ngrace: 4s\n"
	vars := map[string]string{"ARCHIBOT_LISTEN": "127.0.0.1:2", "ARCHIBOT_GRACE": "2s", "ARCHIBOT_NAME": "not a setting"}
	c, faults := load(t, []string{"--listen=127.0.0.1:1"}, vars, yaml)
	require.Empty(t, faults)
	require.Equal(t, "127.0.0.1:1", c.Listen, "the flag wins")
	require.Equal(t, "2s", c.Grace, "then the variable")
	require.Equal(t, "3s", c.Drain, "then the file")
	require.Equal(t, "api,chat", c.Areas, "a list in the file")
	require.Equal(t, "info", c.LogLevel, "then the default")
}

func TestConfig_SecretFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(path, []byte("from-a-file\r\n"), 0o600))

	c, faults := load(t, nil, map[string]string{"ARCHIBOT_UPSTREAM_KEY_FILE": path}, "upstream_key: from-yaml\n")
	require.Empty(t, faults)
	require.Equal(t, "from-a-file", c.UpstreamKey.Reveal())

	c, faults = load(t, nil, map[string]string{"ARCHIBOT_UPSTREAM_KEY": "from-env"}, "upstream_key_file: "+path+"\n")
	require.Empty(t, faults)
	require.Equal(t, "from-env", c.UpstreamKey.Reveal())

	c, faults = load(t, nil, nil, "upstream_key_file: "+path+"\n")
	require.Empty(t, faults)
	require.Equal(t, "from-a-file", c.UpstreamKey.Reveal())

	_, faults = load(t, nil, map[string]string{"ARCHIBOT_UPSTREAM_KEY_FILE": path, "ARCHIBOT_UPSTREAM_KEY": "k"}, "")
	require.ErrorContains(t, faults[0], "ARCHIBOT_UPSTREAM_KEY and ARCHIBOT_UPSTREAM_KEY_FILE are both set")

	_, faults = load(t, nil, map[string]string{"ARCHIBOT_UPSTREAM_KEY_FILE": path + "x", "ARCHIBOT_PEPPERS_FILE": path + "y"}, "")
	require.Len(t, faults, 2)
}

func TestConfig_FileFaults(t *testing.T) {
	t.Parallel()
	_, faults := load(t, nil, nil, "listn: x\nname: y\nconfig: z\ndrain: {a: b}\n")
	require.Len(t, faults, 4, faults)
	_, faults = load(t, nil, nil, "- upstream_key: canary\n")
	require.ErrorContains(t, faults[0], "not a YAML mapping")
	require.NotContains(t, faults[0].Error(), "canary")
	_, faults = load(t, nil, map[string]string{"ARCHIBOT_CONFIG": "/nowhere/a.yaml"}, "")
	require.ErrorIs(t, faults[0], os.ErrNotExist)
}

func TestConfig_LocalDefaults(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "var")
	c, faults := load(t, nil, map[string]string{"ARCHIBOT_DATA": dir}, "")
	s, err := c.Settings(faults)
	require.NoError(t, err)
	require.Equal(t, boot.Local, s.Environment)
	require.Equal(t, "127.0.0.1:8080", s.Listen)
	require.Equal(t, "sqlite:"+filepath.Join(dir, "archibotchat.db"), s.Database.Reveal())
	require.Equal(t, filepath.Join(dir, "archibotchat.db"), s.File)
	require.Empty(t, s.Upstreams)
	require.Equal(t, "api,chat,operator", s.Areas.String())
	require.Zero(t, s.Drain)
	require.Equal(t, 30*24*time.Hour, s.KeepResponses)
	require.Equal(t, 15*time.Minute, s.Recheck)
	require.Len(t, s.Peppers, 1)

	again, err := c.Settings(nil)
	require.NoError(t, err)
	token := keys.Mint([keys.EntropyLen]byte{1})
	require.Equal(t, s.Peppers[0].Digest(token), again.Peppers[0].Digest(token), "the generated pepper is kept")
	require.Equal(t, s.Audit.Verifier, again.Audit.Verifier, "and so is the key that signs")
	require.Contains(t, s.Audit.Verifier, "archibotchat/local+")
}

func TestConfig_Hosted(t *testing.T) {
	t.Parallel()
	c, faults := load(t, nil, hosted(), "")
	s, err := c.Settings(faults)
	require.NoError(t, err)
	require.Equal(t, 5*time.Second, s.Drain)
	require.Equal(t, 20*time.Second, s.Grace)
	require.Equal(t, "v2", s.Peppers[0].Version)
	require.Equal(t, "[redacted]", boot.Redact(pepper[3:], s.Secrets()...))
	require.Equal(t, "[redacted]", boot.Redact(auditKey, s.Secrets()...))
}

func TestConfig_AllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	for _, empty := range []bool{false, true} {
		vars := map[string]string{
			"ARCHIBOT_ENVIRONMENT": "dedicated", "ARCHIBOT_LISTEN": "nowhere", "ARCHIBOT_AREAS": "chat,shop", "ARCHIBOT_LOG_LEVEL": "loud",
			"ARCHIBOT_GRACE": "-1s", "ARCHIBOT_METRICS_TOKEN": "", "ARCHIBOT_DATABASE_CONNS": "many",
		}
		required := []string{"ARCHIBOT_DATABASE_URL", "ARCHIBOT_UPSTREAM_URL", "ARCHIBOT_UPSTREAM_KEY", "ARCHIBOT_PRICES", "ARCHIBOT_PEPPERS", "ARCHIBOT_AUDIT_KEY"}
		if empty {
			for _, name := range required {
				vars[name] = ""
			}
		}
		c, faults := load(t, nil, vars, "colour: blue\n")
		_, err := c.Settings(faults)
		require.Error(t, err)
		for _, name := range required {
			require.ErrorContains(t, err, name+" is missing or empty: set it to ")
		}
		for name := range vars {
			if name != "ARCHIBOT_ENVIRONMENT" {
				require.ErrorContains(t, err, name+" ")
			}
		}
		require.ErrorContains(t, err, `no setting "colour"`)
		require.Equal(t, 13, strings.Count(err.Error(), "\n")+1, err)
	}
}

func TestConfig_Refuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		vars map[string]string // over the hosted ones; local starts from none
		want string
	}{
		"unknown environment":          {map[string]string{"ARCHIBOT_ENVIRONMENT": "Local"}, "ARCHIBOT_ENVIRONMENT is"},
		"local beyond the machine":     {map[string]string{"ARCHIBOT_ENVIRONMENT": "local"}, "ARCHIBOT_LISTEN must be an address of this machine"},
		"local metrics beyond":         {map[string]string{"ARCHIBOT_ENVIRONMENT": "local", "ARCHIBOT_METRICS_LISTEN": "0.0.0.0:9"}, "ARCHIBOT_METRICS_LISTEN must be an address of this machine"},
		"local, upstream, no price":    {map[string]string{"ARCHIBOT_ENVIRONMENT": "local", "ARCHIBOT_PRICES": ""}, "ARCHIBOT_PRICES is missing"},
		"local, key without URL":       {map[string]string{"ARCHIBOT_ENVIRONMENT": "local", "ARCHIBOT_UPSTREAM_URL": ""}, "ARCHIBOT_UPSTREAM_URL is missing"},
		"local, empty key":             {map[string]string{"ARCHIBOT_ENVIRONMENT": "local", "ARCHIBOT_UPSTREAM_KEY": ""}, "ARCHIBOT_UPSTREAM_KEY is missing or empty"},
		"local, empty peppers":         {map[string]string{"ARCHIBOT_ENVIRONMENT": "local", "ARCHIBOT_PEPPERS": ""}, "ARCHIBOT_PEPPERS is missing or empty"},
		"local, empty database":        {map[string]string{"ARCHIBOT_ENVIRONMENT": "local", "ARCHIBOT_DATABASE_URL": ""}, "ARCHIBOT_DATABASE_URL is missing or empty"},
		"upstream without v1":          {map[string]string{"ARCHIBOT_UPSTREAM_URL": "https://models.example.com"}, "must end in /v1"},
		"upstream scheme":              {map[string]string{"ARCHIBOT_UPSTREAM_URL": "ftp://models.example.com/v1"}, "http or https"},
		"upstream query":               {map[string]string{"ARCHIBOT_UPSTREAM_URL": "https://models.example.com/v1?a=/v1"}, "without query"},
		"upstream password":            {map[string]string{"ARCHIBOT_UPSTREAM_URL": "https://a:b@models.example.com/v1"}, "must not hold a user"},
		"upstream key line break":      {map[string]string{"ARCHIBOT_UPSTREAM_KEY": "a\nb"}, "ARCHIBOT_UPSTREAM_KEY holds"},
		"upstream no time":             {map[string]string{"ARCHIBOT_UPSTREAM_TIMEOUT": "0s"}, "ARCHIBOT_UPSTREAM_TIMEOUT must leave"},
		"upstream time no unit":        {map[string]string{"ARCHIBOT_UPSTREAM_TIMEOUT": "120"}, "ARCHIBOT_UPSTREAM_TIMEOUT"},
		"providers asked all the time": {map[string]string{"ARCHIBOT_RECHECK": "999ms"}, "ARCHIBOT_RECHECK is a time"},
		"providers asked too seldom":   {map[string]string{"ARCHIBOT_RECHECK": "16m"}, "ARCHIBOT_RECHECK is a time"},
		"responses kept not at all":    {map[string]string{"ARCHIBOT_KEEP_RESPONSES": "59m"}, "ARCHIBOT_KEEP_RESPONSES is a time"},
		"responses kept for ever":      {map[string]string{"ARCHIBOT_KEEP_RESPONSES": "87601h"}, "ARCHIBOT_KEEP_RESPONSES is a time"},
		"responses kept in days":       {map[string]string{"ARCHIBOT_KEEP_RESPONSES": "30d"}, "ARCHIBOT_KEEP_RESPONSES is a time"},
		"short pepper":                 {map[string]string{"ARCHIBOT_PEPPERS": "v1:short"}, "ARCHIBOT_PEPPERS must be"},
		"local, empty audit key":       {map[string]string{"ARCHIBOT_ENVIRONMENT": "local", "ARCHIBOT_AUDIT_KEY": ""}, "ARCHIBOT_AUDIT_KEY is missing or empty"},
		"audit key":                    {map[string]string{"ARCHIBOT_AUDIT_KEY": "v1:short"}, "ARCHIBOT_AUDIT_KEY must be a key that archibotchat audit key has made"},
		"audit key, verifier only":     {map[string]string{"ARCHIBOT_AUDIT_KEY": auditVerifier}, "ARCHIBOT_AUDIT_KEY must be a key"},
		"audit key, two that sign":     {map[string]string{"ARCHIBOT_AUDIT_KEY": auditKey + "," + auditKey}, "ARCHIBOT_AUDIT_KEY must be a key"},
		"other database":               {map[string]string{"ARCHIBOT_DATABASE_URL": "mysql://db"}, "ARCHIBOT_DATABASE_URL must start"},
		"memory database":              {map[string]string{"ARCHIBOT_DATABASE_URL": "sqlite:"}, "plain file"},
		"database options":             {map[string]string{"ARCHIBOT_DATABASE_URL": "sqlite:a.db?mode=memory"}, "plain file"},
		"no data folder":               {map[string]string{"ARCHIBOT_DATA": ""}, "ARCHIBOT_DATA must name"},
		"short token":                  {map[string]string{"ARCHIBOT_METRICS_TOKEN": "short"}, "ARCHIBOT_METRICS_TOKEN is shorter"},
		"port":                         {map[string]string{"ARCHIBOT_LISTEN": ":70000"}, "ARCHIBOT_LISTEN is host:port"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vars := hosted()
			vars["ARCHIBOT_DATA"] = t.TempDir()
			for k, v := range c.vars {
				vars[k] = v
			}
			config, faults := load(t, nil, vars, "")
			_, err := config.Settings(faults)
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "v1:short")
		})
	}
}
