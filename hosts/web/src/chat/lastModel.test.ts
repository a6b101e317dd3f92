import { afterEach, describe, expect, test, vi } from 'vitest';
import { keepModel, lastModel, modelFor } from './lastModel';
import type { Model } from './types';

const model = (id: string, more: Partial<Model> = {}) => ({ id, ...more }) as Model;

describe('C2 the model of a new conversation', () => {
  afterEach(() => vi.unstubAllGlobals());

  test('is the one chosen last, also in another tab', () => {
    const storage = new Map<string, string>();
    vi.stubGlobal('localStorage', { getItem: (k: string) => storage.get(k) ?? null, setItem: (k: string, v: string) => storage.set(k, v) });
    expect(lastModel()).toBeUndefined();
    keepModel('mini');
    expect(lastModel()).toBe('mini');
    storage.set('archibot.model', 'large');
    expect(lastModel()).toBe('large');
  });

  test('lasts as long as the page where nothing is kept', () => {
    vi.stubGlobal('localStorage', undefined);
    keepModel('mini');
    expect(lastModel()).toBe('mini');
  });

  test.each([
    ['what is wanted', 'b', 'b'],
    ["the service's choice for what is gone", 'gone', 'c'],
    ["the service's choice for nothing", undefined, 'c'],
  ])('%s', (_, wanted, want) => {
    expect(modelFor([model('a'), model('b'), model('c', { default: true })], wanted)?.id).toBe(want);
  });

  test('is the first where the service has no choice, and none where there are none', () => {
    expect(modelFor([model('a'), model('b')], 'gone')?.id).toBe('a');
    expect(modelFor([], 'gone')).toBeUndefined();
  });
});
