import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { providersQuery } from '@/api/queries/me';
import { useTitle } from '@/app/title';

/** /sign-in, and / for strangers. */
export default function SignInPage() {
  const { t } = useTranslation();
  useTitle(t('signIn.title'));
  const providers = useQuery(providersQuery);
  return (
    <main className="mx-auto max-w-md p-8">
      <h1 className="text-xl font-semibold">{t('signIn.title')}</h1>
      {providers.data?.map((p) => (
        <a key={p.id} href={p.sign_in_url}>
          {p.name}
        </a>
      ))}
    </main>
  );
}
