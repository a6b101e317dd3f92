// Package identity is the port to those who vouch for people: OpenID Connect
// providers, and in local a link that the server prints.
//
// It keeps true that a person is an issuer and a subject, never an e-mail
// address (A1); that nothing is kept of them but subject, e-mail, whether that
// was verified, name and product groups (A2); and that groups which cannot be
// read are no groups (A3). It keeps no session and decides no access.
package identity
