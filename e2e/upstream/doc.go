// Package upstream is a scripted upstream that speaks OpenAI's API: the far
// side of black-box tests and benchmarks.
//
// It serves /v1/chat/completions, /v1/responses (JSON and server-sent events),
// /v1/embeddings and /v1/models in shapes that the official SDKs accept. What it does is
// said by the request's model name, whose dash-separated parts are directives,
// so that one running program plays every part:
//
//	delay50     wait 50 ms before the head of the answer
//	gap5        wait 5 ms between chunks of a stream (or bytes, with drip)
//	chunks20    send 20 chunks of text (10 unless said)
//	in120 out80 cached10   usage figures to report (100, 100, 0 unless said)
//	nousage negusage hugeusage   report no, negative or absurdly large usage
//	err400 … err599   answer with that status and an error object
//	obj400 … obj599   answer later calls on the stored response with that status
//	leakkey     let the error repeat the Authorization header, plain and encoded
//	redirect    answer 307, pointing at /__redirected of this server
//	html        answer 200 with text/html
//	cookie      add a Set-Cookie header
//	cut         close the connection half-way through the answer
//	reset       the same with a TCP reset
//	drip        send the answer byte by byte
//	hang        send nothing until the client leaves
//	drop        read the call, then close the connection before the head
//	nodone      end a stream cleanly but without its terminal event
//	malformed   send one chunk (or the whole JSON body) that is not JSON
//	bigline2    send one line of 2 MiB (2 unless said)
//	endless     never stop sending
//	gate3       let a piece of a stream, and its end, wait at turnstile 3 until it is let on;
//	            of a JSON answer that is to break off, let the break wait there
//
// Responses are stored unless the request says otherwise, whole and from the
// call's beginning on, as by an upstream that goes on when its client leaves; they
// can be retrieved, cancelled, deleted, asked for their input items, and named as
// previous_response_id.
//
// Parts that are no directive are ignored: "test-large-gap5-cut" is a model.
//
// Beside the API it answers GET /__stats, GET /__requests, POST /__reset, and
// POST /__play?script=err429, which adds directives to every call from then on,
// as if they stood at the end of its model name. POST /__teach takes
// {"question", "answer", "script"}: a chat that ends with that question is answered
// with that text, and with directives of its own. POST /__admit?gate=3&passes=5
// lets five pieces through turnstile 3, passes=-1 all from then on, passes=0 none.
// It keeps true that a completed answer is counted before its last byte can be
// read. It is no model and does not check requests beyond what it needs.
package upstream
