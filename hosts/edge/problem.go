package edge

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/fault"
)

// Refuse answers with a problem document (RFC 9457): the status, and of the
// fault its code, its message, and when to come back.
func Refuse(w http.ResponseWriter, r *http.Request, status int, f *fault.Error) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	if f.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((f.RetryAfter+time.Second-1)/time.Second), 10))
	}
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	err := enc.Encode(document{"about:blank", http.StatusText(status), status, f.Message, f.Code, access.Request(r.Context())})
	if err != nil { // a reader that has gone is nobody's concern
		return
	}
}

type document struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	Code      string `json:"code"`
	RequestID string `json:"request_id"`
}
