package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/archibot/archibotchat/core/app/sessions"
	"github.com/archibot/archibotchat/hosts/api"
)

// A5: a page that asks for news by itself does not keep its session from ending.
func TestBackground(t *testing.T) {
	t.Parallel()
	h := build(t)
	alone := func(r *http.Request) { r.Header.Set(api.Background, "1") }
	h.now = h.now.Add(sessions.Idle - time.Second)
	require.Equal(t, http.StatusOK, h.call(t, h.admin, "GET", "/api/me", "", alone).StatusCode)
	require.Equal(t, http.StatusOK, h.call(t, h.member, "PUT", "/api/drafts/new", `{"text":"x"}`, alone).StatusCode/100*100, "a change is somebody's doing")
	h.now = h.now.Add(time.Second)
	require.Equal(t, http.StatusUnauthorized, h.call(t, h.admin, "GET", "/api/me", "", alone).StatusCode)
	require.Equal(t, http.StatusUnauthorized, h.call(t, h.admin, "GET", "/api/me", "").StatusCode)
	require.Equal(t, http.StatusOK, h.call(t, h.member, "GET", "/api/me", "").StatusCode)
}
