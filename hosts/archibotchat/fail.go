package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/archibot/archibotchat/core/fault"
	"github.com/archibot/archibotchat/hosts/admin"
	"github.com/archibot/archibotchat/hosts/internal/boot"
)

// configError is what is wrong with the settings, one fault a line.
type configError struct{ err error }

// Error returns the faults.
func (e configError) Error() string { return e.err.Error() }

// next says what to do about a fault, by its code.
var next = map[string]string{
	"not_found":              "Check the ID; archibotchat admin account list shows the accounts.",
	"unknown_billing_state":  "See archibotchat admin account set --help.",
	"store_unavailable":      "Check ARCHIBOT_DATABASE_URL and that the database runs.",
	"environment_mismatch":   "Check ARCHIBOT_ENVIRONMENT and ARCHIBOT_DATABASE_URL: this database belongs to another environment.",
	"migrations_pending":     "Run archibotchat migrate, or start with serve --migrate.",
	"already_served":         "Stop the other server, or give each a database of its own; only Postgres takes several servers.",
	"already_rotated":        "Rotate its successor; archibotchat admin key list names it.",
	"account_closed":         "Open another account with archibotchat admin account create.",
	"unknown_prices":         "archibotchat prices list shows what was published.",
	"price_notice_too_short": "Give a later --effective, or leave it out.",
	"grant_failed":           "Use archibotchat admin credits grant.",
}

// usage tells of a command line that does not parse, with its help.
func (in *instance) usage(err error, asJSON bool) int {
	if asJSON {
		in.tellJSON("usage", err.Error())
		return 2
	}
	var parse *kong.ParseError
	if errors.As(err, &parse) {
		parse.Context.Stdout = in.Err
		_ = parse.Context.PrintUsage(false)
	}
	_, _ = fmt.Fprintf(in.Err, "\narchibotchat: %v\n", err)
	return 2
}

// fail tells of a command that failed, in one sentence and a next step, and
// returns its exit code.
func (in *instance) fail(err error) int {
	if errors.Is(err, errReported) || errors.Is(err, admin.ErrReported) {
		return 1
	}
	code, text := in.explain(err)
	if in.cli.JSON {
		in.tellJSON(code, text)
	} else {
		_, _ = fmt.Fprintf(in.Err, "archibotchat: %s\n", text)
	}
	return 1
}

func (in *instance) explain(err error) (code, text string) {
	var config configError
	var f *fault.Error
	switch {
	case errors.As(err, &config):
		faults := strings.Split(config.Error(), "\n")
		code, text = "invalid_configuration", "These settings do not work; nothing was started.\n  - "+strings.Join(faults, "\n  - ")
	case errors.As(err, &f):
		code, text = f.Code, f.Message
		if step, ok := next[f.Code]; ok {
			text += " " + step
		}
		if f.Err != nil && (f.Kind == fault.Internal || f.Kind == fault.Unavailable) {
			text += "\n  cause: " + f.Err.Error()
		}
	default:
		code, text = "failed", err.Error()
	}
	return code, boot.Redact(text, in.base.Secrets()...)
}

func (in *instance) tellJSON(code, message string) {
	type body struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	encode(in.Err, map[string]body{"error": {code, message}})
}
