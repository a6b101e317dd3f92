// Where the provider keeps what it issued, so that a test can look into it.

const entries = new Map(); // "Model:id" → { payload, until }

const secrets = ['AuthorizationCode', 'AccessToken', 'RefreshToken'];

/** issued are the codes and tokens ever given out, save ID tokens. */
export const issued = [];

function live(key) {
  const entry = entries.get(key);
  if (entry && entry.until > Date.now()) return entry.payload;
  entries.delete(key);
  return undefined;
}

/** Store is oidc-provider's adapter: one per model. */
export class Store {
  constructor(model) {
    this.model = model;
  }

  key(id) {
    return `${this.model}:${id}`;
  }

  async upsert(id, payload, seconds) {
    if (secrets.includes(this.model)) issued.push(id);
    entries.set(this.key(id), { payload, until: seconds ? Date.now() + seconds * 1000 : Infinity });
  }

  async find(id) {
    return live(this.key(id));
  }

  async findByUid(uid) {
    return all(this.model).find((payload) => payload.uid === uid);
  }

  async findByUserCode() {
    return undefined;
  }

  async consume(id) {
    const payload = live(this.key(id));
    if (payload) payload.consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    entries.delete(this.key(id));
  }

  async revokeByGrantId(grantId) {
    for (const [key, { payload }] of entries) {
      if (payload.grantId === grantId) entries.delete(key);
    }
  }
}

/** all returns what is kept of a model. */
export function all(model) {
  return [...entries.keys()].filter((key) => key.startsWith(`${model}:`)).map(live).filter(Boolean);
}
