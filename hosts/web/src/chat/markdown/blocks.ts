/** A piece of Markdown that can be drawn by itself. */
export interface Block {
  /** Where it begins in the text: what it is known by while the text grows. */
  at: number;
  text: string;
  /** What would take a parser too long is shown as it is. */
  plain: boolean;
}

const longestLine = 10_000;
const longestBlock = 60_000;
const longestWhole = 40_000;

const fenceStart = /^[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}|~{3,})(.*)$/;
// Each level of quotes and lists is a level of the parser's stack.
const deep = /^(?:[ \t]*(?:[>*+-]|\d{1,9}[.)])){40}/m;
const listItem = /^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)/;
const definition = /^ {0,3}\[[^\]\n]+\]:/m;

/**
 * Cuts Markdown at blank lines between blocks, so that while an answer grows only
 * its last block is parsed anew. Text that refers to definitions elsewhere in it
 * stays whole while it is short.
 */
export function blocks(text: string): Block[] {
  if (text.length <= longestWhole && definition.test(text)) return [block(0, text)];
  const out: Block[] = [];
  let start = 0;
  let list = false;
  let empty = true;
  let blank = false;
  let fence = '';
  let math = false;
  let at = 0;
  while (at < text.length) {
    let end = text.indexOf('\n', at);
    if (end < 0) end = text.length;
    const line = text.slice(at, Math.min(end, at + longestLine));
    if (fence !== '') {
      if (closes(line, fence)) fence = '';
    } else if (math) {
      if (line.includes('$$')) math = false;
    } else if (line.trim() === '') {
      blank = true;
      at = end + 1;
      continue;
    } else {
      const item = listItem.test(line);
      if (blank && !empty && !/^[ \t]/.test(line) && !(list && item)) {
        out.push(block(start, text.slice(start, at)));
        start = at;
        empty = true;
      }
      if (empty) list = item;
      const open = fenceStart.exec(line);
      if (open?.[1] && !(open[1].startsWith('`') && open[2]?.includes('`'))) fence = open[1];
      else if (/^\s*\$\$/.test(line) && !line.trim().slice(2).includes('$$')) math = true;
    }
    empty = false;
    blank = false;
    at = end + 1;
  }
  if (!empty) out.push(block(start, text.slice(start)));
  return out;
}

function closes(line: string, fence: string): boolean {
  const t = line.trim();
  return t.length >= fence.length && t === (fence[0] ?? '').repeat(t.length);
}

function block(at: number, text: string): Block {
  return { at, text, plain: text.length > longestBlock || hasLongLine(text) || deep.test(text) };
}

function hasLongLine(text: string): boolean {
  if (text.length <= longestLine) return false;
  for (let at = 0; at < text.length;) {
    let end = text.indexOf('\n', at);
    if (end < 0) end = text.length;
    if (end - at > longestLine) return true;
    at = end + 1;
  }
  return false;
}
