// The form of a key and the request that it becomes.

import { maxAmount, parseCount, parseCredits, creditsText } from '../amount';

export const allScopes = ['models', 'chat.completions', 'responses', 'embeddings'] as const;
export type Scope = (typeof allScopes)[number];

/** How long a key may live, in days; a year is the most. */
export const lives = ['7', '30', '90', '180', '365', 'date'] as const;
export type Life = (typeof lives)[number];

export interface KeyForm {
  name: string;
  life: Life;
  /** The last day, as in 2026-03-01, where life is date. */
  until: string;
  scopes: Scope[];
  bounds: BoundsForm;
}

/** BoundsForm is what can be changed later too. */
export interface BoundsForm {
  /** One to a line, or behind commas. */
  models: string;
  networks: string;
  /** In credits. */
  monthly: string;
  requests: string;
  tokens: string;
}

export const noBounds: BoundsForm = { models: '', networks: '', monthly: '', requests: '', tokens: '' };
export const newKey: KeyForm = { name: '', life: '365', until: '', scopes: [...allScopes], bounds: noBounds };

/** readForm returns a form as it was kept over a sign-in; null for anything else. */
export function readForm(kept: unknown): KeyForm | null {
  const f = kept as Partial<KeyForm> | null;
  if (f === null || typeof f !== 'object' || typeof f.name !== 'string' || typeof f.until !== 'string' || !Array.isArray(f.scopes)) return null;
  const life = lives.find((l) => l === f.life);
  const bounds = readBounds(f.bounds);
  if (life === undefined || bounds === null) return null;
  return { name: f.name, life, until: f.until, scopes: allScopes.filter((s) => f.scopes?.includes(s)), bounds };
}

/** readBounds is readForm for bounds. */
export function readBounds(kept: unknown): BoundsForm | null {
  if (kept === null || typeof kept !== 'object') return null;
  const b = kept as Record<string, unknown>;
  const out = { ...noBounds };
  for (const name of Object.keys(noBounds) as (keyof BoundsForm)[]) {
    const text = b[name];
    if (typeof text !== 'string') return null;
    out[name] = text;
  }
  return out;
}

/** Keys of the texts that say what is wrong. */
export type Fault = `faults.${'name' | 'nameLong' | 'until' | 'scopes' | 'credits' | 'count' | 'models' | 'networks' | 'tooMany'}`;
export type FieldName = 'name' | 'until' | 'scopes' | keyof BoundsForm;
export type Faults = Partial<Record<FieldName, Fault>>;

export interface Draft {
  name: string;
  expires_in_seconds?: number;
  scopes?: Scope[];
  models?: string[];
  networks?: string[];
  limits: Limits;
}

export interface Limits {
  monthly?: number;
  requests_per_minute?: number;
  tokens_per_minute?: number;
}

const aDay = 86_400;
const aYear = 366 * aDay;

/** list reads what is written one to a line or behind commas, each once. */
export function list(text: string): string[] {
  return [...new Set(text.split(/[\n,]/).map((t) => t.trim()).filter((t) => t !== ''))];
}

/** toDraft returns the request of a form, or what is wrong with it. */
export function toDraft(form: KeyForm, now: Date): { draft: Draft } | { faults: Faults } {
  const faults: Faults = {};
  const name = form.name.trim();
  if (name === '') faults.name = 'faults.name';
  else if ([...name].length > 100) faults.name = 'faults.nameLong';
  const seconds = life(form, now);
  if (seconds === null) faults.until = 'faults.until';
  if (form.scopes.length === 0) faults.scopes = 'faults.scopes';
  const bounds = toBounds(form.bounds);
  Object.assign(faults, bounds.faults);
  if (Object.keys(faults).length > 0 || seconds === null) return { faults };
  const draft: Draft = { name, limits: given(bounds.limits) };
  if (seconds !== undefined) draft.expires_in_seconds = seconds;
  if (form.scopes.length < allScopes.length) draft.scopes = allScopes.filter((s) => form.scopes.includes(s));
  if (bounds.models.length > 0) draft.models = bounds.models;
  if (bounds.networks.length > 0) draft.networks = bounds.networks;
  return { draft };
}

