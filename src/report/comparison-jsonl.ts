import type { ComparisonResult } from '../core/result.js';
import { jsonText } from './json.js';

/** One line with the facts of the run, then one line a row, each with the schema's name. */
export function comparisonJsonl(result: ComparisonResult): string {
  const { rows, schema, ...run } = result;
  const lines = [
    { schema, kind: 'run', ...run },
    ...rows.map((row) => ({ schema, kind: 'row', ...row })),
  ];
  return lines.map((line) => `${jsonText(line)}\n`).join('');
}
