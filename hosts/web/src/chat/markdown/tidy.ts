import type { ExtraProps } from 'react-markdown';

type Element = NonNullable<ExtraProps['node']>;

/** A document or an element of it. */
interface Parent {
  children: Element['children'] | { type: string }[];
}

/**
 * Takes from an answer's elements what would reach beyond the answer: names that
 * others could refer to, or be taken for.
 */
export function tidy() {
  return (root: Parent) => walk(root);
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
