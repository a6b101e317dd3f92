import { describe, expect, it } from 'vitest';
import { anyModel, chooseModel } from './model';

const models = [{ id: 'demo-large', default: false }, { id: 'demo-small', default: true }, { id: 'org/other', default: false }];

describe('chooseModel', () => {
  it.each([
    [[], 'demo-small'],
    [['demo-large'], 'demo-large'],
    [['demo-*'], 'demo-small'],
    [['org/*'], 'org/other'],
    [['gpt-*', 'gpt-x'], 'gpt-x'],
    [['gpt-*'], anyModel],
  ])('narrowed to %j it is %s', (narrowed, want) => {
    expect(chooseModel(models, narrowed)).toBe(want);
  });

  it('is a word to replace where nothing is known', () => {
    expect(chooseModel([], [])).toBe(anyModel);
  });
});
