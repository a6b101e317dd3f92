package tenants_test

// The rows of the app API's tags whose operations are few.

var sessionRows = map[string]row{
	"GET /api/me":         {good: 200, member: 200},
	"DELETE /api/session": {good: 200, member: 200},
	"GET /api/sessions":   {good: 200, member: 200},
	// A session is its person's alone: to a member of the same account it is as
	// unknown as anybody's.
	"DELETE /api/sessions/{id}": {names: ids{"id": "session"}, good: 204, member: 404, own: 204},
	"PUT /api/session/account":  {names: ids{"account": "account"}, body: `{"account_id":"{account}"}`, good: 200, member: 200},
}

// Signing in asks for no credential: there is none yet. What providers and
// browsers bring is for the suites of signing in; here they bring nothing.
var signInRows = map[string]row{
	"GET /api/providers":                        {good: 200},
	"GET /auth/{provider}/start":                {names: ids{"provider": "=none"}, good: 404},
	"GET /auth/{provider}/callback":             {names: ids{"provider": "=none"}, good: 404},
	"GET /auth/local/{ticket}":                  {names: ids{"ticket": "=x"}, good: 404},
	"POST /auth/{provider}/back-channel-logout": {names: ids{"provider": "=none"}, body: "logout_token=x", form: true, good: 404},
}

var accountRows = map[string]row{
	"GET /api/account": {good: 200, member: 200},
}

var limitRows = map[string]row{
	"GET /api/limits":         {good: 200, member: 403},
	"PUT /api/limits/{whose}": {names: ids{"whose": "=account"}, body: `{"monthly":5000000}`, good: 200, member: 403},
	"PUT /api/limits/{whose} (of)": {names: ids{"whose": "user"}, body: `{"monthly":5000000}`, good: 200, member: 403, except: reasons{
		other: "any user's spending in this account may be capped, also before they are a member",
	}},
	"DELETE /api/limits/{whose}":      {names: ids{"whose": "=account"}, good: 204, member: 403},
	"DELETE /api/limits/{whose} (of)": {names: ids{"whose": "cap"}, good: 204, member: 403},
}

var creditRows = map[string]row{
	"GET /api/credits":           {good: 200, member: 200},
	"GET /api/credits/lots":      {good: 200, member: 200},
	"GET /api/credits/lines":     {good: 200, member: 200},
	"GET /api/credits/statement": {query: "from=2026-01-01T00:00:00Z&to=2099-01-01T00:00:00Z", good: 200, member: 200},
}

var activityRows = map[string]row{
	"GET /api/activity":            {good: 200, member: 200},
	"GET /api/activity (of a key)": {query: "key={key}", names: ids{"key": "key"}, good: 200, member: 200, filter: true, except: reasons{cursors: "looked at without the filter"}},
	"GET /api/activity.csv":        {good: 200, member: 200},
}
