import { Link, useRouter, type ErrorComponentProps } from '@tanstack/react-router';
import { LifeBuoy, RotateCw } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { problemOf } from '@/api/problem';
import { told } from '@/i18n/told';
import { Button } from '@/ui/Button';
import { copy, CopyTextButton } from '@/ui/CopyButton';
import { toast } from '@/ui/toast';
import { useLine } from './online';
import { useInShell } from './slots';
import { caseText } from './support';
import { useTitle } from './title';

/** What stands where a page failed: what happened, the request to name, and what to do. */
export function ErrorPage({ error, reset }: ErrorComponentProps) {
  const { t } = useTranslation();
  const router = useRouter();
  const [again, setAgain] = useState(false);
  const problem = problemOf(error);
  const unreachable = problem.code === 'unreachable';
  const { sentence, next } = told('problems', problem.code, problem.detail, problem.next_step);
  const Part = useInShell() ? 'div' : 'main';
  useTitle(t('error.title'));
  const lost = useRef(false);
  const retry = async () => {
    lost.current = false;
    setAgain(true);
    await router.invalidate();
    setAgain(false);
    reset();
  };
  // What failed for want of the server is tried again once it is back.
  const line = useLine();
  useEffect(() => {
    if (line !== 'up') lost.current = true;
    else if (lost.current && unreachable) void retry();
  });
  const open = async () => {
    // Until there is an area for cases, its text is handed over to be sent.
    if (await copy(caseText(problem))) toast({ title: t('error.caseCopied'), description: t('error.caseNext'), look: 'ok', duration: 10_000 });
    else toast({ title: t('ui.copyFailed'), look: 'danger' });
  };
  return (
    <Part className="mx-auto flex min-h-full max-w-xl flex-col justify-center px-6 py-12">
      <div role="alert">
        <h1 className="text-xl leading-7 font-semibold">{t('error.title')}</h1>
        <p className="mt-2 text-quiet">{unreachable ? t('problem.unreachable') : problem.code === 'browser_error' ? t('error.browser') : sentence}</p>
        {(next || unreachable) && <p className="mt-1 text-quiet">{next || t('problem.unreachableNext')}</p>}
        {problem.code === 'browser_error' && <p className="mt-4 rounded-md bg-hover px-3 py-2 font-mono text-xs">{problem.detail}</p>}
        {problem.request_id && (
          <p className="mt-4 text-quiet">
            {t('problem.request')} <code className="font-mono text-xs">{problem.request_id}</code>
          </p>
        )}
      </div>
      <div className="mt-6 flex flex-wrap gap-2">
        <Button look="primary" busy={again} onClick={() => void retry()}>
          {!again && <RotateCw className="size-4" aria-hidden />}
          {t('problem.retry')}
        </Button>
        <CopyTextButton text={caseText(problem)} label={t('problem.copy')} />
        <Button onClick={() => void open()}>
          <LifeBuoy className="size-4" aria-hidden />
          {t('error.case')}
        </Button>
        <Button asChild look="ghost">
          <Link to="/chat">{t('notFound.home')}</Link>
        </Button>
      </div>
    </Part>
  );
}
