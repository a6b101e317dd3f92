import { describe, expect, it } from 'vitest';
import { isEmail } from './email';

describe('isEmail', () => {
  it('catches slips and lets the rest pass', () => {
    for (const good of ['pat@example.org', 'o.neil+chat@sub.example.co.uk', 'jörg@exämple.de', 'root@localhost']) expect(isEmail(good), good).toBe(true);
    for (const bad of ['', 'pat', 'pat@', '@example.org', 'pat @example.org', 'a@b@c', 'Pat <pat@example.org>', 'a@b,c@d', `${'x'.repeat(254)}@a`]) {
      expect(isEmail(bad), bad).toBe(false);
    }
  });
});
