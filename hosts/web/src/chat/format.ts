/** How numbers of the chat are written. Sums are microcredits: a millionth of a credit. */

const million = 1_000_000;

/** Credits as a person wants them: two places, or as many digits as say something of little. */
export function credits(microcredits: number, language: string): string {
  const value = microcredits / million;
  const small = value !== 0 && Math.abs(value) < 1;
  return new Intl.NumberFormat(language, small ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 2 }).format(value);
}

/** The sum as it is booked. */
export function exact(microcredits: number, language: string): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: 6 }).format(microcredits / million);
}

export function count(n: number, language: string): string {
  return new Intl.NumberFormat(language).format(n);
}

/** A time span: milliseconds while it is short, then seconds, then minutes. */
export function span(ms: number, language: string): string {
  const unit = (value: number, name: string, digits: number) =>
    new Intl.NumberFormat(language, { style: 'unit', unit: name, unitDisplay: 'short', maximumFractionDigits: digits }).format(value);
  if (ms < 1000) return unit(ms, 'millisecond', 0);
  if (ms < 60_000) return unit(ms / 1000, 'second', 1);
  return `${unit(Math.floor(ms / 60_000), 'minute', 0)} ${unit(Math.round((ms % 60_000) / 1000), 'second', 0)}`;
}

/** The time of day, with the date where it is another day. */
export function moment(at: string, language: string): string {
  const date = new Date(at);
  const today = date.toDateString() === new Date().toDateString();
  return new Intl.DateTimeFormat(language, today ? { timeStyle: 'short' } : { dateStyle: 'medium', timeStyle: 'short' }).format(date);
}
