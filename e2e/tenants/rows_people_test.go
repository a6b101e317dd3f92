package tenants_test

var memberRows = map[string]row{
	"GET /api/members":              {good: 200, member: 403},
	"PATCH /api/members/{user_id}":  {names: ids{"user_id": "member"}, body: `{"role":"member"}`, good: 200, member: 403},
	"DELETE /api/members/{user_id}": {names: ids{"user_id": "member"}, good: 204, member: 403},
	"GET /api/invitations":          {good: 200, member: 403},
	"POST /api/invitations":         {body: `{"email":"guest@matrix.example","role":"member"}`, good: 201, member: 403},
	"DELETE /api/invitations/{id}":  {names: ids{"id": "invitation"}, good: 204, member: 403},
	// A token that nobody was given; those of others are in hosts/api.
	"POST /api/invitations/accept": {body: `{"token":"x"}`, good: 404, member: 404},
}

var setupRows = map[string]row{
	"GET /api/setup":                  {good: 200, member: 200},
	"PUT /api/setup":                  {body: `{"intended_use":"x","notifications":"all","files":"none"}`, good: 200, member: 403},
	"POST /api/setup/acknowledgement": {body: `{"version":"v1"}`, good: 200, member: 403},
}

var accessRows = map[string]row{
	"GET /api/access-requests/challenge": {good: 200},
	"POST /api/access-requests":          {body: `{}`, good: 422},
	"GET /api/access-requests/mine":      {good: 404, member: 404},
}

var operatorRows = map[string]row{
	"GET /api/operator/access-requests":               {good: 200, staff: true},
	"GET /api/operator/access-requests/{id}":          {names: ids{"id": "access request"}, good: 200, staff: true},
	"POST /api/operator/access-requests/{id}/approve": {names: ids{"id": "access request"}, body: `{}`, good: 200, staff: true},
	"POST /api/operator/access-requests/{id}/deny":    {names: ids{"id": "access request"}, body: `{"reason":"x"}`, good: 200, staff: true},
	"POST /api/operator/access-requests/{id}/reopen":  {names: ids{"id": "denied request"}, good: 200, staff: true},
}
