package api

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/archibot/archibotchat/core/app/activity"
	"github.com/archibot/archibotchat/core/app/credits"
	"github.com/archibot/archibotchat/core/app/keyring"
	"github.com/archibot/archibotchat/core/app/limits"
	"github.com/archibot/archibotchat/core/app/members"
	"github.com/archibot/archibotchat/core/app/models"
	"github.com/archibot/archibotchat/core/app/requests"
	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/core/app/setup"
	"github.com/archibot/archibotchat/core/app/signin"
	"github.com/archibot/archibotchat/core/app/threads"
	"github.com/archibot/archibotchat/core/app/turns"
	"github.com/archibot/archibotchat/core/audit"
	"github.com/archibot/archibotchat/hosts/edge"
	port "github.com/archibot/archibotchat/ports/limits"
)

// Recorder takes the events of refusals without waiting; *activity.Folder is
// one.
type Recorder interface {
	Refused(e audit.Event)
	// RefusedFrom is for those whose account is not known; where they came from
	// tells them apart, and is not kept.
	RefusedFrom(e audit.Event, from netip.Addr)
}

// Config is what the API stands on. All fields are needed, save Leaks and Secure.
type Config struct {
	Sessions *sessions.Service
	SignIn   *signin.Service
	Gate     *sessions.Gate
	Members  *members.Service
	Setup    *setup.Service
	Requests *requests.Service
	Keyring  *keyring.Service
	Limits   *limits.Service
	Credits  *credits.Service
	Activity *activity.Service
	Models   *models.Service
	Threads  *threads.Service
	Turns    *turns.Service
	Recorder Recorder
	Log      *slog.Logger
	// Edge is what the site's surfaces have in common.
	Edge *edge.Edge
	// Leaks says whose reports of leaked keys are believed; nobody's if zero.
	Leaks Leaks
	// Attempts bounds what strangers may try; who fails to be counted by it is
	// let in nowhere.
	Attempts port.Limiter
	// Secure is true wherever browsers reach the API over TLS. Without it the
	// session cookie has no __Host- prefix: for plain HTTP on loopback only.
	Secure bool
	// Base returns where browsers reach the site, scheme and host: providers
	// send people back to it.
	Base func() string
}

// Version is the version of the API's description.
const Version = "0.1.0"

type server struct {
	Config
	api huma.API
	mux *http.ServeMux
}

// New returns the handler of everything under /api and /auth.
func New(c Config) http.Handler {
	return newServer(c).handler()
}

func newServer(c Config) *server {
	s := &server{Config: c, mux: http.NewServeMux()}
	s.api = humago.New(s.mux, s.humaConfig())
	s.api.UseMiddleware(s.authenticate)
	s.registerMe()
	s.registerAccount()
	s.registerKeys()
	s.registerLimits()
	s.registerCredits()
	s.registerStatement()
	s.registerActivity()
	s.registerSession()
	s.registerMembers()
	s.registerInvitations()
	s.registerSetup()
	s.registerRequests()
	s.registerOperator()
	s.registerProviders()
	s.registerSignIn()
	s.registerLeaks()
	s.registerChatModels()
	s.registerThreads()
	s.registerThreadExport()
	s.registerMessages()
	s.registerTurns()
	s.registerPrompts()
	return s
}

// wholeJSON is JSON whose text is UTF-8 throughout (RFC 8259, 8.1): the decoder
// would put U+FFFD in the place of what is not, and keep what nobody wrote.
var wholeJSON = huma.Format{
	Marshal: huma.DefaultJSONFormat.Marshal,
	Unmarshal: func(data []byte, v any) error {
		if !utf8.Valid(data) {
			return errNotUTF8
		}
		return huma.DefaultJSONFormat.Unmarshal(data, v)
	},
}

var errNotUTF8 = errors.New("the body is not UTF-8")

// humaConfig leaves out what Huma would add by itself: links in bodies, and
// routes for documents.
func (s *server) humaConfig() huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0", // Downgrade knows this text only
			Info: &huma.Info{
				Title:   "ArchibotChat app API",
				Version: Version,
				Description: "What a signed-in person can do. Amounts are integers in microcredits; 1 credit is 1,000,000 microcredits. " +
					"Times are RFC 3339 in UTC. Lists are paged: pass next_cursor as cursor until there is none. " +
					"Every answer carries x-request-id; failures are problem documents (RFC 9457) with a stable code. " +
					"A session ends when it was not used for a while; a GET with the header " + Background + ": 1 is no use of it, so that a page may ask for news by itself.",
			},
			Servers: []*huma.Server{{URL: "/"}},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					sessionScheme: {Type: "apiKey", In: "cookie", Name: CookieName(s.Secure), Description: "The session cookie, set at sign-in."},
					reportScheme:  {Type: "http", Scheme: "bearer", Description: "The token for reports of leaked keys; a signed report needs none."},
				},
			},
			Tags: []*huma.Tag{
				{Name: "Sign-in", Description: "How people get in. The routes under /auth are for browsers, which they lead on, and for providers."},
				{Name: "Session", Description: "Who is signed in, and what they may use."},
				{Name: "Account", Description: "The account the session is for."},
				{Name: "Members", Description: "Who belongs to the account, and who is invited to."},
				{Name: "Setup", Description: "What the account settles before it begins."},
				{Name: "Chat", Description: "Conversations in the browser. They are the signed-in person's own: everybody else's are as unknown."},
				{Name: "Keys", Description: "API keys for /v1."},
				{Name: "Limits", Description: "Budgets of the account, and caps of members and keys."},
				{Name: "Credits", Description: "Balance, lots, ledger lines and statements."},
				{Name: "Activity", Description: "What happened, as evidence."},
				{Name: "Access", Description: "How strangers ask to be let in."},
				{Name: "Operator", Description: "For those who run the environment."},
				{Name: "Reports", Description: "For secret scanners that find a key where it should not be."},
			},
		},
		Formats:                      map[string]huma.Format{"application/json": wholeJSON, "json": wholeJSON},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{toProblem},
	}
}
