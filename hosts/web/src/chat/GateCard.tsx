import { Link } from '@tanstack/react-router';
import { Lock } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { type Area, useMe } from '@/api/queries/me';
import { told } from '@/i18n/told';
import { Button } from '@/ui/Button';
import { CopyTextButton } from '@/ui/CopyButton';

/** G6: why chat is closed for this person now, and what would open it. */
export function GateCard({ area }: { area: Area }) {
  const { t } = useTranslation('chat');
  const me = useMe();
  return (
    <div role="status" data-testid="gate-card" className="rounded-md border border-line bg-warn-soft px-4 py-3">
      <div className="flex gap-3">
        <Lock className="mt-0.5 size-4 shrink-0 text-warn" aria-hidden />
        <div className="min-w-0 flex-1">
          {area.reasons.map((r) => {
            const { sentence, next } = told('reasons', r.code, r.sentence, r.next_step);
            return (
              <div key={r.code} data-code={r.code} className="mb-2">
                <p className="font-medium">{sentence}</p>
                <p className="mt-0.5 text-quiet">{next}</p>
              </div>
            );
          })}
          <p className="text-xs text-quiet">
            {t('failed.request')} <code className="font-mono">{me.request_id}</code>
          </p>
          <div className="mt-3 flex flex-wrap gap-2">
            {area.reasons.some((r) => r.code === 'boundary_unacknowledged') && me.session.role === 'admin' && (
              <Button size="sm" asChild>
                <Link to="/setup">{t('gate.setup')}</Link>
              </Button>
            )}
            <CopyTextButton size="sm" look="ghost" text={me.request_id} label={t('failed.copyRequest')} />
          </div>
        </div>
      </div>
    </div>
  );
}
