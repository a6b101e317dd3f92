import { Link } from '@tanstack/react-router';
import { Building2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useMe } from '@/api/queries/me';
import { Button } from '@/ui/Button';
import { EmptyState } from '@/ui/EmptyState';
import { useTitle } from './title';

/** What stands on the pages of an account for somebody who belongs to none. */
export function NoAccount() {
  const { t } = useTranslation();
  const { user, accounts } = useMe();
  useTitle(t('noAccount.title'));
  return (
    <EmptyState
      icon={Building2}
      level={1}
      title={t('noAccount.title')}
      action={
        <Button asChild look="primary">
          <Link to="/request-access">{t('signIn.request')}</Link>
        </Button>
      }
    >
      {accounts.length > 0 ? t('noAccount.choose') : user?.email ? t('noAccount.textFor', { email: user.email }) : t('noAccount.text')}
    </EmptyState>
  );
}
