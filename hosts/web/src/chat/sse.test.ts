import { describe, expect, test } from 'vitest';
import { EventReader } from './sse';

const bytes = (s: string) => new TextEncoder().encode(s);

describe('EventReader', () => {
  const stream = 'event: text\r\nid: 5\r\ndata: {"text":"hällo"}\r\n\r\n: beat\n\ndata: a\ndata:b\ndata\n\nid: 9\revent: end\rdata: {}\r\r';
  const want = [
    { event: 'text', data: '{"text":"hällo"}', id: '5' },
    { event: 'message', data: 'a\nb\n', id: '5' },
    { event: 'end', data: '{}', id: '9' },
  ];

  test('reads it in one piece', () => {
    expect(new EventReader().push(bytes(stream))).toEqual(want);
  });

  test('reads it however it is cut', () => {
    const all = bytes(stream);
    for (let cut = 1; cut < all.length; cut++) {
      const r = new EventReader();
      expect([...r.push(all.slice(0, cut)), ...r.push(all.slice(cut))]).toEqual(want);
    }
    const r = new EventReader();
    expect(Array.from(all, (b) => r.push(new Uint8Array([b]))).flat()).toEqual(want);
  });

  test('a CR and a LF in two pieces are one break', () => {
    const r = new EventReader();
    expect(r.push(bytes('data: a\r'))).toEqual([]);
    expect(r.push(bytes('\ndata: b\r'))).toEqual([]);
    expect(r.push(bytes('\n\r\n'))).toEqual([{ event: 'message', data: 'a\nb', id: '' }]);
  });

  test('an event without data is none, and an ID with NUL is not taken', () => {
    expect(new EventReader().push(bytes('event: x\n\nid: a\0b\ndata: y\n\n'))).toEqual([{ event: 'message', data: 'y', id: '' }]);
  });

  test('a line without an end is refused', () => {
    const r = new EventReader();
    expect(() => {
      for (let i = 0; i < 10; i++) r.push(bytes('x'.repeat(1 << 20)));
    }).toThrow();
  });
});
