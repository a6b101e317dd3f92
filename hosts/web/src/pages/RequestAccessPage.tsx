import { CircleCheck } from 'lucide-react';
import { Link, useLocation } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useTitle } from '@/app/title';
import { addTexts } from '@/i18n';
import texts from '@/i18n/en/access.json';
import { Button } from '@/ui/Button';
import { CopyTextButton } from '@/ui/CopyButton';
import { Form } from './access/Form';
import { Mine, statusPath } from './access/Mine';
import { Public } from './Public';

addTexts('access', texts);

const link = 'font-medium text-accent underline underline-offset-4';

/** /request-access: anybody may ask; with view=status, what became of it. */
export default function RequestAccessPage() {
  const { t } = useTranslation('access');
  const status = useLocation({ select: ({ searchStr }) => new URLSearchParams(searchStr).get('view') === 'status' });
  const [sent, setSent] = useState<string | null>(null);
  useTitle(status ? t('mine.title') : t('title'));
  if (status) {
    return (
      <Public title={t('mine.title')} lead={t('mine.lead')}>
        <Mine />
        <p className="mt-8 border-t border-line pt-4">
          <Link to="/" className={link}>
            {t('mine.home')}
          </Link>
        </p>
      </Public>
    );
  }
  if (sent !== null) {
    return (
      <Public title={t('title')}>
        <Sent email={sent} onAnother={() => setSent(null)} />
      </Public>
    );
  }
  return (
    <Public title={t('title')} lead={t('lead')}>
      <Form onSent={setSent} />
      <p className="mt-4 border-t border-line pt-4 text-quiet">
        {t('haveOne')}{' '}
        <a href={statusPath} className={link}>
          {t('status')}
        </a>
      </p>
    </Public>
  );
}

function Sent({ email, onAnother }: { email: string; onAnother: () => void }) {
  const { t } = useTranslation('access');
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <div className="flex flex-col gap-4">
      <h2 ref={heading} tabIndex={-1} className="flex items-center gap-2 text-base font-semibold outline-none">
        <CircleCheck className="size-5 shrink-0 text-ok" aria-hidden />
        {t('sent.title')}
      </h2>
      <p>{t('sent.text', { email })}</p>
      <p>
        {t('sent.next')}{' '}
        <a href={statusPath} className={link}>
          {t('sent.status')}
        </a>
      </p>
      <div className="flex flex-wrap gap-2">
        <CopyTextButton text={window.location.origin + statusPath} label={t('sent.copy')} />
        <Button look="ghost" onClick={onAnother}>
          {t('sent.another')}
        </Button>
      </div>
    </div>
  );
}
