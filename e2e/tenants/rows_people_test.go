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
	"POST /api/setup/acknowledgement": {body: `{"version":"v1"}`, good: 409, member: 403}, // nothing is to be acknowledged there
}

var accessRows = map[string]row{
	"GET /api/access-requests/challenge": {good: 200},
	"POST /api/access-requests":          {body: `{}`, good: 422},
	"GET /api/access-requests/mine":      {good: 404, member: 404},
}

// staff says why a row has no more columns: nobody of an account gets past the
// operators' gate, whatever it is on.
var staff = reasons{member: "administrators are refused alike", cursors: "nobody here gets a page"}

var operatorRows = map[string]row{
	"GET /api/operator/access-requests":               {good: 403, member: 403, staff: true, except: staff},
	"GET /api/operator/access-requests/{id}":          {names: ids{"id": "=acr_" + nothing}, good: 403, member: 403, staff: true, except: staff},
	"POST /api/operator/access-requests/{id}/approve": {names: ids{"id": "=acr_" + nothing}, body: `{}`, good: 403, member: 403, staff: true, except: staff},
	"POST /api/operator/access-requests/{id}/deny":    {names: ids{"id": "=acr_" + nothing}, body: `{"reason":"x"}`, good: 403, member: 403, staff: true, except: staff},
	"POST /api/operator/access-requests/{id}/reopen":  {names: ids{"id": "=acr_" + nothing}, good: 403, member: 403, staff: true, except: staff},
}
