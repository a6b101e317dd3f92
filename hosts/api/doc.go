// Package api is the app API: what the browser app, and whoever else holds a
// session, can do under /api, and how a session comes about, under /auth. Its
// OpenAPI document is made from here.
//
// It keeps true that every operation asks for a session, save those that lead
// to one and reports of leaked keys; that a caller sees the objects of their own
// account only, that every failure is an RFC 9457
// problem with a code and a request ID, and that no answer repeats an input
// value or says anything about an error that nobody foresaw. It decides
// nothing: gates do, asked by the use cases.
//
// Embedders mount the handler that New returns at /api/ and /auth/ on any
// http.ServeMux. One setting of Huma is global to the process and therefore
// left to main: set huma.ValidateStrictCasing = true before serving, else
// JSON names match in any case.
package api
