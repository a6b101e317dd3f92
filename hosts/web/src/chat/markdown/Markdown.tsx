import { memo, type ReactNode, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import ReactMarkdown, { type Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import { type Block, blocks } from './blocks';
import { CodeBlock } from './CodeBlock';
import { safeAddress, shownAddress } from './links';
import { mathDelimiters, mayHaveMath } from './math';
import { PlainOnError } from './PlainOnError';
import { type Plugins, usePlugins, want } from './plugins';
import { tidy } from './tidy';

/**
 * Text of a model as Markdown. HTML in it is text, images are links that load
 * nothing, and links lead only to the web and to mail: the model is a stranger
 * that may repeat what other strangers wrote.
 */
export const Markdown = memo(function Markdown({ text, growing }: { text: string; growing?: boolean }) {
  const parts = useMemo(() => blocks(text), [text]);
  const plugins = usePlugins();
  return (
    <div className="prose-chat">
      {parts.map((b, i) => (
        <PlainOnError key={b.at} text={b.text}>
          <Part block={b.text} plain={b.plain} growing={growing === true && i === parts.length - 1} plugins={plugins} />
        </PlainOnError>
      ))}
    </div>
  );
});

interface PartProps {
  block: Block['text'];
  plain: boolean;
  growing: boolean;
  plugins: Plugins;
}

// Highlighting a long block anew with each word costs more than it shows.
const highlightWhileGrowing = 4_000;
const highlightAtMost = 40_000;

const Part = memo(function Part({ block, plain, growing, plugins }: PartProps) {
  if (plain) return <p className="whitespace-pre-wrap">{block}</p>;
  const math = mayHaveMath(block);
  const code = block.includes('```') || block.includes('~~~');
  if (math) want('math');
  if (code) want('code');
  const useMath = math && plugins.math;
  const useCode = code && plugins.code && block.length < (growing ? highlightWhileGrowing : highlightAtMost);
  return (
    <ReactMarkdown
      remarkPlugins={useMath ? [remarkGfm, ...useMath.remark] : [remarkGfm]}
      rehypePlugins={[tidy, ...(useMath ? useMath.rehype : []), ...(useCode && plugins.code ? plugins.code : [])]}
      urlTransform={safeAddress}
      components={components}
    >
      {useMath ? mathDelimiters(block) : block}
    </ReactMarkdown>
  );
});

const components: Components = {
  a: ({ href, children }) => <Link address={href}>{children}</Link>,
  img: ({ src, alt }) => <Image address={typeof src === 'string' ? src : undefined} alt={alt} />,
  pre: ({ children }) => <CodeBlock>{children}</CodeBlock>,
  table: ({ children }) => <Table>{children}</Table>,
  input: ({ checked }) => <Box checked={checked === true} />,
  // A model skips levels as it likes, which would break the page's outline: all
  // stand under the message's own heading, and only look different.
  h1: ({ children }) => <h3 data-level="1">{children}</h3>,
  h2: ({ children }) => <h3 data-level="2">{children}</h3>,
  h3: ({ children }) => <h3 data-level="3">{children}</h3>,
  h4: ({ children }) => <h3 data-level="4">{children}</h3>,
  h5: ({ children }) => <h3 data-level="5">{children}</h3>,
  h6: ({ children }) => <h3 data-level="6">{children}</h3>,
};

function Link({ address, children }: { address?: string; children?: ReactNode }) {
  const to = safeAddress(address);
  if (to === '') return <span>{children}</span>;
  return (
    <a href={to} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

/** Fetching an image would tell its server who reads and when, so it is a link. */
function Image({ address, alt }: { address?: string; alt?: string }) {
  const { t } = useTranslation('chat');
  const to = safeAddress(address);
  const name = alt || t('image');
  if (to === '') return <span>{name}</span>;
  return (
    <Link address={to}>
      {name} ({shownAddress(to)})
    </Link>
  );
}

function Table({ children }: { children?: ReactNode }) {
  const { t } = useTranslation('chat');
  return (
    <div className="table-scroll" role="group" aria-label={t('table')} tabIndex={0}>
      <table>{children}</table>
    </div>
  );
}

function Box({ checked }: { checked: boolean }) {
  const { t } = useTranslation('chat');
  return (
    <span role="img" aria-label={t(checked ? 'task.done' : 'task.open')} className="task-box">
      {checked ? '☑' : '☐'}
    </span>
  );
}
