// Package gateway serves /v1: OpenAI's API, so that its official SDKs work
// unchanged (W3).
//
// It keeps true that only the routes and methods of its own table exist (W1),
// that a credential is taken from one Authorization header and nowhere else
// (W2), that every answer carries x-request-id, that every error has OpenAI's
// shape, and that no client can hold memory, a goroutine or a connection for
// ever (W10). Deciding, pricing and forwarding are the core's.
package gateway
