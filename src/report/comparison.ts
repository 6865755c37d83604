import type { ComparisonResult } from '../core/result.js';
import { comparisonCsv } from './comparison-csv.js';
import { comparisonJsonl } from './comparison-jsonl.js';
import { comparisonMarkdown } from './comparison-markdown.js';
import { comparisonTable } from './comparison-table.js';
import type { Format, Style } from './format.js';
import { jsonText } from './json.js';

export interface ComparisonReportOptions {
  readonly format: Format;
  readonly style: Style;
  /** More columns in the table and in Markdown; the other formats always hold everything. */
  readonly wide: boolean;
}

/** The whole text, ending with a newline. */
export function reportComparison(
  result: ComparisonResult,
  options: ComparisonReportOptions,
): string {
  switch (options.format) {
    case 'table':
      return comparisonTable(result, options);
    case 'markdown':
      return comparisonMarkdown(result, options);
    case 'csv':
      return comparisonCsv(result);
    case 'json':
      return `${jsonText(result, 2)}\n`;
    case 'jsonl':
      return comparisonJsonl(result);
  }
}
