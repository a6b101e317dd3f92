// Package oidcidentity signs people in at an OpenID Connect provider: Authentik,
// Microsoft Entra, Google, Keycloak, Dex, or any other with discovery.
//
// It keeps true that an identity came straight from the provider's token
// endpoint over the code flow with PKCE S256, signed by one of its present keys
// with an asymmetric algorithm, for this client, this sign-in and now; that a
// provider which is down delays nothing but its own sign-ins; and that whatever
// groups it sends, only those that the map names come through.
//
// go-oidc checks issuer, audience, expiry and signature. Nonce, azp, the iss
// parameter of RFC 9207, freshness and the age of logout tokens are checked here.
package oidcidentity
