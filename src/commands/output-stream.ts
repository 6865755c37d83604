import type { Format } from '../report/format.js';
import { jsonText } from '../report/json.js';
import type { Environment } from './environment.js';
import { chosenFormat, type FormatOptions } from './options.js';

export interface OutputStream {
  readonly format: Format;
  /** A line of jsonl; otherwise it is `told` to a person, unless that one wants quiet. */
  event(event: unknown, tell: () => void): void;
  result(result: unknown, text: () => string): void;
}

/** Where events, and the result that they lead to, are written as they were asked for. */
export function outputStream(
  { stdout }: Environment,
  flags: FormatOptions & { readonly quiet?: boolean },
): OutputStream {
  const format = chosenFormat(flags);
  return {
    format,
    event(event, tell) {
      if (format === 'jsonl') stdout.write(`${jsonText(event)}\n`);
      else if (flags.quiet !== true) tell();
    },
    result(result, text) {
      if (format === 'json') stdout.write(`${jsonText(result, 2)}\n`);
      else stdout.write(format === 'jsonl' ? `${jsonText(result)}\n` : text());
    },
  };
}
