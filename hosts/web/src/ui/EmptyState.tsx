import type { LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';

interface Props {
  icon?: LucideIcon;
  title: string;
  children?: ReactNode;
  /** What to do about it. */
  action?: ReactNode;
  /** The level of its heading. */
  level?: 1 | 2;
}

/** What stands where there is nothing yet, and how to begin. */
export function EmptyState({ icon: Icon, title, children, action, level = 2 }: Props) {
  const Heading = `h${level}` as const;
  return (
    <div className="mx-auto flex max-w-md flex-col items-center px-4 py-12 text-center">
      {Icon && <Icon className="mb-4 size-6 text-faint" aria-hidden />}
      <Heading className="text-base font-semibold">{title}</Heading>
      {children && <div className="mt-2 text-quiet">{children}</div>}
      {action && <div className="mt-6 flex flex-wrap justify-center gap-2">{action}</div>}
    </div>
  );
}
