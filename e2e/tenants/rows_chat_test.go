package tenants_test

// Conversations are their person's alone: to a member of the same account, and
// to its administrators, they are as unknown as anybody's.
var chatRows = map[string]row{
	"GET /api/models":                                    {good: 200, member: 200},
	"GET /api/threads":                                   {good: 200, member: 200},
	"GET /api/threads (searched)":                        {query: "q=needle", good: 200, member: 200},
	"POST /api/threads":                                  {body: `{}`, good: 201, member: 201},
	"GET /api/threads/{thread}":                          {names: ids{"thread": "thread"}, good: 200, member: 404, own: 200},
	"PATCH /api/threads/{thread}":                        {names: ids{"thread": "thread"}, body: `{"pinned":true}`, good: 200, member: 404, own: 200},
	"DELETE /api/threads/{thread}":                       {names: ids{"thread": "thread"}, good: 204, member: 404, own: 204},
	"POST /api/threads/{thread}/restore":                 {names: ids{"thread": "thread"}, body: `{}`, good: 200, member: 404, own: 200},
	"GET /api/threads/{thread}/export":                   {names: ids{"thread": "thread"}, good: 200, member: 404, own: 200},
	"GET /api/threads/{thread}/messages":                 {names: ids{"thread": "thread"}, good: 200, member: 404, own: 200},
	"GET /api/threads/{thread}/export (as data)":         {names: ids{"thread": "thread"}, query: "format=json", good: 200, member: 404, own: 200},
	"GET /api/threads/{thread}/messages (before)":        {names: ids{"thread": "thread", "message": "answer"}, query: "before={message}", good: 200, member: 404, own: 200},
	"GET /api/threads/{thread}/messages (at)":            {names: ids{"thread": "thread", "message": "question"}, query: "at={message}", good: 200, member: 404, own: 200},
	"PUT /api/threads/{thread}/head":                     {names: ids{"thread": "thread", "message": "question"}, body: `{"message":"{message}"}`, good: 200, member: 404, own: 200},
	"POST /api/threads/{thread}/turns":                   {names: ids{"thread": "thread"}, body: `{"key":"another-key","text":"Say more."}`, good: 201, member: 404, own: 201},
	"POST /api/threads/{thread}/turns (that goes on)":    {names: ids{"thread": "thread", "message": "answer"}, body: `{"key":"another-key","text":"Say more.","parent":"{message}"}`, good: 201, member: 404, own: 201},
	"POST /api/threads/{thread}/turns (that is retried)": {names: ids{"thread": "thread", "message": "question"}, body: `{"key":"another-key","question":"{message}"}`, good: 201, member: 404, own: 201},
	"GET /api/turns/{turn}":                              {names: ids{"turn": "turn"}, good: 200, member: 404, own: 200},
	"POST /api/turns/{turn}/stop":                        {names: ids{"turn": "turn"}, body: `{}`, good: 200, member: 404, own: 200},
	"GET /api/turns/{turn}/stream": {names: ids{"turn": "turn"}, good: 200, member: 404, own: 200, except: reasons{
		cursors: "it is a place in one text, not in a list",
	}},
	"GET /api/prompts":                       {good: 200, member: 200},
	"POST /api/prompts":                      {body: `{"title":"one","text":"of the matrix"}`, good: 201, member: 201},
	"PATCH /api/prompts/{prompt}":            {names: ids{"prompt": "prompt"}, body: `{"title":"another"}`, good: 200, member: 404, own: 200},
	"DELETE /api/prompts/{prompt}":           {names: ids{"prompt": "prompt"}, good: 204, member: 404, own: 204},
	"GET /api/drafts/{thread}":               {names: ids{"thread": "thread"}, good: 200, member: 404, own: 200},
	"PUT /api/drafts/{thread}":               {names: ids{"thread": "thread"}, body: `{"text":"not sent yet"}`, good: 204, member: 404, own: 204},
	"GET /api/drafts/{thread} (of the next)": {names: ids{"thread": "=new"}, good: 200, member: 200},
	"PUT /api/drafts/{thread} (of the next)": {names: ids{"thread": "=new"}, body: `{"text":"not sent yet"}`, good: 204, member: 204},
}

// talk is a conversation of somebody, with one turn that has ended.
type talk struct{ thread, turn, question, answer string }
