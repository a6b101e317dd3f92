import { isValidElement, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { CopyButton } from '@/ui/CopyButton';

/** Code with its language and a way to copy it. */
export function CodeBlock({ children }: { children?: ReactNode }) {
  const { t } = useTranslation('chat');
  const language = languageOf(children);
  return (
    <div className="code-block">
      <div className="code-head">
        <span>{language || t('code.plain')}</span>
        <CopyButton text={textOf(children)} label={t('code.copy')} />
      </div>
      <pre tabIndex={0} role="group" aria-label={t('code.label', { language: language || t('code.plain') })}>
        {children}
      </pre>
    </div>
  );
}

function languageOf(children: ReactNode): string {
  if (!isValidElement<{ className?: string }>(children)) return '';
  return /(?:^|\s)language-([\w+#.-]{1,30})/.exec(children.props.className ?? '')?.[1] ?? '';
}

/** The text in elements, without their marks. */
function textOf(node: ReactNode): string {
  if (typeof node === 'string' || typeof node === 'number') return String(node);
  if (Array.isArray(node)) return node.map(textOf).join('');
  return isValidElement<{ children?: ReactNode }>(node) ? textOf(node.props.children) : '';
}
