// Sending the form for access: the challenge, the work on it, the wait that the
// server asks for, and what is mended without asking the person.

import type { Work } from './proof';

export interface Challenge extends Work {
  /** The form is not taken earlier; by the server's clock. */
  notBefore: number;
}

/** Where sending stands. */
export type Phase = { name: 'working'; chance: number } | { name: 'waiting' } | { name: 'sending' };

export interface Deps<Form> {
  challenge(): Promise<Challenge>;
  solve(work: Work, progress: (chance: number) => void): Promise<string>;
  send(form: Form, challenge: string, proof: string): Promise<void>;
  wait(ms: number): Promise<void>;
  now(): number;
  show(phase: Phase): void;
}

interface Ticket {
  challenge: Challenge;
  proof: Promise<string>;
  /** A send went out and no answer came: it may have been taken. */
  doubtful: boolean;
}

/** How long the server wants a person to take, at least. */
const minFill = 3_000;
const maxQuick = 3;
const maxRenewed = 2;

/** codeOf returns the code of a problem; undefined for what is none. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** Desk takes one form, however many tries it takes. */
export class Desk<Form> {
  #ticket: Promise<Ticket> | undefined;
  #chance = 0;
  #busy = false;

  constructor(private readonly deps: Deps<Form>) {}

  /** prepare begins with the work while the person types. */
  prepare(): void {
    this.#get().catch(() => {
      this.#ticket = undefined; // send asks again, and says what is wrong
    });
  }

  /** renew forgets a challenge that was used, so that another form can be sent. */
  renew(): void {
    this.#ticket = undefined;
  }

  /** send returns once the form was taken. Errors are the API's, or the network's. */
  async send(form: Form): Promise<void> {
    this.#busy = true;
    try {
      await this.#send(form);
    } finally {
      this.#busy = false;
    }
  }

  async #send(form: Form): Promise<void> {
    let quick = 0;
    let renewed = 0;
    for (;;) {
      const ticket = await this.#ready();
      this.deps.show({ name: 'sending' });
      try {
        await this.deps.send(form, ticket.challenge.challenge, await ticket.proof);
        this.#ticket = undefined;
        return;
      } catch (error) {
        switch (codeOf(error)) {
          case 'too_quick':
            if (++quick > maxQuick) throw error;
            this.deps.show({ name: 'waiting' });
            await this.deps.wait(minFill);
            break;
          case 'challenge_expired':
          case 'invalid_challenge':
          case 'invalid_proof':
            this.renew();
            if (++renewed > maxRenewed) throw error;
            break;
          case 'challenge_used':
            if (!ticket.doubtful) throw error;
            this.#ticket = undefined; // the try without an answer was taken
            return;
          default:
            ticket.doubtful ||= !isRefusal(error);
            throw error;
        }
      }
    }
  }

  /** ready returns a ticket whose work is done and that is old enough. */
  async #ready(): Promise<Ticket> {
    this.deps.show({ name: 'working', chance: this.#chance });
    let ticket: Ticket;
    try {
      ticket = await this.#get();
      await ticket.proof;
    } catch (error) {
      this.#ticket = undefined;
      throw error;
    }
    // The clocks may differ: no more than a little is waited for on their word,
    // and the server says so if it was too little.
    const left = Math.min(ticket.challenge.notBefore - this.deps.now(), minFill);
    if (left > 0) {
      this.deps.show({ name: 'waiting' });
      await this.deps.wait(left);
    }
    return ticket;
  }

  #get(): Promise<Ticket> {
    this.#ticket ??= this.#open();
    return this.#ticket;
  }

  async #open(): Promise<Ticket> {
    this.#chance = 0;
    const challenge = await this.deps.challenge();
    const proof = this.deps.solve(challenge, (chance) => {
      this.#chance = chance;
      if (this.#busy) this.deps.show({ name: 'working', chance });
    });
    proof.catch(() => undefined); // ready reports it
    return { challenge, proof, doubtful: false };
  }
}

/** isRefusal reports an answer that says that nothing was done. */
function isRefusal(error: unknown): boolean {
  const status = (error as { status?: unknown } | null)?.status;
  return typeof status === 'number' && status >= 400 && status < 500;
}
