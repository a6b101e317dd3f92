package inference

import (
	"encoding/json"
	"slices"
)

// failure is OpenAI's error object.
type failure struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

// failureEvent is the error event of a responses stream. Error repeats the rest
// in a place where SDKs look (HOTPATH 17).
type failureEvent struct {
	Type           string  `json:"type"`
	SequenceNumber int64   `json:"sequence_number"`
	Code           *string `json:"code"`
	Message        string  `json:"message"`
	Param          *string `json:"param"`
	Error          failure `json:"error"`
}

// ErrorBody returns the JSON body of an error in OpenAI's shape. An empty param
// or code is written as null.
func ErrorBody(message, typ, param, code string) []byte {
	return encode(struct {
		Error failure `json:"error"`
	}{failure{Message: message, Type: typ, Param: orNull(param), Code: orNull(code)}})
}

// ErrorFrame returns the frame that ends a cut stream as an error (HOTPATH 17). On
// responses its sequence number is 0; a stream that has begun has a Meter, whose
// ErrorFrame goes on counting.
func ErrorFrame(route Route, message, typ, code string) []byte {
	return errorFrame(route, 0, message, typ, code)
}

func errorFrame(route Route, sequence int64, message, typ, code string) []byte {
	prefix, data := "data: ", ErrorBody(message, typ, "", code)
	if route == Responses {
		prefix, data = "event: error\ndata: ", encode(failureEvent{
			Type: "error", SequenceNumber: sequence, Code: orNull(code), Message: message,
			Error: failure{Message: message, Type: typ, Code: orNull(code)},
		})
	}
	return slices.Concat([]byte(prefix), data, []byte("\n\n"))
}

// encode cannot fail: these are structs of strings and numbers, and encoding/json
// replaces invalid UTF-8. It escapes line ends, so that the result is one line.
func encode(v any) []byte {
	data, _ := json.Marshal(v) //nolint:errchkjson // see above
	return data
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
