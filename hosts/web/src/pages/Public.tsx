import type { ReactNode } from 'react';
import { Brand } from '@/app/Brand';
import { Looks } from '@/app/Looks';

/** Public is the frame of pages for strangers: no navigation, only the page. */
export function Public({ title, lead, children }: { title: string; lead?: ReactNode; children: ReactNode }) {
  return (
    <div className="flex h-full flex-col items-center overflow-y-auto px-4 py-8">
      <main id="main" tabIndex={-1} className="my-auto w-full max-w-lg py-8 outline-none">
        <Brand className="mb-8 text-base" />
        <h1 className="text-2xl leading-8 font-semibold">{title}</h1>
        {lead && <p className="mt-1 text-quiet">{lead}</p>}
        <div className="mt-6">{children}</div>
      </main>
      <footer className="w-full max-w-sm">
        <Looks />
      </footer>
    </div>
  );
}
