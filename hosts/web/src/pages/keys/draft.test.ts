import { describe, expect, it } from 'vitest';
import { list, newKey, noBounds, readBounds, readForm, toChange, toDraft, toForm, type KeyForm } from './draft';

const now = new Date(2026, 2, 1, 12, 0, 0);
const form = (change: Partial<KeyForm> = {}): KeyForm => ({ ...newKey, name: 'build server', ...change });
const bounded = (bounds: Partial<KeyForm['bounds']>) => form({ bounds: { ...noBounds, ...bounds } });

describe('toDraft', () => {
  it('sends nothing that was not chosen', () => {
    expect(toDraft(form({ name: ' build server ' }), now)).toEqual({ draft: { name: 'build server', limits: {} } });
  });

  it('sends all that was', () => {
    const all = form({
      life: '30',
      scopes: ['embeddings', 'models'],
      bounds: { models: 'gpt-*\n demo-small,gpt-*', networks: '192.0.2.0/24\n2001:db8::1', monthly: '12.5', requests: '60', tokens: '200 000' },
    });
    expect(toDraft(all, now)).toEqual({
      draft: {
        name: 'build server',
        expires_in_seconds: 30 * 86_400,
        scopes: ['models', 'embeddings'],
        models: ['gpt-*', 'demo-small'],
        networks: ['192.0.2.0/24', '2001:db8::1'],
        limits: { monthly: 12_500_000, requests_per_minute: 60, tokens_per_minute: 200_000 },
      },
    });
  });

  it('lets a key live to the end of a day', () => {
    expect(toDraft(form({ life: 'date', until: '2026-03-01' }), now)).toMatchObject({ draft: { expires_in_seconds: 12 * 3600 } });
  });

  it.each([
    [{ name: ' ' }, 'name', 'faults.name'],
    [{ name: 'x'.repeat(101) }, 'name', 'faults.nameLong'],
    [{ life: 'date' as const, until: '' }, 'until', 'faults.until'],
    [{ life: 'date' as const, until: '2026-02-28' }, 'until', 'faults.until'],
    [{ life: 'date' as const, until: '2027-03-09' }, 'until', 'faults.until'],
    [{ scopes: [] }, 'scopes', 'faults.scopes'],
  ])('refuses %j', (change, field, text) => {
    expect(toDraft(form(change), now)).toEqual({ faults: { [field]: text } });
  });

  it.each([
    [{ monthly: '1,000' }, { monthly: 'faults.credits' }],
    [{ requests: '1.5', tokens: 'x' }, { requests: 'faults.count', tokens: 'faults.count' }],
    [{ models: '*' }, { models: 'faults.models' }],
    [{ models: Array.from({ length: 101 }, (_, i) => `m${i}`).join('\n') }, { models: 'faults.tooMany' }],
    [{ networks: 'office' }, { networks: 'faults.networks' }],
    [{ networks: '192.0.2.0/24 10.0.0.1' }, { networks: 'faults.networks' }],
  ])('refuses bounds %j', (bounds, faults) => {
    expect(toDraft(bounded(bounds), now)).toEqual({ faults });
  });

  it('counts characters as people do', () => {
    expect(toDraft(form({ name: '🔑'.repeat(100) }), now)).toHaveProperty('draft');
  });
});

describe('readForm', () => {
  it('takes back what was kept', () => {
    const kept = form({ life: '30', scopes: ['models'], bounds: { ...noBounds, monthly: '5' } });
    expect(readForm(JSON.parse(JSON.stringify(kept)))).toEqual(kept);
  });

  it('takes nothing else', () => {
    for (const other of [null, 1, 'x', {}, { ...form(), life: 'ever' }, { ...form(), bounds: { models: 1 } }, { ...form(), scopes: 'models' }]) {
      expect(readForm(other)).toBeNull();
    }
    expect(readForm({ ...form(), scopes: ['models', 'everything'] })?.scopes).toEqual(['models']);
    expect(readBounds({ ...noBounds, extra: 'x' })).toEqual(noBounds);
  });
});

describe('list', () => {
  it('takes lines and commas, and nothing twice', () => {
    expect(list(' a\n\nb, c,,a \r\n')).toEqual(['a', 'b', 'c']);
  });
});

describe('toChange', () => {
  const key = { models: ['gpt-*'], networks: [], limits: { monthly: 12_500_000, requests_per_minute: 0, tokens_per_minute: 100 } };

  it('is nothing where nothing changed', () => {
    expect(toChange(toForm(key), key)).toEqual({ change: null });
    expect(toChange(toForm({ models: [], networks: [] }), { models: [], networks: [] })).toEqual({ change: null });
  });

  it('names what changed, and takes bounds away with 0 and empty lists', () => {
    expect(toChange({ models: '', networks: '192.0.2.1', monthly: '', requests: '5', tokens: '100' }, key)).toEqual({
      change: { models: [], networks: ['192.0.2.1'], limits: { monthly: 0, requests_per_minute: 5 } },
    });
  });

  it('says what is wrong', () => {
    expect(toChange({ ...toForm(key), tokens: 'many' }, key)).toEqual({ faults: { tokens: 'faults.count' } });
  });
});
