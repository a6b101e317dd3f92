import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button, type ButtonProps } from './Button';
import { IconButton } from './IconButton';
import { toast } from './toast';

/** Puts a text on the clipboard; false if the browser does not let it. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyOld(text);
  }
}

/** The way of pages without TLS, which have no clipboard. */
function copyOld(text: string): boolean {
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'fixed opacity-0';
  const focused = document.activeElement;
  (focused?.closest('[role="dialog"],[role="alertdialog"]') ?? document.body).append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return done;
}

/** Copies, shows for two seconds that it did, and says so to screen readers. */
export function useCopy() {
  const { t } = useTranslation();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  const run = async (text: string) => {
    if (await copy(text)) setCopied(true);
    else toast({ title: t('ui.copyFailed'), look: 'danger' });
  };
  return { copied, copy: run };
}

interface Props {
  text: string;
  /** What is copied, such as "Copy request ID". */
  label: string;
  size?: 'sm' | 'md';
  className?: string;
}

/** An icon that copies. */
export function CopyButton({ text, label, size = 'sm', className }: Props) {
  const { t } = useTranslation();
  const { copied, copy: run } = useCopy();
  return (
    <>
      <IconButton icon={copied ? Check : Copy} label={copied ? t('ui.copied') : label} size={size} className={className} onClick={() => void run(text)} />
      <span className="sr-only" role="status">
        {copied && t('ui.copied')}
      </span>
    </>
  );
}

/** A button with words that copies. */
export function CopyTextButton({ text, label, ...rest }: { text: string; label: string } & Omit<ButtonProps, 'children' | 'onClick'>) {
  const { t } = useTranslation();
  const { copied, copy: run } = useCopy();
  return (
    <Button {...rest} onClick={() => void run(text)}>
      {copied ? <Check className="size-4" aria-hidden /> : <Copy className="size-4" aria-hidden />}
      <span aria-live="polite">{copied ? t('ui.copied') : label}</span>
    </Button>
  );
}
