import { blocks, type Block } from './blocks';

/** BoundaryText shows the text: its headings, lists and paragraphs. Links stand as their address. */
export function BoundaryText({ label, text }: { label: string; text: string }) {
  return (
    <div role="region" aria-label={label} tabIndex={0} className="max-h-96 max-w-prose overflow-y-auto rounded-md border border-line bg-sunken px-4 py-3">
      <div className="flex flex-col gap-3">
        {blocks(text).map((b, i) => (
          <Piece key={i} block={b} />
        ))}
      </div>
    </div>
  );
}

function Piece({ block }: { block: Block }) {
  switch (block.kind) {
    case 'heading':
      return <h3 className="pt-1 font-semibold">{block.text}</h3>;
    case 'list': {
      const items = block.items.map((item, i) => <li key={i}>{item}</li>);
      return block.ordered ? <ol className="list-decimal space-y-1 pl-5">{items}</ol> : <ul className="list-disc space-y-1 pl-5">{items}</ul>;
    }
    default:
      return <p className="whitespace-pre-line">{block.text}</p>;
  }
}
