package tenants_test

var keyRows = map[string]row{
	"GET /api/keys":              {good: 200, member: 200},
	"POST /api/keys":             {body: `{"name":"another"}`, good: 201, member: 201},
	"GET /api/keys/{id}":         {names: ids{"id": "key"}, good: 200, member: 200},
	"PATCH /api/keys/{id}":       {names: ids{"id": "key"}, body: `{"models":["test"],"limits":{"monthly":1}}`, good: 200, member: 403, own: 200},
	"POST /api/keys/{id}/rotate": {names: ids{"id": "key"}, body: `{}`, good: 201, member: 403, own: 201},
	"GET /api/keys/{id}/usage":   {names: ids{"id": "key"}, good: 200, member: 403, own: 200},
	"DELETE /api/keys/{id}":      {names: ids{"id": "key"}, good: 200, member: 403, own: 200},
	// Who reports signs, or shows a token: nobody's session or key is of use.
	"POST /api/leaked-keys": {body: `[{"token":"x"}]`, good: 401},
}
