import type { ErrorComponentProps } from '@tanstack/react-router';
import { problemOf } from '@/api/problem';

/** What stands where a page failed. */
export function ErrorPage({ error }: ErrorComponentProps) {
  const problem = problemOf(error);
  return (
    <main>
      <h1>{problem.detail}</h1>
      <p>{problem.request_id}</p>
    </main>
  );
}
