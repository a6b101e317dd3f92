package upstream

import (
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
)

// refuse answers with what the script has instead of an answer, if anything.
func refuse(w http.ResponseWriter, r *http.Request, sc *script) bool {
	switch {
	case sc.redirect:
		http.Redirect(w, r, "/__redirected", http.StatusTemporaryRedirect)
	case sc.html:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!doctype html><title>Sign in</title><p>Please sign in to continue.")
	case sc.leakKey:
		status := sc.status
		if status == 0 {
			status = http.StatusBadRequest
		}
		leak(w, status, r.Header.Get("Authorization"))
	case sc.status != 0:
		scriptedError(w, sc.status)
	default:
		return false
	}
	return true
}

// leak answers with an error that repeats the credential in every field.
func leak(w http.ResponseWriter, status int, credential string) {
	b64 := base64.StdEncoding.EncodeToString([]byte(credential))
	writeError(w, status,
		"Bad header Authorization: "+credential+" base64 "+b64+" hex "+hex.EncodeToString([]byte(credential))+
			" url "+url.QueryEscape(credential), "type "+b64, credential)
}

type refusal struct{ message, kind, code string }

// scriptedError answers with status the way OpenAI does.
func scriptedError(w http.ResponseWriter, status int) {
	const invalid = "invalid_request_error"
	r, ok := map[int]refusal{
		400: {"Unsupported value: 'temperature' does not support 9 with this model.", invalid, "unsupported_value"},
		401: {"Incorrect API key provided.", invalid, "invalid_api_key"},
		403: {"Your organization may not use this model.", invalid, "access_denied"},
		404: {"The model does not exist or you do not have access to it.", invalid, "model_not_found"},
		413: {"The request is too large.", invalid, "request_too_large"},
		422: {"The request could not be processed.", invalid, "unprocessable"},
		429: {"You exceeded your current quota, please check your plan and billing details.", "insufficient_quota", "insufficient_quota"},
	}[status]
	if !ok {
		r = refusal{"The server had an error while processing your request.", "server_error", "server_error"}
	}
	if status == http.StatusTooManyRequests {
		h := w.Header()
		h.Set("Retry-After", "7")
		h.Set("X-Ratelimit-Limit-Requests", "60")
		h.Set("X-Ratelimit-Remaining-Requests", "0")
		h.Set("X-Ratelimit-Reset-Requests", "7s")
	}
	writeError(w, status, r.message, r.kind, r.code)
}

// writeError answers with OpenAI's error object.
func writeError(w http.ResponseWriter, status int, message, kind, code string) {
	writeJSON(w, status, map[string]any{"error": map[string]any{
		"message": message, "type": kind, "param": nil, "code": code,
	}})
}
