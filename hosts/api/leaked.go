package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/archibot/archibotchat/core/access"
	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/core/keys"
)

// Leaks says whose reports of leaked keys are believed (K9). The zero value
// believes nobody.
type Leaks struct {
	// Reporters sign their reports, as GitHub's secret scanning does.
	Reporters keys.Reporters
	// Bearer reports whether a bearer token may report; nil: none may.
	Bearer func(token string) bool
}

const (
	reportScheme = "report"
	leakPath     = "/api/leaked-keys"
	// maxLeaks is how many keys a report may name.
	maxLeaks = 100

	// The headers in which GitHub's secret scanning signs.
	headerReporter  = "Github-Public-Key-Identifier"
	headerSignature = "Github-Public-Key-Signature"

	// reporterID is who acts in the events of a report.
	reporterID = "leak-report"
)

// LeakReport is one text that somebody found and takes for a key.
type LeakReport struct {
	Token  string `json:"token" doc:"What was found."`
	Type   string `json:"type,omitempty" doc:"The reporter's name for this form of secret."`
	URL    string `json:"url,omitempty" doc:"Where it was found. It is not kept."`
	Source string `json:"source,omitempty" doc:"In what it was found, such as content or commit."`
}

// LeakVerdict tells the reporter what it was.
type LeakVerdict struct {
	Hash  string `json:"token_hash" doc:"SHA-256 of the reported text, in hexadecimal."`
	Type  string `json:"token_type" doc:"The type as it was reported."`
	Label string `json:"label" enum:"true_positive,false_positive" doc:"Whether it is a key that was made here. If it worked, it does not any more."`
}

var (
	errUnsigned   = fault.New(fault.Unauthenticated, "report_not_signed", "Reports of leaked keys must be signed by a known reporter, or bear the token for reports.")
	errReport     = fault.New(fault.Invalid, "invalid_report", "A report is a JSON list of 1 to 100 objects, each with the text that was found as its token.")
	errReportSize = fault.New(fault.TooLarge, "body_too_large", "The body is larger than 1 MiB.")
)

// registerLeaks mounts the route for those who find keys where they should not
// be. It has no session: who reports signs, or shows a token. It is no Huma
// operation, because the signature is over the bytes of the body.
func (s *server) registerLeaks() {
	s.mux.HandleFunc("POST "+leakPath, s.leaked)
	o := huma.Operation{
		OperationID: "report-leaked-keys", Method: http.MethodPost, Path: leakPath, Tags: []string{"Reports"},
		Summary: "Report leaked keys", Description: "For secret scanners. Takes the messages of GitHub's secret scanning partner program, signed in the headers " +
			headerReporter + " and " + headerSignature + " by a reporter that this server knows, or with the bearer token for reports. " +
			"A key of ours that is named is revoked at once.",
		Security: []map[string][]string{{reportScheme: {}}, {}}, // or it is signed
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {
			Schema: listOf[LeakReport](s),
		}}},
		Responses: map[string]*huma.Response{"200": {
			Description: "What each text was, in order.",
			Content:     map[string]*huma.MediaType{"application/json": {Schema: listOf[LeakVerdict](s)}},
		}},
	}
	s.declare(&o, reflect.TypeFor[struct{ Body []LeakReport }]())
	s.api.OpenAPI().AddOperation(&o)
}

// listOf describes the list of a report, or of its answer.
func listOf[T any](s *server) *huma.Schema {
	least, most := 1, maxLeaks
	return &huma.Schema{
		Type: huma.TypeArray, MinItems: &least, MaxItems: &most,
		Items: s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[T](), true, ""),
	}
}

func (s *server) leaked(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large) || len(body) > maxBody:
		s.fail(w, r, errReportSize)
		return
	case err != nil:
		s.fail(w, r, errReport)
		return
	case !s.believed(r, body):
		s.fail(w, r, errUnsigned)
		return
	}
	reports, err := readReports(body)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	texts := make([]string, len(reports))
	for i, one := range reports {
		texts[i] = one.Token
	}
	ctx := access.WithPrincipal(r.Context(), access.Principal{Kind: access.PrincipalService, ID: reporterID})
	found, err := s.Keyring.Leaked(ctx, texts)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	out, known := make([]LeakVerdict, len(reports)), 0
	for i, one := range reports {
		sum := sha256.Sum256([]byte(one.Token))
		out[i] = LeakVerdict{hex.EncodeToString(sum[:]), one.Type, "false_positive"}
		if found[i].Known {
			out[i].Label = "true_positive"
			known++
		}
	}
	// Neither the texts nor where they were found: an address may hold the key.
	s.Log.WarnContext(ctx, "leaked keys reported", "request_id", access.Request(ctx), "reported", len(out), "known", known)
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(out); err != nil {
		s.Log.DebugContext(ctx, "the reporter did not wait for the answer", "request_id", access.Request(ctx))
	}
}

// believed reports whether the request is signed over its body, or bears the
// token. One way must do by itself; two headers of a name are none.
func (s *server) believed(r *http.Request, body []byte) bool {
	id, signature, auth := r.Header.Values(headerReporter), r.Header.Values(headerSignature), r.Header.Values("Authorization")
	if len(id) == 1 && len(signature) == 1 {
		return s.Leaks.Reporters.Signed(body, id[0], signature[0])
	}
	if s.Leaks.Bearer == nil || len(auth) != 1 {
		return false
	}
	scheme, token, ok := strings.Cut(auth[0], " ")
	return ok && strings.EqualFold(scheme, "Bearer") && s.Leaks.Bearer(token)
}

func readReports(body []byte) ([]LeakReport, error) {
	var reports []LeakReport
	if json.Unmarshal(body, &reports) != nil || len(reports) == 0 || len(reports) > maxLeaks {
		return nil, errReport
	}
	for _, one := range reports {
		if one.Token == "" || len(one.Type) > 200 {
			return nil, errReport
		}
	}
	return reports, nil
}
