import { describe, expect, it } from 'vitest';
import { blocks } from './blocks';

describe('blocks', () => {
  it('reads headings, lists and paragraphs', () => {
    const text = '# Where data goes\n\nPrompts go to **model providers**\nin the EU.\n\n- Names\n- Sizes\n  and types\n\n1. First\n2) Second\nSee [the list](https://example.com/x).\r\n';
    expect(blocks(text)).toEqual([
      { kind: 'heading', text: 'Where data goes' },
      { kind: 'paragraph', text: 'Prompts go to model providers\nin the EU.' },
      { kind: 'list', ordered: false, items: ['Names', 'Sizes and types'] },
      { kind: 'list', ordered: true, items: ['First', 'Second See the list (https://example.com/x).'] },
    ]);
  });

  it('loses nothing that it does not know', () => {
    const odd = '| a | b |\n|---|---|\n\n> quoted\n\n<script>alert(1)</script>\n\n#no heading\n\n2026 was a year\n\nsnake__case__name ** alone';
    const shown = blocks(odd).map((b) => (b.kind === 'list' ? b.items.join(' ') : b.text)).join(' ');
    for (const word of odd.split(/\s+/).filter((w) => w !== 'snake__case__name')) expect(shown).toContain(word);
  });

  it('is empty for nothing', () => {
    expect(blocks(' \n\n')).toEqual([]);
  });
});
