package inference_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/inference"
)

// chat returns a chat request with the members given beside model and messages.
func chat(members string) string {
	return `{"model":"m","messages":[],` + members + `}`
}

// response returns a responses request with the members given beside model.
func response(members string) string {
	return `{"model":"m",` + members + `}`
}

func TestScan_Accepts(t *testing.T) {
	t.Parallel()
	type call = inference.Call
	tests := map[string]struct {
		route inference.Route
		body  string
		want  call
	}{
		"least chat":       {inference.ChatCompletions, `{"model":"m","messages":[]}`, call{Model: "m", N: 1}},
		"white space":      {inference.ChatCompletions, " \n{ \"model\" :\t\"m\" , \"messages\" : [ ] }\r\n", call{Model: "m", N: 1}},
		"escaped key":      {inference.ChatCompletions, `{"\u006dodel":"m\u002f\u00e9\ud83d\ude00\n","messages":[]}`, call{Model: "m/é😀\n", N: 1}},
		"nulls":            {inference.ChatCompletions, chat(`"stream":null,"stream_options":null,"n":null,"max_tokens":null,"store":null`), call{Model: "m", N: 1}},
		"larger limit":     {inference.ChatCompletions, chat(`"max_tokens":7,"max_completion_tokens":9,"n":128`), call{Model: "m", N: 128, OutputLimit: 9}},
		"larger first":     {inference.ChatCompletions, chat(`"max_tokens":9,"max_completion_tokens":7`), call{Model: "m", N: 1, OutputLimit: 9}},
		"largest limit":    {inference.ChatCompletions, chat(`"max_tokens":9223372036854775807`), call{Model: "m", N: 1, OutputLimit: math.MaxInt64}},
		"zero limit":       {inference.ChatCompletions, chat(`"max_tokens":0`), call{Model: "m", N: 1}},
		"stream":           {inference.ChatCompletions, chat(`"stream":true`), call{Model: "m", N: 1, Stream: true}},
		"stream and usage": {inference.ChatCompletions, chat(`"stream":true,"stream_options":{"include_usage":true}`), call{Model: "m", N: 1, Stream: true, IncludeUsage: true}},
		"big numbers":      {inference.ChatCompletions, chat(`"temperature":1e400,"seed":-123456789012345678901234567890.5E-7,"z":-0`), call{Model: "m", N: 1}},
		"unread field of another route": {
			inference.ChatCompletions, chat(`"max_output_tokens":"x","background":7,"Max_Output_Tokens":1`),
			call{Model: "m", N: 1},
		},
		"twin deeper down":      {inference.ChatCompletions, chat(`"x":{"Model":1,"model":2},"y":{"a":{"a":1}},"z":[{"a":1},{"a":1}]`), call{Model: "m", N: 1}},
		"NUL where we read not": {inference.ChatCompletions, chat(`"x":"\u0000"`), call{Model: "m", N: 1}},
		"depth 128":             {inference.ChatCompletions, chat(`"x":` + strings.Repeat("[", 127) + strings.Repeat("]", 127)), call{Model: "m", N: 1}},
		"longest model":         {inference.Embeddings, `{"model":"` + strings.Repeat("m", 256) + `"}`, call{Model: strings.Repeat("m", 256), N: 1}},
		"embeddings":            {inference.Embeddings, `{"model":"m","input":[1,2],"stream":false}`, call{Model: "m", N: 1}},
		"response": {
			inference.Responses, response(`"input":"hi","stream":true,"stream_options":{"include_obfuscation":false},"max_output_tokens":5,"background":false,"store":true`),
			call{Model: "m", N: 1, Stream: true, OutputLimit: 5},
		},
		"response without input":    {inference.Responses, `{"model":"m"}`, call{Model: "m", N: 1}},
		"background":                {inference.Responses, response(`"background":true`), call{Model: "m", N: 1, Background: true}},
		"previous response":         {inference.Responses, response(`"previous_response_id":"resp_1"`), call{Model: "m", N: 1, PreviousResponse: true, PreviousID: "resp_1"}},
		"escaped previous response": {inference.Responses, response(`"previous_response_id":"resp\u005f1"`), call{Model: "m", N: 1, PreviousResponse: true, PreviousID: "resp_1"}},
		"empty previous response":   {inference.Responses, response(`"previous_response_id":""`), call{Model: "m", N: 1, PreviousResponse: true}},
		"path as previous response": {inference.Responses, response(`"previous_response_id":"../models"`), call{Model: "m", N: 1, PreviousResponse: true}},
		"long previous response":    {inference.Responses, response(`"previous_response_id":"` + strings.Repeat("r", 257) + `"`), call{Model: "m", N: 1, PreviousResponse: true}},
		"endless previous response": {inference.Responses, response(`"previous_response_id":"` + strings.Repeat("r", 1<<20) + `"`), call{Model: "m", N: 1, PreviousResponse: true}},
		"not to be stored":          {inference.Responses, response(`"store":false`), call{Model: "m", N: 1, Unstored: true}},
		"null store is the default": {inference.Responses, response(`"store": null`), call{Model: "m", N: 1}},
		"null previous response":    {inference.Responses, response(`"previous_response_id":null,"conversation":null,"prompt":null,"input":null`), call{Model: "m", N: 1}},
		"conversation by id":        {inference.Responses, response(`"conversation":"conv_1"`), call{Model: "m", N: 1, Conversation: true}},
		"conversation by object":    {inference.Responses, response(`"conversation":{"id":"conv_1"}`), call{Model: "m", N: 1, Conversation: true}},
		"limits of chat are none":   {inference.Responses, response(`"max_tokens":1,"n":1000`), call{Model: "m", N: 1}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := inference.Scan(tc.route, []byte(tc.body))
			require.NoError(t, err)
			tc.want.Route, tc.want.BodyBytes = tc.route, len(tc.body)
			requireFacts(t, tc.want, got)
		})
	}
}

