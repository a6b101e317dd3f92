import { CircleAlert } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Area } from '@/api/queries/me';

interface Props {
  title: string;
  area: Area;
  requestID: string;
  /** What stays as it is meanwhile. */
  children?: React.ReactNode;
}

/** GateClosed says why an area is shut, and what can be done about it. */
export function GateClosed({ title, area, requestID, children }: Props) {
  const { t } = useTranslation();
  return (
    <section aria-label={title} className="rounded-md border border-line bg-warn-soft px-4 py-3">
      <div className="flex gap-3">
        <CircleAlert className="mt-0.5 size-4 shrink-0 text-warn" aria-hidden />
        <div className="min-w-0">
          <h2 className="font-medium">{title}</h2>
          <ul className="mt-1 flex flex-col gap-1">
            {area.reasons.map((r) => (
              <li key={r.code}>
                {r.sentence} <span className="text-quiet">{r.next_step}</span>
              </li>
            ))}
          </ul>
          {children && <p className="mt-2 text-quiet">{children}</p>}
          <p className="mt-2 text-xs text-quiet">
            {t('problem.request')} <code className="font-mono">{requestID}</code>
          </p>
        </div>
      </div>
    </section>
  );
}
