import { lazy, Suspense } from 'react';

// Half of the chat's code is its Markdown. It is on its way as soon as the page
// is there, and until it has come an answer is its plain text.
const loading = import('./markdown/Markdown');
const Markdown = lazy(() => loading.then(({ Markdown: it }) => ({ default: it })));

export function LazyMarkdown({ text, growing }: { text: string; growing: boolean }) {
  return (
    <Suspense fallback={<div className="prose-chat whitespace-pre-wrap">{text}</div>}>
      <Markdown text={text} growing={growing} />
    </Suspense>
  );
}
