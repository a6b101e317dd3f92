import { createContext, useContext, useId, type ReactNode } from 'react';
import { cx } from './cx';

interface Wiring {
  id: string;
  describedBy: string | undefined;
  invalid: boolean;
  required: boolean;
}

const Wires = createContext<Wiring | null>(null);

/** The attributes that tie an input to the label, hint and error of the field around it. */
export function useField() {
  const wires = useContext(Wires);
  if (!wires) return {};
  return { id: wires.id, 'aria-describedby': wires.describedBy, 'aria-invalid': wires.invalid || undefined, required: wires.required || undefined };
}

interface Props {
  label: ReactNode;
  /** What to know before typing. */
  hint?: ReactNode;
  /** What is wrong with it. */
  error?: ReactNode;
  required?: boolean;
  /** For inputs that need no visible label. */
  hideLabel?: boolean;
  children: ReactNode;
  className?: string;
}

/** One input with its label, a hint, and what is wrong with it. */
export function Field({ label, hint, error, required = false, hideLabel = false, children, className }: Props) {
  const id = useId();
  const told = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
  return (
    <div className={cx('flex flex-col gap-1.5', className)}>
      <label htmlFor={id} className={hideLabel ? 'sr-only' : 'font-medium'}>
        {label}
      </label>
      <Wires.Provider value={{ id, describedBy: told || undefined, invalid: Boolean(error), required }}>{children}</Wires.Provider>
      {hint && (
        <p id={`${id}-hint`} className="text-xs text-quiet">
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} role="alert" className="text-xs text-danger">
          {error}
        </p>
      )}
    </div>
  );
}
