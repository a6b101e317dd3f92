// Amounts as people type them. Inside, an amount is whole microcredits.

const perCredit = 1_000_000;

/** The largest bound that the API takes, in microcredits. */
export const maxAmount = 1_000_000_000_000_000;

/**
 * parseCredits reads a positive amount of credits with at most six decimals, in
 * microcredits; null if it is none. The last point or comma is the decimal one,
 * and the others group thousands; one alone that could be either, as in 1,000 is
 * refused, because a guess could be a thousand times wrong.
 */
export function parseCredits(text: string): number | null {
  const t = text.trim().replace(/[\s\u00a0\u202f'’]/g, '');
  let whole: string;
  let part = '';
  if (/^\d+$/.test(t)) {
    whole = t;
  } else if (/^\d+[.,]\d{1,6}$/.test(t)) {
    if (/^[1-9]\d{0,2}[.,]\d{3}$/.test(t)) return null;
    [whole = '', part = ''] = t.split(/[.,]/);
  } else if (/^\d{1,3}(,\d{3})+(\.\d{1,6})?$/.test(t) || /^\d{1,3}(\.\d{3})+(,\d{1,6})?$/.test(t)) {
    const groups = t.split(/[.,]/);
    const decimal = t.includes(',') && t.includes('.');
    if (!decimal && groups.length < 3) return null;
    part = decimal ? (groups.pop() ?? '') : '';
    whole = groups.join('');
  } else {
    return null;
  }
  if (whole.length > 10) return null;
  const amount = Number(whole) * perCredit + Number(part.padEnd(6, '0'));
  return amount > 0 && amount <= maxAmount ? amount : null;
}

/** creditsText writes microcredits as parseCredits reads them, without groups. */
export function creditsText(amount: number): string {
  const part = String(amount % perCredit).padStart(6, '0').replace(/0+$/, '');
  const whole = String(Math.floor(amount / perCredit));
  if (part === '') return whole;
  // Three decimals alone could be read as thousands.
  return `${whole}.${part.length === 3 ? `${part}0` : part}`;
}

/** parseCount reads a whole number from 1 to a most; null if it is none. */
export function parseCount(text: string, most = 1_000_000_000): number | null {
  const t = text.trim().replace(/[\s\u00a0\u202f'’]/g, '');
  const plain = /^\d{1,3}([.,]\d{3})+$/.test(t) ? t.replace(/[.,]/g, '') : t;
  if (!/^\d{1,10}$/.test(plain)) return null;
  const n = Number(plain);
  return n >= 1 && n <= most ? n : null;
}
