import { describe, expect, it } from 'vitest';
import { Desk, type Deps, type Phase } from './desk';

const problem = (code: string, status = 422) => Object.assign(new Error(code), { code, status });

/** counter is a desk whose server answers as it is told; undefined takes the form. */
function counter(answers: (Error | undefined)[], change: Partial<Deps<string>> = {}) {
  const log: string[] = [];
  const waits: number[] = [];
  const phases: Phase[] = [];
  let made = 0;
  const desk = new Desk<string>({
    challenge: () => Promise.resolve({ challenge: `c${++made}`, difficulty: 1, notBefore: 0 }),
    solve: (work, progress) => { progress(0.5); return Promise.resolve(`proof of ${work.challenge}`); },
    send: (form, challenge, proof) => {
      log.push(`${form} ${challenge} ${proof}`);
      const answer = answers.shift();
      return answer === undefined ? Promise.resolve() : Promise.reject(answer);
    },
    wait: (ms) => { waits.push(ms); return Promise.resolve(); },
    now: () => 1000,
    show: (p) => { phases.push(p); },
    ...change,
  });
  return { desk, log, waits, phases };
}

describe('Desk', () => {
  it('sends the form with its proof', async () => {
    const { desk, log, waits, phases } = counter([undefined]);
    desk.prepare();
    await desk.send('form');
    expect(log).toEqual(['form c1 proof of c1']);
    expect(waits).toEqual([]);
    expect(phases.map((p) => p.name)).toEqual(['working', 'working', 'sending']);
  });

  it('tells how the work goes only while somebody waits for it', async () => {
    let tick: ((chance: number) => void) | undefined;
    let done: ((proof: string) => void) | undefined;
    const { desk, phases } = counter([undefined], {
      solve: (_work, progress) => { tick = progress; return new Promise((resolve) => { done = resolve; }); },
    });
    desk.prepare();
    await Promise.resolve();
    tick?.(0.1);
    expect(phases).toEqual([]);
    const sent = desk.send('form');
    await Promise.resolve();
    tick?.(0.6);
    done?.('p');
    await sent;
    expect(phases).toEqual([{ name: 'working', chance: 0.1 }, { name: 'working', chance: 0.6 }, { name: 'sending' }]);
  });

  it('waits as long as the server wants, but not on the word of two clocks', async () => {
    for (const [notBefore, want] of [[3000, [2000]], [1_000_000, [3000]], [500, []]] as const) {
      const { desk, waits } = counter([undefined], { challenge: () => Promise.resolve({ challenge: 'c', difficulty: 1, notBefore }) });
      await desk.send('form');
      expect(waits).toEqual(want);
    }
  });

  it('waits and sends again what was too quick, with the same challenge', async () => {
    const { desk, log, waits } = counter([problem('too_quick'), undefined]);
    await desk.send('form');
    expect(log).toEqual(['form c1 proof of c1', 'form c1 proof of c1']);
    expect(waits).toEqual([3000]);
  });

  it('gives up on a server that always finds it too quick', async () => {
    const { desk, log } = counter(Array.from({ length: 9 }, () => problem('too_quick')));
    await expect(desk.send('form')).rejects.toThrow('too_quick');
    expect(log).toHaveLength(4);
  });

  it.each(['challenge_expired', 'invalid_challenge', 'invalid_proof'])('gets another challenge by itself: %s', async (code) => {
    const { desk, log } = counter([problem(code), undefined]);
    await desk.send('form');
    expect(log).toEqual(['form c1 proof of c1', 'form c2 proof of c2']);
    const stubborn = counter(Array.from({ length: 9 }, () => problem(code)));
    await expect(stubborn.desk.send('form')).rejects.toThrow(code);
    expect(stubborn.log).toHaveLength(3);
  });

  it('keeps the challenge when the form is not as it should be', async () => {
    const { desk, log } = counter([problem('invalid_email'), undefined]);
    await expect(desk.send('bad')).rejects.toThrow('invalid_email');
    await desk.send('good');
    expect(log).toEqual(['bad c1 proof of c1', 'good c1 proof of c1']);
  });

  it('says that a challenge was used, and takes another when asked', async () => {
    const { desk, log } = counter([problem('challenge_used', 409), undefined]);
    await expect(desk.send('form')).rejects.toThrow('challenge_used');
    desk.renew();
    await desk.send('form');
    expect(log[1]).toBe('form c2 proof of c2');
  });

  it('knows that a form was taken whose answer was lost', async () => {
    for (const lost of [new TypeError('Failed to fetch'), problem('unavailable', 503)]) {
      const { desk, log } = counter([lost, problem('challenge_used', 409)]);
      await expect(desk.send('form')).rejects.toBe(lost);
      await desk.send('form');
      expect(log).toHaveLength(2);
    }
    const refused = counter([problem('invalid_email'), problem('challenge_used', 409)]);
    await expect(refused.desk.send('form')).rejects.toThrow('invalid_email');
    await expect(refused.desk.send('form'), 'nobody took that one').rejects.toThrow('challenge_used');
  });

  it('asks again for a challenge that could not be had', async () => {
    let times = 0;
    const { desk, log } = counter([undefined], {
      challenge: () => (++times === 1 ? Promise.reject(problem('rate_limited', 429)) : Promise.resolve({ challenge: 'c', difficulty: 1, notBefore: 0 })),
    });
    await expect(desk.send('form')).rejects.toThrow('rate_limited');
    await desk.send('form');
    expect(log).toHaveLength(1);
  });
});
