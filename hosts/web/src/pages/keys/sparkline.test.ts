import { describe, expect, it } from 'vitest';
import { fill, period, spark } from './sparkline';

describe('period', () => {
  it('ends on the day of UTC', () => {
    expect(period(new Date('2026-03-01T00:30:00+02:00'), 30)).toEqual({ from: '2026-01-30', to: '2026-02-28' });
    expect(period(new Date('2028-03-01T12:00:00Z'), 2)).toEqual({ from: '2028-02-29', to: '2028-03-01' });
  });
});

describe('fill', () => {
  it('puts a 0 where nothing was used, over a change of clocks too', () => {
    const days = fill([{ day: '2026-03-29', value: 7 }], '2026-03-27', '2026-03-31');
    expect(days).toEqual([
      { day: '2026-03-27', value: 0 },
      { day: '2026-03-28', value: 0 },
      { day: '2026-03-29', value: 7 },
      { day: '2026-03-30', value: 0 },
      { day: '2026-03-31', value: 0 },
    ]);
  });

  it('leaves out what is outside the period', () => {
    expect(fill([{ day: '2026-01-01', value: 1 }], '2026-01-02', '2026-01-02')).toEqual([{ day: '2026-01-02', value: 0 }]);
  });
});

describe('spark', () => {
  it('stays within its box, with the peak at the top', () => {
    const s = spark([{ day: '2026-01-02', value: 10 }, { day: '2026-01-03', value: 5 }], '2026-01-01', '2026-01-03', 60, 20, 2);
    expect(s.line).toBe('M0 19L30 1L60 10');
    expect(s.area).toBe('M0 19L30 1L60 10L60 20L0 20Z');
    expect([s.peak, s.total]).toEqual([10, 15]);
  });

  it('is a flat line where nothing was used', () => {
    expect(spark([], '2026-01-01', '2026-01-03', 60, 20, 2).line).toBe('M0 19L30 19L60 19');
  });

  it('is a point for a single day', () => {
    expect(spark([{ day: '2026-01-01', value: 3 }], '2026-01-01', '2026-01-01', 60, 20, 2).line).toBe('M0 1');
  });
});
