// What a sparkline draws, worked out apart from the drawing.

export interface Day {
  /** Of UTC, as in 2026-03-01. */
  day: string;
  value: number;
}

export interface Spark {
  /** Every day of the period, those without use as 0. */
  days: Day[];
  /** The shape of the line, as the d of a path. */
  line: string;
  /** The same, closed along the bottom. */
  area: string;
  peak: number;
  total: number;
}

const aDay = 86_400_000;

/** period returns the first and the last of a number of days that end today. */
export function period(now: Date, count: number): { from: string; to: string } {
  const today = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate());
  return { from: dayOf(today - (count - 1) * aDay), to: dayOf(today) };
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** fill returns every day from the first to the last. */
export function fill(used: Day[], from: string, to: string): Day[] {
  const values = new Map(used.map((d) => [d.day, d.value]));
  const out: Day[] = [];
  const last = Date.parse(`${to}T00:00:00Z`);
  for (let at = Date.parse(`${from}T00:00:00Z`); at <= last; at += aDay) {
    const day = dayOf(at);
    out.push({ day, value: values.get(day) ?? 0 });
  }
  return out;
}

/**
 * spark fits the days into a box. A line needs room above and below, so that
 * its stroke is not cut.
 */
export function spark(used: Day[], from: string, to: string, width: number, height: number, stroke = 1.5): Spark {
  const days = fill(used, from, to);
  const peak = days.reduce((most, d) => Math.max(most, d.value), 0);
  const total = days.reduce((sum, d) => sum + d.value, 0);
  const top = stroke / 2;
  const bottom = height - stroke / 2;
  const step = days.length > 1 ? width / (days.length - 1) : 0;
  const points = days.map((d, i) => {
    const y = peak > 0 ? bottom - (d.value / peak) * (bottom - top) : bottom;
    return `${round(i * step)} ${round(y)}`;
  });
  const line = points.length > 0 ? `M${points.join('L')}` : '';
  const area = line && `${line}L${round(step * (days.length - 1))} ${height}L0 ${height}Z`;
  return { days, line, area, peak, total };
}

function round(n: number): number {
  return Math.round(n * 100) / 100;
}
