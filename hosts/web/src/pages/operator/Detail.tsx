import { useTranslation } from 'react-i18next';
import type { AccessRequest } from '@/api/queries/access';
import { Badge } from '@/ui/Badge';
import { Button } from '@/ui/Button';
import { CopyButton } from '@/ui/CopyButton';
import { Dialog } from '@/ui/Dialog';
import { Time } from '@/ui/Time';
import { products } from '../access/form';

export const looks = { open: 'accent', approved: 'ok', denied: 'neutral' } as const;

interface Props {
  request: AccessRequest;
  onClose: () => void;
  onApprove: () => void;
  onDeny: () => void;
  onReopen: () => void;
}

/** Detail is a request as it was sent, and what became of it. */
export function Detail({ request: r, onClose, onApprove, onDeny, onReopen }: Props) {
  const { t } = useTranslation('access');
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={r.company}
      description={`${r.email}. ${t('operator.unverified')}`}
      footer={
        <>
          {r.state === 'open' && <Button onClick={onDeny}>{t('operator.deny')}</Button>}
          {r.state === 'open' && (
            <Button look="primary" onClick={onApprove}>
              {t('operator.approve')}
            </Button>
          )}
          {r.state === 'denied' && <Button onClick={onReopen}>{t('operator.reopen')}</Button>}
          {r.state === 'approved' && <Button onClick={onClose}>{t('operator.close')}</Button>}
        </>
      }
    >
      <dl className="flex flex-col gap-4">
        <Fact name={t('operator.columns.state')}>
          <Badge look={looks[r.state]}>{t(`operator.state.${r.state}`)}</Badge>
        </Fact>
        <Fact name={t('operator.columns.products')}>{productNames(r, t)}</Fact>
        <Fact name={t('operator.use')}>
          <span className="whitespace-pre-line">{r.intended_use}</span>
        </Fact>
        <Fact name={t('operator.created')}>
          <Time at={r.created_at} form="moment" /> · {t('operator.times', { count: r.times })}
        </Fact>
        {r.decided_at && (
          <Fact name={t('operator.decided')}>
            <Time at={r.decided_at} form="moment" /> {r.decided_by && t('operator.decidedBy', { who: r.decided_by })}
          </Fact>
        )}
        {r.reason && (
          <Fact name={t('operator.reason')}>
            <span className="whitespace-pre-line">{r.reason}</span>
          </Fact>
        )}
        {r.account_id && (
          <Fact name={t('operator.account')}>
            <ID text={r.account_id} />
          </Fact>
        )}
        <Fact name={t('operator.id')}>
          <ID text={r.id} />
        </Fact>
      </dl>
    </Dialog>
  );
}

/** productNames lists what was asked for, in words. */
export function productNames(r: AccessRequest, t: (key: `product.${(typeof products)[number]}`) => string): string {
  return products
    .filter((p) => r.products.includes(p))
    .map((p) => t(`product.${p}`))
    .join(', ');
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt className="text-xs text-quiet">{name}</dt>
      <dd className="mt-0.5">{children}</dd>
    </div>
  );
}

function ID({ text }: { text: string }) {
  const { t } = useTranslation();
  return (
    <span className="inline-flex items-center gap-1">
      <code className="font-mono text-xs">{text}</code>
      <CopyButton text={text} label={t('ui.copy')} />
    </span>
  );
}
