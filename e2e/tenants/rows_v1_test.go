package tenants_test

var modelRows = map[string]row{
	"GET /v1/models":      {good: 200},
	"GET /v1/models/{id}": {names: ids{"id": "model"}, good: 200},
}

var inferenceRows = map[string]row{
	"POST /v1/chat/completions": {body: `{"model":"tok","messages":[{"role":"user","content":"Say a few words."}]}`, good: 200},
	"POST /v1/embeddings":       {body: `{"model":"tok","input":"A few words."}`, good: 200},
	"POST /v1/responses":        {body: `{"model":"tok","input":"Say a few words."}`, good: 200},
	"POST /v1/responses (after one)": {
		names: ids{"previous": "response"}, body: `{"model":"tok","input":"Say more.","previous_response_id":"{previous}"}`, good: 200,
	},
}

var responseRows = map[string]row{
	"GET /v1/responses/{id}":         {names: ids{"id": "response"}, good: 200},
	"DELETE /v1/responses/{id}":      {names: ids{"id": "response"}, good: 200},
	"POST /v1/responses/{id}/cancel": {names: ids{"id": "response"}, good: 200},
	"GET /v1/responses/{id}/input_items": {names: ids{"id": "response"}, good: 200, except: reasons{
		cursors: "the cursor names an item within the response, which is looked up by its own ID first",
	}},
}
