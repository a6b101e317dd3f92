import type { ExtraProps } from 'react-markdown';

type Element = NonNullable<ExtraProps['node']>;

/** A document or an element of it. */
interface Parent {
  children: Element['children'] | { type: string }[];
}

/**
 * Takes from an answer's elements what would reach beyond the answer: names that
 * others could refer to, or be taken for. HTML that stands by itself becomes a
 * paragraph of text.
 */
export function tidy() {
  return (root: Parent) => {
    walk(root);
    root.children = (root.children as Node[]).map((child) =>
      child.type === 'raw' ? { type: 'element', tagName: 'p', properties: {}, children: [{ type: 'text', value: child.value ?? '' }] } : child,
    ) as Parent['children'];
  };
}

interface Node {
  type: string;
  value?: string;
}

function walk(node: Parent) {
  for (const child of node.children) {
    if (!isElement(child)) continue;
    delete child.properties.id;
    delete child.properties.name;
    delete child.properties.ariaDescribedBy;
    delete child.properties.ariaLabel;
    walk(child);
  }
}

function isElement(node: { type: string }): node is Element {
  return node.type === 'element';
}
