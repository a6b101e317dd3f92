package tenants_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// kind is a sort of object that an ID names.
type kind struct {
	// make makes an object that is p's, and returns its ID.
	make func(t *testing.T, w *world, p person) string
	// remove deletes one; nil if that cannot be, for the reason in lasts.
	remove func(t *testing.T, w *world, p person, id string)
	lasts  string
	// common says why the kind belongs to no account; "" if each is of one.
	common string
	// unknown is the well-formed ID of nothing.
	unknown string
	// code is what an ID of nothing is answered with; "": not_found.
	code string
}

// nothing is the part of an ID that nothing has.
const nothing = "06b1v5k9ehq7r4m2d8t0s3n1cg"

// kinds are what the rows name.
var kinds = map[string]kind{
	"key": {
		unknown: "key_" + nothing,
		make: func(t *testing.T, w *world, p person) string {
			return w.do(t, p.shows(app), http.MethodPost, "/api/keys", `{"name":"one of the matrix"}`).made(t, "key", "id")
		},
		lasts: "a revoked key stays on the list, as evidence of what it did",
	},
	"user": {
		unknown: "user_" + nothing,
		make:    func(_ *testing.T, _ *world, p person) string { return p.user },
		lasts:   "users are not deleted; members are removed",
	},
	"member": {
		unknown: "user_" + nothing,
		make:    func(t *testing.T, w *world, p person) string { return w.join(t, p.account).user },
		remove: func(t *testing.T, w *world, p person, id string) {
			require.Equal(t, http.StatusNoContent, w.do(t, p.shows(app), http.MethodDelete, "/api/members/"+id, "").status)
		},
	},
	"invitation": {
		unknown: "inv_" + nothing,
		make: func(t *testing.T, w *world, p person) string {
			return w.do(t, p.shows(app), http.MethodPost, "/api/invitations", `{"email":"one@matrix.example","role":"member"}`).made(t, "id")
		},
		lasts: "a revoked invitation stays on the list for a month",
	},
	"session": {
		unknown: "ses_" + nothing,
		make:    func(t *testing.T, w *world, p person) string { return w.again(t, p).session },
		remove: func(t *testing.T, w *world, p person, id string) {
			require.Equal(t, http.StatusNoContent, w.do(t, p.shows(app), http.MethodDelete, "/api/sessions/"+id, "").status)
		},
	},
	"account": {
		unknown: "acct_" + nothing,
		make:    func(_ *testing.T, _ *world, p person) string { return p.account },
		lasts:   "accounts are closed, not deleted",
	},
	"access request": {
		unknown: "acr_" + nothing,
		make:    func(t *testing.T, w *world, _ person) string { return w.ask(t) },
		common:  "a stranger's, who has no account",
		lasts:   "requests are decided, and go by themselves a year later",
	},
	"denied request": {
		unknown: "acr_" + nothing,
		make: func(t *testing.T, w *world, _ person) string {
			id := w.ask(t)
			return w.do(t, w.staff.shows(app), http.MethodPost, "/api/operator/access-requests/"+id+"/deny", `{"reason":"Not now."}`).made(t, "id")
		},
		common: "a stranger's, who has no account",
		lasts:  "as others",
	},
	"cap": {
		unknown: "user_" + nothing,
		make: func(t *testing.T, w *world, p person) string {
			w.do(t, p.shows(app), http.MethodPut, "/api/limits/"+p.user, `{"monthly":9000000}`).made(t, "id")
			return p.user
		},
		lasts: "it is named by its user: without one, the user is as any other's",
	},
	"response": {
		unknown: "resp_" + nothing,
		make: func(t *testing.T, w *world, p person) string {
			return w.do(t, p.shows(v1), http.MethodPost, "/v1/responses", `{"model":"tok","input":"Say a few words."}`).made(t, "id")
		},
		remove: func(t *testing.T, w *world, p person, id string) {
			w.do(t, p.shows(v1), http.MethodDelete, "/v1/responses/"+id, "").made(t, "id")
		},
	},
	"thread": {
		unknown: "thr_" + nothing,
		make:    func(t *testing.T, w *world, p person) string { return w.talks(t, p).thread },
		lasts:   "a deleted thread can be looked at and restored for a day, by its owner",
	},
	"turn": {
		unknown: "turn_" + nothing,
		make:    func(t *testing.T, w *world, p person) string { return w.talks(t, p).turn },
		lasts:   "it goes with its thread",
	},
	"question": {
		unknown: "msg_" + nothing,
		make:    func(t *testing.T, w *world, p person) string { return w.talks(t, p).question },
		lasts:   "it goes with its thread",
	},
	"answer": {
		unknown: "msg_" + nothing,
		make:    func(t *testing.T, w *world, p person) string { return w.talks(t, p).answer },
		lasts:   "it goes with its thread",
	},
	"prompt": {
		unknown: "prm_" + nothing,
		make: func(t *testing.T, w *world, p person) string {
			return w.do(t, p.shows(app), http.MethodPost, "/api/prompts", `{"title":"one","text":"of the matrix"}`).made(t, "id")
		},
		remove: func(t *testing.T, w *world, p person, id string) {
			require.Equal(t, http.StatusNoContent, w.do(t, p.shows(app), http.MethodDelete, "/api/prompts/"+id, "").status)
		},
	},
	"model": {
		unknown: "no-such-model",
		code:    "model_not_found",
		make:    func(*testing.T, *world, person) string { return "test" },
		common:  "models and their prices are the environment's, the same for every account",
		lasts:   "nobody deletes a model through the API",
	},
}

// malformedIDs are what no ID looks like, escaped for a path.
func malformedIDs(k kind) []string {
	prefix, _, _ := strings.Cut(k.unknown, "_")
	return []string{
		"x", prefix + "_", prefix + "_'--", prefix + "_%00", "%F0%9F%94%91", strings.ToUpper(k.unknown), "acct_" + nothing, prefix + "_" + nothing + "%20",
		prefix + "_%2e%2e%2f", strings.Repeat("9", 60), "%25", "null", "*",
	}
}
