import type { ReactNode } from 'react';
import { cx } from './cx';

export interface Column<Row> {
  key: string;
  header: ReactNode;
  cell: (row: Row) => ReactNode;
  /** Numbers stand right. */
  align?: 'right';
  /** Left out on phones. */
  desk?: boolean;
  /** The header is for screen readers alone, as over buttons. */
  quiet?: boolean;
  className?: string;
}

interface Props<Row> {
  /** What the table holds, for screen readers. */
  caption: string;
  columns: Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** Attributes of a row, such as a data-testid. */
  rowProps?: (row: Row) => Record<`data-${string}`, string | undefined>;
}

/** Rows with hairlines between them. A wide one scrolls sideways within itself. */
export function Table<Row>({ caption, columns, rows, rowKey, rowProps }: Props<Row>) {
  return (
    <div className="overflow-x-auto rounded-md border border-line" role="region" aria-label={caption} tabIndex={0}>
      <table className="w-full border-collapse text-left">
        <caption className="sr-only">{caption}</caption>
        <thead>
          <tr className="border-b border-line bg-sunken">
            {columns.map((c) => (
              <th key={c.key} scope="col" className={cx('px-4 py-2 text-xs font-medium whitespace-nowrap text-quiet', c.align === 'right' && 'text-right', c.desk && 'phone:hidden')}>
                {c.quiet ? <span className="sr-only">{c.header}</span> : c.header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)} className="border-b border-line last:border-0" {...rowProps?.(row)}>
              {columns.map((c) => (
                <td key={c.key} className={cx('px-4 py-2.5 align-middle', c.align === 'right' && 'text-right tabular-nums', c.desk && 'phone:hidden', c.className)}>
                  {c.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
