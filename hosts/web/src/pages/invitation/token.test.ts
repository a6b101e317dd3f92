import { describe, expect, it } from 'vitest';
import { Courier, keepFor, type Place } from './token';

const token = 'Zm9vYmFyLXRva2VuLW9mLTQzLWNoYXJhY3RlcnMtMTI';

function place(hash: string, kept = new Map<string, string>()) {
  const location = { hash, pathname: '/invitation', search: '?a=1' };
  const visited: string[] = [];
  const p: Place = {
    location,
    history: {
      state: { key: 'k' },
      replaceState(state, _unused, url) {
        expect(state).toEqual({ key: 'k' });
        visited.push(url);
        location.hash = '';
      },
    },
    sessionStorage: {
      getItem: (k) => kept.get(k) ?? null,
      setItem: (k, v) => { kept.set(k, v); },
      removeItem: (k) => { kept.delete(k); },
    },
  };
  return { place: p, kept, visited };
}

describe('Courier', () => {
  it('takes the token out of the address, and keeps it nowhere else', () => {
    const { place: p, kept, visited } = place(`#${token}`);
    const courier = new Courier(p);
    expect(courier.take()).toBe(token);
    expect(visited).toEqual(['/invitation?a=1']);
    expect(kept.size).toBe(0);
    expect(courier.take(), 'again, as React asks twice').toBe(token);
    expect(visited).toHaveLength(1);
  });

  it('survives a sign-in, once', () => {
    const { place: before, kept } = place(`#${token}`);
    const courier = new Courier(before, () => 0);
    courier.take();
    courier.leave();
    expect(kept.size).toBe(1);

    const back = new Courier(place('', kept).place, () => keepFor - 1);
    expect(back.take()).toBe(token);
    expect(kept.size, 'removed as soon as it is read').toBe(0);
    expect(new Courier(place('', kept).place).take()).toBeUndefined();
  });

  it('forgets one that was left too long ago', () => {
    const { place: before, kept } = place(`#${token}`);
    const courier = new Courier(before, () => 0);
    courier.take();
    courier.leave();
    expect(new Courier(place('', kept).place, () => keepFor).take()).toBeUndefined();
    expect(kept.size).toBe(0);
  });

  it('takes the new link rather than an old one that was left', () => {
    const { place: before, kept } = place(`#${token}`);
    const courier = new Courier(before, () => 0);
    courier.take();
    courier.leave();
    const other = token.split('').reverse().join('');
    expect(new Courier(place(`#${other}`, kept).place, () => 1).take()).toBe(other);
    expect(kept.size).toBe(0);
  });

  it('drops it everywhere', () => {
    const { place: p, kept } = place(`#${token}`);
    const courier = new Courier(p);
    courier.take();
    courier.leave();
    courier.drop();
    expect(kept.size).toBe(0);
    expect(courier.take()).toBeUndefined();
  });

  it('takes nothing that cannot be a token, and cleans the address all the same', () => {
    for (const hash of ['#<script>', '#a', `#${'a'.repeat(65)}`, '#a b']) {
      const { place: p, visited } = place(hash);
      expect(new Courier(p).take(), hash).toBeUndefined();
      expect(visited, hash).toHaveLength(1);
    }
    for (const text of ['{', 'null', '{"token":1}', `{"token":"${token}"}`]) {
      expect(new Courier(place('', new Map([['archibot.invitation', text]])).place).take(), text).toBeUndefined();
    }
  });

  it('works without storage', () => {
    const { place: p } = place(`#${token}`);
    const closed = () => { throw new Error('no storage'); };
    p.sessionStorage = { getItem: closed, setItem: closed, removeItem: closed };
    const courier = new Courier(p);
    expect(courier.take()).toBe(token);
    courier.leave();
    courier.drop();
    expect(courier.take()).toBeUndefined();
  });
});
