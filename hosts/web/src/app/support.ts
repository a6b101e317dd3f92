/** What to tell support of a failure: IDs, codes and places, never what was typed. */
import type { Problem } from '@/api/client';

export function caseText(problem: Problem, at: Date = new Date()): string {
  const lines = [
    `What happened: ${problem.detail}`,
    `Code: ${problem.code}${problem.status ? ` (${problem.status})` : ''}`,
    problem.request_id && `Request: ${problem.request_id}`,
    problem.param && `Input: ${problem.param}`,
    `Page: ${window.location.host}${window.location.pathname}`,
    `Time: ${at.toISOString()}`,
    `Browser: ${navigator.userAgent}`,
  ];
  return lines.filter(Boolean).join('\n');
}
