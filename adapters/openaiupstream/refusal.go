package openaiupstream

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/archibot/archibotchat/ports/inference"
)

// Limits of what is kept of an error, in bytes.
const (
	maxMessage = 2 << 10
	maxField   = 128
)

// errorBodyTime is the longest an error's body is read for.
const errorBodyTime = 10 * time.Second

// refusal reads the answer, an error, and returns it cleaned. A body that is
// too long, too slow or of another shape leaves only the status to go by.
func (c *call) refusal() *inference.Refusal {
	u := c.upstream
	c.res.Within(min(errorBodyTime, u.cfg.IdleChunk))
	body, err := io.ReadAll(io.LimitReader(&c.res, u.cfg.MaxErrorBody+1))
	if err != nil || int64(len(body)) > u.cfg.MaxErrorBody {
		body = nil
	}
	r := &inference.Refusal{Status: c.res.Status(), RetryAfter: retryAfter(c.res.Value(retryAfterField))}
	fields := errorFields(body)
	r.Message = u.scrubber.clean(fields["message"], maxMessage)
	r.Type = u.scrubber.clean(fields["type"], maxField)
	r.Param = u.scrubber.clean(fields["param"], maxField)
	r.Code = u.scrubber.clean(fields["code"], maxField)
	if r.Message == "" {
		r.Message = "The model provider refused the request and gave no reason that can be passed on."
	}
	return r
}

// errorFields finds message, type, param and code in an error of OpenAI's
// shape, {"error":{…}}, or of its looser kin: {"error":"…"}, {"detail":"…"}
// or the fields at the top.
func errorFields(body []byte) map[string]string {
	var top map[string]json.RawMessage
	if json.Unmarshal(body, &top) != nil {
		return nil
	}
	from := top
	if raw, ok := top["error"]; ok {
		var inner map[string]json.RawMessage
		if json.Unmarshal(raw, &inner) != nil {
			return map[string]string{"message": scalar(raw)}
		}
		from = inner
	} else if raw, ok := top["detail"]; ok {
		return map[string]string{"message": scalar(raw)}
	}
	fields := map[string]string{}
	for _, name := range [...]string{"message", "type", "param", "code"} {
		fields[name] = scalar(from[name])
	}
	return fields
}

// scalar returns raw's text if it is a string or a number.
func scalar(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// retryAfter returns v, a Retry-After that was there n times, if it is
// well-formed (RFC 9110, 10.2.3): seconds or a date.
func retryAfter(v string, n int) string {
	if n != 1 || v == "" || len(v) > 64 {
		return ""
	}
	if strings.Trim(v, "0123456789") == "" && len(v) <= 9 {
		return v
	}
	if _, err := http.ParseTime(v); err == nil {
		return v
	}
	return ""
}
