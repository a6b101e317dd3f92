// The work that the form for access asks of a browser: a text that, behind the
// challenge and a dot, makes a digest that begins with enough zero bits. It costs
// a person nothing that they notice, and whoever sends thousands of forms a lot.

import { leadingZeros, Prefix } from './sha256';

export interface Work {
  challenge: string;
  /** Leading zero bits. Each one more doubles the work. */
  difficulty: number;
}

/** More than this would take a browser hours: somebody made a mistake. */
export const maxDifficulty = 28;

/** Search tries one text after another. */
export class Search {
  readonly #prefix: Prefix;
  readonly #difficulty: number;
  #tried = 0;

  constructor({ challenge, difficulty }: Work) {
    if (difficulty > maxDifficulty) throw new RangeError('the challenge is too hard');
    this.#prefix = new Prefix(`${challenge}.`);
    this.#difficulty = difficulty;
  }

  /** step tries so many texts and returns the one that works, if there is one. */
  step(times: number): string | undefined {
    for (let i = 0; i < times; i++) {
      const proof = (this.#tried++).toString(36);
      if (leadingZeros(this.#prefix.sum(proof)) >= this.#difficulty) return proof;
    }
    return undefined;
  }

  /**
   * chance is how likely it was to be done by now, from 0 to 1: all that can be
   * said of the progress of a search that may end with any try.
   */
  get chance(): number {
    return 1 - Math.exp(-this.#tried / 2 ** this.#difficulty);
  }
}

/** What the worker tells the page. */
export type Message = { chance: number } | { proof: string } | { failed: true };