/** life returns seconds; undefined for the server's own year, null for a date that will not do. */
function life(form: KeyForm, now: Date): number | null | undefined {
  if (form.life === '365') return undefined;
  if (form.life !== 'date') return Number(form.life) * aDay;
  if (!/^\d{4}-\d{2}-\d{2}$/.test(form.until)) return null;
  // The key works to the end of that day, where the person is.
  const [y = 0, m = 0, d = 0] = form.until.split('-').map(Number);
  const seconds = Math.floor((new Date(y, m - 1, d + 1).getTime() - now.getTime()) / 1000);
  return seconds >= 60 && seconds <= aYear ? seconds : null;
}

interface Bounds {
  models: string[];
  networks: string[];
  /** 0 is no bound. */
  limits: Required<Limits>;
  faults: Faults;
}

/** toBounds reads the bounds. */
export function toBounds(form: BoundsForm): Bounds {
  const faults: Faults = {};
  const amount = (name: 'monthly' | 'requests' | 'tokens', read: (text: string) => number | null): number => {
    if (form[name].trim() === '') return 0;
    const n = read(form[name]);
    if (n === null) faults[name] = name === 'monthly' ? 'faults.credits' : 'faults.count';
    return n ?? 0;
  };
  const limits = {
    monthly: amount('monthly', parseCredits),
    requests_per_minute: amount('requests', parseCount),
    tokens_per_minute: amount('tokens', parseCount),
  };
  const models = list(form.models);
  if (models.length > 100) faults.models = 'faults.tooMany';
  else if (models.some((m) => m === '*' || m.length > 100)) faults.models = 'faults.models';
  const networks = list(form.networks);
  if (networks.length > 100) faults.networks = 'faults.tooMany';
  else if (!networks.every(isNetwork)) faults.networks = 'faults.networks';
  return { models, networks, limits, faults };
}

/** isNetwork catches slips; whether it is a network says the server. */
function isNetwork(text: string): boolean {
  return /^(\d{1,3}(\.\d{1,3}){3}(\/\d{1,2})?|[0-9a-f:.]*:[0-9a-f:.]*(\/\d{1,3})?)$/i.test(text);
}

function given(l: Required<Limits>): Limits {
  return Object.fromEntries(Object.entries(l).filter(([, n]) => n > 0)) as Limits;
}

/** Bounded is what a key says of its bounds. */
export interface Bounded {
  models: string[];
  networks: string[];
  limits?: { monthly: number; requests_per_minute: number; tokens_per_minute: number } | undefined;
}

/** toForm returns the bounds of a key as they are typed. */
export function toForm(k: Bounded): BoundsForm {
  const l = k.limits;
  const text = (n: number | undefined) => (n ? String(n) : '');
  return {
    models: k.models.join('\n'),
    networks: k.networks.join('\n'),
    monthly: l?.monthly ? creditsText(Math.min(l.monthly, maxAmount)) : '',
    requests: text(l?.requests_per_minute),
    tokens: text(l?.tokens_per_minute),
  };
}

export interface Change {
  models?: string[];
  networks?: string[];
  limits?: Limits;
}

/** toChange returns what differs from the key as it is; null where nothing does. */
export function toChange(form: BoundsForm, k: Bounded): { change: Change | null } | { faults: Faults } {
  const b = toBounds(form);
  if (Object.keys(b.faults).length > 0) return { faults: b.faults };
  const change: Change = {};
  if (!same(b.models, k.models)) change.models = b.models;
  if (!same(b.networks, k.networks)) change.networks = b.networks;
  const limits: Limits = {};
  for (const name of ['monthly', 'requests_per_minute', 'tokens_per_minute'] as const) {
    if (b.limits[name] !== (k.limits?.[name] ?? 0)) limits[name] = b.limits[name];
  }
  if (Object.keys(limits).length > 0) change.limits = limits;
  return { change: Object.keys(change).length > 0 ? change : null };
}

function same(a: string[], b: string[]): boolean {
  return a.length === b.length && a.every((x) => b.includes(x));
}
