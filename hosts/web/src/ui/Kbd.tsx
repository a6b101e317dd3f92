/** A key of the keyboard. */
export function Kbd({ children }: { children: string }) {
  return <kbd className="inline-flex min-w-5 items-center justify-center rounded-sm border border-line-strong bg-sunken px-1 font-sans text-xs text-quiet">{children}</kbd>;
}
