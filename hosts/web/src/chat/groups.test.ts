import { expect, test } from 'vitest';
import { groups } from './groups';
import type { Thread } from './types';

const thread = (id: string, updated: Date, pinned = false): Thread => ({
  id,
  title: id,
  named: false,
  pinned,
  archived: false,
  messages: 0,
  created_at: updated.toISOString(),
  updated_at: updated.toISOString(),
});

test('C1 threads stand under the days of whoever looks', () => {
  const now = new Date(2026, 2, 10, 9, 30);
  const list = [
    thread('pin', new Date(2020, 0, 1), true),
    thread('now', new Date(2026, 2, 10, 0, 0)),
    thread('last night', new Date(2026, 2, 9, 23, 59)),
    thread('a week ago', new Date(2026, 2, 3, 0, 0)),
    thread('before', new Date(2026, 2, 2, 23, 59)),
    thread('long ago', new Date(2024, 2, 2)),
  ];
  expect(groups(list, now).map((g) => [g.name, g.threads.map((t) => t.id)])).toEqual([
    ['pinned', ['pin']],
    ['today', ['now']],
    ['yesterday', ['last night']],
    ['week', ['a week ago']],
    ['older', ['before', 'long ago']],
  ]);
});
