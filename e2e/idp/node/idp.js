// A certified OpenID provider for tests. Reads its configuration as one line of
// JSON on standard input, prints {"issuer":…,"admin":…} once it listens, and
// ends when standard input does.
//
//   {"users": {"alice": {"email": …, "name": …, "groups": […]}}, "clients": […], "idTokenClaims": true, "groupsClaim": "groups", "port": 0}
//
// Everything is on 127.0.0.1. The second port is for the test, not for browsers:
//
//   PUT  /users/alice          {"groups": […], "blocked": true}   changes what is given
//   POST /users/alice/end      ends her sessions, with back-channel logout
//   PUT  /clients/chat         {…}                                adds or replaces a client
//   PUT  /broken               {"status": 503} or {}              fails everything, or nothing again
//   GET  /issued                                                  every code and token that is kept by its name

import { createServer } from 'node:http';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import Provider from 'oidc-provider';
import { Store, all, issued } from './store.js';
import * as pages from './pages.js';

const lines = createInterface({ input: process.stdin });
const config = JSON.parse((await once(lines, 'line'))[0]);
lines.on('close', () => process.exit(0));

const users = new Map(Object.entries(config.users ?? {}));
let broken; // a status that everything is answered with

const groupsPath = (config.groupsClaim ?? 'groups').split('.');
/** nested returns the groups as the claim of that path. */
const nested = (groups) => groupsPath.reduceRight((inner, name) => ({ [name]: inner }), groups);

function configuration(port) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    adapter: Store,
    clients: [],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: randomBytes(8).toString('hex') }] },
    // Browsers keep cookies by host, whatever the port: several providers on this
    // machine need names of their own.
    cookies: {
      keys: [randomBytes(32).toString('hex')],
      names: { session: `_session_${port}`, interaction: `_interaction_${port}`, resume: `_resume_${port}` },
    },
    pkce: { required: () => true },
    scopes: ['openid', 'offline_access', 'groups'],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: [groupsPath[0]], auth_time: null, sid: null },
    conformIdTokenClaims: !(config.idTokenClaims ?? true),
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => { ctx.body = pages.signOut(form); },
        postLogoutSuccessSource: (ctx) => { ctx.body = pages.signedOut(); },
      },
    },
    ttl: { AccessToken: 3600, AuthorizationCode: 60, IdToken: 3600, Interaction: 600, Session: 86400, Grant: 86400, RefreshToken: 86400 },
    rotateRefreshToken: true,
    // Most providers give one to every client that is allowed it; this one would
    // otherwise ask for consent each time.
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, id) => {
      const user = users.get(id);
      if (!user || user.blocked) return undefined;
      return {
        accountId: id,
        claims: () => ({ sub: id, email: user.email, email_verified: user.emailVerified ?? true, name: user.name, ...nested(user.groups) }),
      };
    },
    // Nobody is asked for consent: the operator of the provider gave it.
    loadExistingGrant: async (ctx) => {
      const { provider, client, session } = ctx.oidc;
      const known = session.grantIdFor(client.clientId);
      const grant = (known && await provider.Grant.find(known)) || new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
      grant.addOIDCScope('openid email profile groups offline_access');
      await grant.save();
      return grant;
    },
    renderError: (ctx, out) => { ctx.type = 'html'; ctx.body = pages.failed(out); },
    // Its own would not reach this machine, where the tests are, nor wait for one
    // that has much else to do.
    fetch: (url, { dispatcher, ...options }) => fetch(url, { ...options, signal: AbortSignal.timeout(30_000) }),
  };
}

async function body(req) {
  let text = '';
  for await (const part of req) text += part;
  return text;
}

function html(res, status, text) {
  res.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' }).end(text);
}

async function interaction(provider, req, res, uid) {
  const details = await provider.interactionDetails(req, res);
  if (details.uid !== uid) return html(res, 400, pages.failed({ error: 'not your sign-in' }));
  if (req.method !== 'POST') return html(res, 200, pages.signIn(uid));
  const form = new URLSearchParams(await body(req));
  if (form.get('do') === 'cancel') {
    return provider.interactionFinished(req, res, { error: 'access_denied', error_description: 'The person said no.' }, { mergeWithLastSubmission: false });
  }
  const id = form.get('user') ?? '';
  const user = users.get(id);
  if (!user || user.blocked) return html(res, 200, pages.signIn(uid, user ? 'This account is blocked.' : 'There is no such user.'));
  return provider.interactionFinished(req, res, { login: { accountId: id } }, { mergeWithLastSubmission: false });
}

async function end(provider, id) {
  for (const kept of all('Session').filter((s) => s.accountId === id)) {
    const session = await provider.Session.findByUid(kept.uid);
    for (const [clientId, { sid, grantId }] of Object.entries(kept.authorizations ?? {})) {
      const client = await provider.Client.find(clientId);
      if (client?.backchannelLogoutUri) await client.backchannelLogout(id, sid);
      if (grantId) for (const model of ['AccessToken', 'RefreshToken', 'AuthorizationCode']) await new Store(model).revokeByGrantId(grantId);
    }
    await session?.destroy();
  }
}

async function addClient(id, client) {
  await new Store('Client').upsert(id, {
    client_id: id,
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    backchannel_logout_session_required: Boolean(client.backchannel_logout_uri),
    ...client,
  });
}

async function administer(provider, req, res) {
  const [, kind, id, verb] = new URL(req.url, 'http://admin').pathname.split('/').map(decodeURIComponent);
  const given = JSON.parse(await body(req) || '{}');
  switch (`${req.method} ${kind}${verb ? `/${verb}` : ''}`) {
    case 'PUT users': users.set(id, { ...users.get(id), ...given }); break;
    case 'POST users/end': await end(provider, id); break;
    case 'PUT clients': await addClient(id, given); break;
    case 'PUT broken': broken = given.status; break;
    case 'GET issued': return res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(issued));
    default: return res.writeHead(404).end();
  }
  return res.writeHead(204).end();
}

/** listen serves on a port of this machine and tells which. */
async function listen(port, handle) {
  const server = createServer((req, res) => {
    handle(req, res).catch((err) => {
      console.error(err);
      if (!res.headersSent) html(res, 500, pages.failed({ error: 'server_error', error_description: err.message }));
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${server.address().port}`;
}

let provider;
let handler;
const issuer = await listen(config.port ?? 0, async (req, res) => {
  const uid = req.url.match(/^\/interaction\/([\w-]+)$/)?.[1];
  if (broken) res.writeHead(broken).end();
  else if (uid) await interaction(provider, req, res, uid);
  else handler(req, res);
});
provider = new Provider(issuer, configuration(new URL(issuer).port));
provider.on('server_error', (_ctx, err) => console.error(err));
provider.on('grant.error', (_ctx, err) => console.error('grant:', err.error, err.error_detail ?? err.error_description));
handler = provider.callback();
for (const { client_id: id, ...client } of config.clients ?? []) await addClient(id, client);
const admin = await listen(0, (req, res) => administer(provider, req, res));
console.log(JSON.stringify({ issuer, admin }));
