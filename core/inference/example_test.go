package inference_test

import (
	"fmt"
	"strings"

	"github.com/archibot/archibotchat/core/inference"
)

// A chat stream, from the client's request to its end.
func Example() {
	body := []byte(`{"model":"small","stream":true,"messages":[{"role":"user","content":"Hi"}]}`)
	call, err := inference.Scan(inference.ChatCompletions, body)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(call.Forward(body)))

	answer := `data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":"stop"}]}

data: {"id":"chatcmpl-1","choices":[],"usage":{"prompt_tokens":8,"completion_tokens":1}}

data: [DONE]

`
	frames := inference.NewFrameReader(strings.NewReader(answer), 1<<20, 1<<20)
	meter := inference.NewMeter(call)
	for {
		frame, err := frames.Next()
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Println(meter.Observe(frame))
	}
	usage, reported := meter.Usage()
	fmt.Println(usage.Input, usage.Output, reported, meter.Finished())
	// Output:
	// {"stream_options":{"include_usage":true},"model":"small","stream":true,"messages":[{"role":"user","content":"Hi"}]}
	// content
	// usage
	// done
	// EOF
	// 8 1 true true
}
