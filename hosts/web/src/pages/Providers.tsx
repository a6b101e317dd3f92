import { useQuery } from '@tanstack/react-query';
import { providersQuery } from '@/api/queries/me';
import { signInURL } from '@/app/signIn';
import { Button } from '@/ui/Button';
import { ProblemCard } from '@/ui/ProblemCard';
import { Skeleton } from '@/ui/Skeleton';

interface Props {
  /** The path to come back to. */
  back: string;
  /** The words of a button. */
  label: (provider: string) => string;
  /** They are to prove themselves anew, as somebody else perhaps. */
  fresh?: boolean;
  onLeave?: () => void;
}

/** Providers are the ways to sign in, and back to this page. */
export function Providers({ back, label, fresh = false, onLeave }: Props) {
  const providers = useQuery(providersQuery);
  if (providers.isPending) return <Skeleton className="h-11 w-full" />;
  if (providers.isError) return <ProblemCard error={providers.error} onRetry={() => void providers.refetch()} retrying={providers.isFetching} />;
  return (
    <div className="flex flex-col gap-2">
      {providers.data.map((p) => (
        <Button key={p.id} look={fresh ? 'secondary' : 'primary'} size="lg" className="w-full" asChild>
          <a href={signInURL(p.sign_in_url, back) + (fresh ? '&fresh=1' : '')} onClick={onLeave}>
            {label(p.name)}
          </a>
        </Button>
      ))}
    </div>
  );
}