// requireFacts compares the exported facts of two calls.
func requireFacts(t *testing.T, want, got inference.Call) {
	t.Helper()
	facts := func(c inference.Call) string {
		return fmt.Sprint(c.Route, c.Model, c.Stream, c.IncludeUsage, c.N, c.OutputLimit,
			c.Background, c.PreviousResponse, c.PreviousID, c.Unstored, c.Context, c.Conversation, c.References, c.BodyBytes)
	}
	require.Equal(t, facts(want), facts(got))
}

// HOTPATH, in one breath: scanned strictly, so that upstream and we cannot read
// a body differently. W10: depth.
func TestScan_RefusesJSON(t *testing.T) {
	t.Parallel()
	many := new(strings.Builder)
	for i := range 40 {
		fmt.Fprintf(many, `"k%d":0,`, i)
	}
	tests := map[string]string{
		"empty":                      ``,
		"space":                      ` `,
		"array":                      `[]`,
		"string":                     `"model"`,
		"null":                       `null`,
		"byte order mark":            "\ufeff" + `{"model":"m","messages":[]}`,
		"trailing object":            `{"model":"m","messages":[]}{}`,
		"trailing byte":              `{"model":"m","messages":[]}x`,
		"trailing NUL":               `{"model":"m","messages":[]}` + "\x00",
		"cut":                        `{"model":"m","messages":[]`,
		"cut in a string":            `{"model":"m`,
		"cut in an escape":           `{"model":"m\`,
		"comma at the end":           `{"model":"m","messages":[],}`,
		"comma at the start":         `{,"model":"m","messages":[]}`,
		"comma ends an array":        chat(`"x":[1,]`),
		"comma starts an array":      chat(`"x":[,1]`),
		"no comma":                   chat(`"x":[1 2]`),
		"no comma in an object":      chat(`"x":1 "y":2`),
		"no colon":                   chat(`"x" 1`),
		"no value":                   chat(`"x":`),
		"bare key":                   chat(`x:1`),
		"number as key":              chat(`1:1`),
		"single quotes":              chat(`'x':1`),
		"comment":                    chat(`/**/"x":1`),
		"crossed brackets":           chat(`"x":[{]}`),
		"NaN":                        chat(`"x":NaN`),
		"True":                       chat(`"x":True`),
		"cut literal":                chat(`"x":nul`),
		"leading zero":               chat(`"x":01`),
		"plus":                       chat(`"x":+1`),
		"no digits":                  chat(`"x":-`),
		"no fraction":                chat(`"x":1.`),
		"no whole part":              chat(`"x":.5`),
		"no exponent":                chat(`"x":1e+`),
		"hex":                        chat(`"x":0x10`),
		"form feed":                  chat("\f" + `"x":1`),
		"depth 129":                  chat(`"x":` + strings.Repeat("[", 128) + strings.Repeat("]", 128)),
		"depth of objects":           chat(`"x":` + strings.Repeat(`{"x":`, 128) + "1" + strings.Repeat("}", 128)),
		"endless depth":              strings.Repeat(`{"x":[`, 1<<16),
		"invalid UTF-8":              chat(`"x":"` + "\xff" + `"`),
		"overlong UTF-8":             chat(`"x":"` + "\xc0\x80" + `"`),
		"surrogate in UTF-8":         chat(`"x":"` + "\xed\xa0\x80" + `"`),
		"raw new line":               chat(`"x":"` + "\n" + `"`),
		"raw NUL":                    chat(`"x":"12345678` + "\x00" + `"`),
		"raw NUL in model":           `{"model":"m` + "\x00" + `","messages":[]}`,
		"raw control in a key":       chat(`"x` + "\x1f" + `":1`),
		"unknown escape":             chat(`"x":"\x41"`),
		"short unicode escape":       chat(`"x":"\u12"`),
		"bad unicode escape":         chat(`"x":"\u12g4"`),
		"lone high surrogate":        chat(`"x":"\ud800"`),
		"lone low surrogate":         chat(`"x":"\udc00"`),
		"high surrogate, then text":  chat(`"x":"\ud800abcdef"`),
		"two high surrogates":        chat(`"x":"\ud800\ud800"`),
		"lone surrogate in a key":    chat(`"\ud800":1`),
		"duplicate key":              chat(`"x":1,"x":1`),
		"duplicate by escape":        chat(`"x":1,"\u0078":1`),
		"duplicate by two escapes":   chat(`"\u00e9":1,"\u00E9":1`),
		"duplicate empty key":        chat(`"":1,"":1`),
		"duplicate deep":             chat(`"a":[[{"b":{"c":1,"d":2,"c":3}}]]`),
		"duplicate around an object": chat(`"x":{"x":{"y":1}},"x":1`),
		"duplicate among many":       chat(many.String() + `"k7":1`),
		"escaped among many":         chat(many.String() + `"\u006b7":1`),
		"duplicate in stream_options": chat(
			`"stream_options":{"a":1,"a":1}`),
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := inference.Scan(inference.ChatCompletions, []byte(body))
			requireFault(t, err, "invalid_json", "")
		})
	}
}

func requireFault(t *testing.T, err error, code, param string) {
	t.Helper()
	var f *fault.Error
	require.ErrorAs(t, err, &f)
	require.Equal(t, fault.Invalid, f.Kind)
	require.Equal(t, code, f.Code, f.Message)
	require.Equal(t, param, f.Param, f.Message)
	require.NotEmpty(t, f.Message)
}

// The unknown key's name is the client's text and is not repeated; ours is.
func TestScan_NamesDuplicateFields(t *testing.T) {
	t.Parallel()
	for param, body := range map[string]string{
		"model":                        chat(`"model":"m"`),
		"stream":                       chat(`"stream":true,"str\u0065am":false`),
		"stream_options":               chat(`"stream_options":{},"stream_options":{}`),
		"stream_options.include_usage": chat(`"stream_options":{"include_usage":true,"include_usage":true}`),
	} {
		_, err := inference.Scan(inference.ChatCompletions, []byte(body))
		requireFault(t, err, "invalid_json", param)
	}
}

func TestScan_RefusesFields(t *testing.T) {
	t.Parallel()
	const c, r, e = inference.ChatCompletions, inference.Responses, inference.Embeddings
	tests := map[string]struct {
		route inference.Route
		body  string
		param string
	}{
		"no model":                   {c, `{"messages":[]}`, "model"},
		"empty object":               {e, `{}`, "model"},
		"null model":                 {c, `{"model":null,"messages":[]}`, "model"},
		"empty model":                {c, `{"model":"","messages":[]}`, "model"},
		"number as model":            {c, `{"model":5,"messages":[]}`, "model"},
		"long model":                 {c, `{"model":"` + strings.Repeat("m", 257) + `","messages":[]}`, "model"},
		"NUL in model":               {c, `{"model":"m\u0000","messages":[]}`, "model"},
		"NUL in response ID":         {r, response(`"previous_response_id":"\u0000"`), "previous_response_id"},
		"NUL in conversation":        {r, response(`"conversation":"\u0000"`), "conversation"},
		"upper-case twin":            {c, chat(`"Model":"x"`), "model"},
		"twin alone":                 {c, `{"MODEL":"x","messages":[]}`, "model"},
		"twin of stream":             {c, chat(`"STREAM":true`), "stream"},
		"twin by long s":             {c, chat(`"ſtream":true`), "stream"},
		"twin by escaped long s":     {c, chat(`"\u017ftream":true`), "stream"},
		"twin by Kelvin sign":        {c, chat(`"max_to` + "\u212a" + `ens":1`), "max_tokens"},
		"twin of n":                  {c, chat(`"N":1`), "n"},
		"twin of messages":           {c, chat(`"Messages":[]`), "messages"},
		"twin in stream_options":     {c, chat(`"stream_options":{"Include_Usage":true}`), "stream_options.include_usage"},
		"twin of previous response":  {r, response(`"Previous_Response_ID":"x"`), "previous_response_id"},
		"twin of background":         {r, response(`"bac` + "\u212a" + `ground":true`), "background"},
		"string as stream":           {c, chat(`"stream":"true"`), "stream"},
		"number as stream":           {c, chat(`"stream":1`), "stream"},
		"stream of embeddings":       {e, `{"model":"m","stream":true}`, "stream"},
		"array as stream_options":    {c, chat(`"stream_options":[]`), "stream_options"},
		"false as stream_options":    {r, response(`"stream_options":false`), "stream_options"},
		"string as include_usage":    {c, chat(`"stream_options":{"include_usage":"true"}`), "stream_options.include_usage"},
		"string as store":            {c, chat(`"store":"no"`), "store"},
		"n of 0":                     {c, chat(`"n":0`), "n"},
		"n of 129":                   {c, chat(`"n":129`), "n"},
		"n with a fraction":          {c, chat(`"n":1.0`), "n"},
		"n with an exponent":         {c, chat(`"n":1e0`), "n"},
		"n as a string":              {c, chat(`"n":"1"`), "n"},
		"negative limit":             {c, chat(`"max_tokens":-1`), "max_tokens"},
		"minus zero":                 {c, chat(`"max_tokens":-0`), "max_tokens"},
		"limit past int64":           {c, chat(`"max_completion_tokens":9223372036854775808`), "max_completion_tokens"},
		"limit far past int64":       {c, chat(`"max_tokens":100000000000000000000000`), "max_tokens"},
		"huge limit":                 {r, response(`"max_output_tokens":1e400`), "max_output_tokens"},
		"no messages":                {c, `{"model":"m"}`, "messages"},
		"messages as an object":      {c, `{"model":"m","messages":{}}`, "messages"},
		"null messages":              {c, `{"model":"m","messages":null}`, "messages"},
		"input as an object":         {r, response(`"input":{}`), "input"},
		"background as a string":     {r, response(`"background":"yes"`), "background"},
		"previous response as array": {r, response(`"previous_response_id":[]`), "previous_response_id"},
		"conversation as a number":   {r, response(`"conversation":1`), "conversation"},
		"prompt as a string":         {r, response(`"prompt":"pmpt_1"`), "prompt"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := inference.Scan(tc.route, []byte(tc.body))
			requireFault(t, err, "invalid_request", tc.param)
		})
	}
}

// W4, and DECISIONS: until responses have owners, references are found so that
// they can be refused.
func TestScan_References(t *testing.T) {
	t.Parallel()
	const c, r = inference.ChatCompletions, inference.Responses
	tests := []struct {
		route inference.Route
		body  string
		want  bool
	}{
		{c, `{"model":"m","messages":[{"content":[{"type":"file","file":{"file_id":"file-1"}}]}]}`, true},
		{c, `{"model":"m","messages":[{"content":[{"type":"file","file":{"File_ID":"file-1"}}]}]}`, true},
		{c, `{"model":"m","messages":[{"content":[{"type":"file","file":{"\u0066ile_id":"file-1"}}]}]}`, true},
		{c, `{"model":"m","messages":[{"role":"assistant","audio":{"id":"audio_1"}}]}`, true},
		{c, chat(`"audio":{"voice":"alloy","format":"wav"}`), false},
		{c, chat(`"audio":{"voice":{"id":"voice_1"}}`), true},
		{c, chat(`"metadata":{"file_id":"mine"}`), false},
		{c, chat(`"metadata":{"file_id":"mine"},"file_ids":["file-1"]`), true},
		{c, chat(`"file_ids":["file-1"],"metadata":{}`), true},
		{c, chat(`"tools":[{"function":{"parameters":{"properties":{"file_id":{"type":"string"}},"required":["file_id"]}}}]`), false},
		{c, chat(`"file_id":null,"x":{"file_ids":[ ],"container":true}`), false},
		{r, response(`"tools":[{"type":"file_search","vector_store_ids":["vs_1"]}]`), true},
		{r, response(`"tools":[{"type":"code_interpreter","container":"cntr_1"}]`), true},
		{r, response(`"tools":[{"type":"code_interpreter","container":{"type":"auto","file_ids":[]}}]`), false},
		{r, response(`"tools":[{"type":"code_interpreter","container":{"type":"auto","file_ids":["file-1"]}}]`), true},
		{r, response(`"input":[{"type":"item_reference","id":"msg_1"}]`), true},
		{r, response(`"input":[{"type":"item_\u0072eference","id":"msg_1"}]`), true},
		{r, response(`"input":[{"id":"msg_1"}]`), true},
		{r, response(`"input":[{"id":"msg_1","type":null}]`), true},
		{r, response(`"input":[{"role":"user","content":"x"},{"id":"msg_1"},{"role":"user","content":"x"}]`), true},
		{r, response(`"input":[{"role":"user","id":"msg_1","content":[{"type":"input_text","text":"x"}]}]`), false},
		{r, response(`"input":[{"type":"message","id":"msg_1","role":"user","content":"x"}]`), false},
		{r, response(`"input":[{"type":"image_generation_call","id":"ig_1"}]`), true},
		{r, response(`"input":[{"type":"image_generation_call","id":"ig_1","result":"aGk="}]`), false},
		{c, chat(`"x":{"type":"item_reference","id":"msg_1"}`), false},
		{r, response(`"prompt":{"id":"pmpt_1"}`), true},
		{r, response(`"prompt":{"version":"1"}`), false},
	}
	for _, tc := range tests {
		got, err := inference.Scan(tc.route, []byte(tc.body))
		require.NoError(t, err, tc.body)
		require.Equal(t, tc.want, got.References, tc.body)
	}
}
