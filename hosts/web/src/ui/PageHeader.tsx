import type { ReactNode } from 'react';

/** The head of a page: its title, a sentence, what can be done. */
export function PageHeader({ title, lead, children }: { title: string; lead?: ReactNode; children?: ReactNode }) {
  return (
    <header className="mb-6 flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
      <div className="min-w-0">
        <h1 className="text-xl leading-7 font-semibold">{title}</h1>
        {lead && <p className="mt-1 max-w-prose text-quiet">{lead}</p>}
      </div>
      {children && <div className="flex flex-wrap gap-2">{children}</div>}
    </header>
  );
}
