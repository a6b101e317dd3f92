import type { Element, Root } from 'hast';
import { fromHtmlIsomorphic } from 'hast-util-from-html-isomorphic';
import { toText } from 'hast-util-to-text';
import katex from 'katex';
import { SKIP, visit } from 'unist-util-visit';

/**
 * Sets mathematics as MathML. It does what rehype-katex does, save that no style
 * attribute is ever read: KaTeX writes some, for its errors among others, and the
 * page's policy is broken by the mere parsing of one.
 */
export function rehypeMath() {
  return (tree: Root) => {
    visit(tree, 'element', (element, index, parent) => {
      const display = has(element, 'math-display');
      if (index === undefined || parent === undefined || (!display && !has(element, 'math-inline'))) return undefined;
      const block = display && parent.type === 'element' && parent.tagName === 'pre';
      const set = mathML(toText(element, { whitespace: 'pre' }), display);
      if (set === undefined) return SKIP; // it stands there as it was written
      if (block) {
        parent.tagName = 'div';
        parent.properties = {};
      }
      parent.children.splice(index, 1, ...set);
      return [SKIP, index + set.length];
    });
  };
}

const has = (element: Element, name: string) => Array.isArray(element.properties.className) && element.properties.className.includes(name);

function mathML(tex: string, displayMode: boolean): Element[] | undefined {
  try {
    const html = katex.renderToString(tex, { output: 'mathml', displayMode, throwOnError: true, strict: false, trust: false, maxExpand: 200, maxSize: 20 });
    // Quotes in what was written are escaped by KaTeX: those that stand there are its own.
    return fromHtmlIsomorphic(html.replace(/ style="[^"]*"/g, ''), { fragment: true }).children.filter((n) => n.type === 'element');
  } catch {
    return undefined;
  }
}
