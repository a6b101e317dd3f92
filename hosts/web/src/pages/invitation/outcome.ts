// What the answer to an acceptance means to the person.

export type Outcome = 'wrong' | 'over' | 'unknown' | 'member';

const outcomes: Record<string, Outcome> = {
  invitation_for_another: 'wrong',
  invitation_over: 'over',
  not_found: 'unknown',
  already_member: 'member',
};

/** outcomeOf returns what is known of a refusal; undefined for what is told as a problem. */
export function outcomeOf(code: string | undefined): Outcome | undefined {
  return code !== undefined && Object.hasOwn(outcomes, code) ? outcomes[code] : undefined;
}

/** final reports whether the token is of no use any more, to anybody. */
export function final(outcome: Outcome | undefined): boolean {
  return outcome === 'over' || outcome === 'unknown' || outcome === 'member';
}
