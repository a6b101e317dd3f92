import { Lock } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useMe, type AreaName } from '@/api/queries/me';
import { told } from '@/i18n/told';
import { CopyTextButton } from '@/ui/CopyButton';
import { areaOf } from './nav';

/** Says why an area is closed and what to do about it; nothing where it is open. */
export function AreaNotice({ area }: { area: AreaName }) {
  const { t } = useTranslation();
  const me = useMe();
  const found = areaOf(me, area);
  if (!found || found.allowed) return null;
  const name = t(`area.${area}`);
  const facts = found.reasons.map(({ code, sentence }) => `${code}: ${sentence}`);
  return (
    <section aria-label={t('area.closed', { area: name })} className="mb-6 flex gap-3 rounded-md border border-line bg-warn-soft px-4 py-3">
      <Lock className="mt-0.5 size-4 shrink-0 text-warn" aria-hidden />
      <div className="min-w-0 flex-1">
        <h2 className="font-medium">{t('area.closed', { area: name })}</h2>
        <ul className="mt-1 flex flex-col gap-1">
          {found.reasons.map((reason) => {
            const { sentence, next } = told('reasons', reason.code, reason.sentence, reason.next_step);
            return (
              <li key={reason.code}>
                {sentence} <span className="text-quiet">{next}</span>
              </li>
            );
          })}
        </ul>
        <div className="mt-2 flex flex-wrap items-center gap-2 text-xs text-quiet">
          <span>
            {t('problem.request')} <code className="font-mono">{me.request_id}</code>
          </span>
          <CopyTextButton size="sm" look="ghost" label={t('problem.copy')} text={[`Area: ${area}`, ...facts, `Request: ${me.request_id}`].join('\n')} />
        </div>
      </div>
    </section>
  );
}
