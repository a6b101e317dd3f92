import { lazy, Suspense } from 'react';

// Half of the chat's code is its Markdown. Where the address names a conversation
// it is on its way as soon as the page is there, else once the page has come to
// rest; until it is there an answer is its plain text.
const rest = 3_000;
let coming: Promise<typeof import('./markdown/Markdown')> | undefined;
const load = () => (coming ??= import('./markdown/Markdown'));

if (/^\/chat\/./.test(location.pathname)) void load().catch(() => undefined);
else setTimeout(() => void load().catch(() => undefined), rest);

const Markdown = lazy(() => load().then(({ Markdown: it }) => ({ default: it })));

export function LazyMarkdown({ text, growing }: { text: string; growing: boolean }) {
  return (
    <Suspense fallback={<div className="prose-chat whitespace-pre-wrap">{text}</div>}>
      <Markdown text={text} growing={growing} />
    </Suspense>
  );
}
