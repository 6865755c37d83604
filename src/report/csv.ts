import { printable } from './printable.js';

type CsvValue = string | number | boolean | null;

/** What each column is called, with its unit, and holds. Added at the end and never renamed. */
export type CsvColumns<Row> = Readonly<Record<string, (row: Row) => CsvValue>>;

/** RFC 4180: one line a row, each ended, nulls empty. */
export function* csvLines<Row>(
  columns: CsvColumns<Row>,
  rows: Iterable<Row>,
  headers = true,
): Iterable<string> {
  if (headers) yield `${Object.keys(columns).join(',')}\r\n`;
  const values = Object.values(columns);
  for (const row of rows) yield `${values.map((value) => field(value(row))).join(',')}\r\n`;
}

function field(value: CsvValue): string {
  if (value === null) return '';
  const text = printable(String(value));
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
