// The plain part of Markdown that such texts are made of. What it does not know
// stays as it was written: nothing of a text that is acknowledged may be lost.

export type Block = { kind: 'heading'; text: string } | { kind: 'paragraph'; text: string } | { kind: 'list'; ordered: boolean; items: string[] };

const item = /^\s*(?:[-*+]|(\d+)[.)])\s+(.*)$/;

/** blocks returns the headings, lists and paragraphs of a text. */
export function blocks(text: string): Block[] {
  const out: Block[] = [];
  let open = false; // whether a line goes on with the last block
  for (const raw of text.replaceAll('\r\n', '\n').split('\n')) {
    const line = raw.trimEnd();
    const last = out.at(-1);
    const heading = /^#{1,6}\s+(.+?)\s*#*$/.exec(line);
    const listed = item.exec(line);
    if (line.trim() === '') {
      open = false;
    } else if (heading) {
      out.push({ kind: 'heading', text: inline(heading[1] ?? '') });
      open = false;
    } else if (listed) {
      const ordered = listed[1] !== undefined;
      const words = inline(listed[2] ?? '');
      if (last?.kind === 'list' && last.ordered === ordered) last.items.push(words);
      else out.push({ kind: 'list', ordered, items: [words] });
      open = true;
    } else if (open && last?.kind === 'list') {
      last.items.push(`${last.items.pop() ?? ''} ${inline(line.trim())}`);
    } else if (open && last?.kind === 'paragraph') {
      last.text += `\n${inline(line.trim())}`;
    } else {
      out.push({ kind: 'paragraph', text: inline(line.trim()) });
      open = true;
    }
  }
  return out;
}

/** inline takes the marks of stress away, and shows where links lead. */
function inline(text: string): string {
  return text
    .replace(/\[([^\]]+)\]\(([^)\s]+)\)/g, '$1 ($2)')
    .replace(/(\*\*|__)(?=\S)(.+?)(?<=\S)\1/g, '$2');
}
