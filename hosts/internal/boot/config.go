package boot

import (
	"log/slog"
	"net/url"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/app/setup"
	"github.com/archibot/archibotchat/core/keys"
	"github.com/archibot/archibotchat/hosts/edge"
)

// Config is what an operator may set, as text. Embed it in a kong command
// line together with a [Source].
type Config struct {
	Config          string `config:"" placeholder:"FILE" help:"YAML file with settings; its keys are the names of these flags with _ for -."`
	Environment     string `config:"" default:"local" placeholder:"NAME" help:"local, hosted or dedicated. Local makes up what is missing and listens on this machine only."`
	Listen          string `config:"" default:"127.0.0.1:8080" placeholder:"ADDRESS" help:"Address to serve on, host:port; port 0 picks one."`
	PublicURL       string `config:"" name:"public-url" placeholder:"URL" help:"Where browsers reach the service, such as https://chat.example.com. Requests of browsers to any other host are refused."`
	TrustedProxies  string `config:"" placeholder:"LIST" help:"Networks of the proxies before this server, such as 192.0.2.0/24. What they write into X-Forwarded-For or Forwarded says where a request came from; anybody else's word is ignored."`
	Data            string `config:"" default:"./var" placeholder:"FOLDER" help:"Folder for the SQLite database and, in local, generated secrets."`
	DatabaseURL     Secret `config:"secret" name:"database-url" placeholder:"URL" help:"postgres://… or sqlite:FILE (in the data folder unless absolute). Local: sqlite:archibotchat.db."`
	UpstreamURL     string `config:"" name:"upstream-url" placeholder:"URL" help:"OpenAI base URL of the models; ends in /v1. Local: the built-in demo upstream."`
	UpstreamKey     Secret `config:"secret" placeholder:"KEY" help:"Key sent to the upstream. Prefer the variable or its _FILE twin: flags are visible to others on the machine."`
	UpstreamTimeout string `config:"" name:"upstream-timeout" default:"120s" placeholder:"DURATION" help:"How long the upstream may take to begin its answer."`
	UpstreamName    string `config:"" name:"upstream-name" default:"upstream" placeholder:"NAME" help:"Its name in logs. Keep it: what an upstream made is found by it."`
	UpstreamModels  string `config:"" name:"upstream-models" placeholder:"LIST" help:"Models that it serves, or prefixes that end in *; all unless said. Further upstreams, asked in order: ARCHIBOT_UPSTREAM_2_URL, _KEY, _TIMEOUT, _NAME, _MODELS and so on, or the list upstreams in the configuration file."`
	UpstreamBreaker string `config:"" name:"upstream-breaker" default:"5" placeholder:"N" help:"Failures in a row after which an upstream is left alone for a moment; 0: never."`
	Prices          string `config:"" placeholder:"FILE" help:"Price book, YAML. Local with the demo upstream: its built-in book."`
	Peppers         Secret `config:"secret" placeholder:"LIST" help:"version:secret,… under which API keys are digested, the current one first. Local: generated in the data folder."`
	AuditKey        Secret `config:"secret" placeholder:"KEY" help:"Key that signs the audit log, made by archibotchat audit key; verifiers of earlier keys may follow it. Local: generated in the data folder."`
	Areas           string `config:"" default:"chat,api,operator" placeholder:"LIST" help:"Areas this environment offers."`
	Boundary        string `config:"" default:"not-required" placeholder:"RULE" help:"not-required, or required: chat and API stay shut to an account until an administrator of it has acknowledged where its data goes."`
	BoundaryVersion string `config:"" placeholder:"NAME" help:"Version of what is to be acknowledged; a new one closes chat and API until it is acknowledged too."`
	BoundaryText    string `config:"" placeholder:"FILE" help:"What is to be read and acknowledged: a text file, Markdown."`
	LeakKeys        string `config:"" placeholder:"FILE" help:"Public keys of those whose signed reports of leaked keys are believed, JSON as GitHub's secret scanning publishes its own."`
	LeakToken       Secret `config:"secret" placeholder:"TOKEN" help:"Bearer token for reports of leaked keys that are not signed, at least 16 characters; without it they are refused."`
	LogLevel        string `config:"" default:"info" placeholder:"LEVEL" help:"debug, info, warn or error."`
	MetricsListen   string `config:"" placeholder:"ADDRESS" help:"Serve /metrics on this address of its own."`
	MetricsToken    Secret `config:"secret" placeholder:"TOKEN" help:"Bearer token for /metrics, at least 16 characters. Outside local /metrics needs this or an address of its own."`
	Drain           string `config:"" placeholder:"DURATION" help:"How long to answer /readyz with 503 before closing listeners. 5s; local: 0s."`
	Grace           string `config:"" default:"20s" placeholder:"DURATION" help:"How long open requests may go on after that."`
	Recheck         string `config:"" default:"15m" placeholder:"DURATION" help:"How often identity providers are asked whether people may still come in, 1s to 15m. One that does not answer for twice as long ends their sessions."`
	KeepResponses   string `config:"" name:"keep-responses" default:"720h" placeholder:"DURATION" help:"How long stored responses are known; as long as the upstream keeps them."`
	// Providers have no flags: take them from Source.Providers.
	Providers     []ProviderText `kong:"-"`
	DatabaseConns string         `config:"" default:"16" placeholder:"N" help:"Most connections to the database."`
}

// Environment names a deployment; a database belongs to one.
type Environment string

// The environments.
const (
	Local     Environment = "local"
	Hosted    Environment = "hosted"
	Dedicated Environment = "dedicated"
)

// Base is what every command needs that works on the database.
type Base struct {
	Environment Environment
	Data        string
	Database    Secret // postgres://… or sqlite:/absolute/path, a URL
	File        string // the path of SQLite; empty: Postgres
	Conns       int
	LogLevel    slog.Level
}

// Secrets lists the configured texts that must never show up in a log.
func (b Base) Secrets() []Secret {
	out := []Secret{}
	if u, err := url.Parse(b.Database.Reveal()); err == nil && u.User != nil {
		password, _ := u.User.Password()
		out = append(out, NewSecret(password))
	}
	return out
}

// Settings is what a server needs, checked.
type Settings struct {
	Base
	Listen    string
	PublicURL *url.URL // scheme and host; nil: not known
	// TrustedProxies are those whose word is taken on where a request came from.
	TrustedProxies edge.Proxies
	Upstreams      []Upstream // in the order in which they are asked; none: the demo upstream
	Providers      []Provider // who signs people in; none: nobody does, but for links in local
	Prices         string     // empty: the demo upstream's own book
	Peppers        keys.Peppers
	Audit          AuditKey
	Areas          access.Groups
	Boundary       setup.Boundary // what accounts must acknowledge
	MetricsListen  string
	MetricsToken   Secret
	Reporters      keys.Reporters // whose signed reports of leaked keys are believed
	LeakToken      Secret
	Drain, Grace   time.Duration
	Recheck        time.Duration // how often providers are asked about sessions
	KeepResponses  time.Duration // how long stored responses are known
	// UpstreamBreaker is after how many failures in a row an upstream is left
	// alone; 0: never.
	UpstreamBreaker int
	pepperTexts     []Secret // as configured, for Secrets
	auditText       Secret
}

// Secrets lists the configured texts that must never show up in a log.
func (s Settings) Secrets() []Secret {
	out := append(s.Base.Secrets(), s.MetricsToken, s.LeakToken)
	for _, u := range s.Upstreams {
		out = append(out, u.Key)
	}
	for _, p := range s.Providers {
		out = append(out, p.ClientSecret)
	}
	return append(append(out, s.auditText), s.pepperTexts...)
}
