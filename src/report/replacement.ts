/** What came of asking a running server to be replaced, as text or JSON. */
import { formatDuration } from '../core/duration.js';
import type { Replacement } from '../core/replacement.js';
import type { RestartEntry } from '../core/serve-log.js';
import { paint, type Style } from './format.js';
import { jsonText } from './json.js';
import { printable } from './printable.js';
import { latencyWords } from './time-words.js';

/** While it is under way: what is waited for, and how long at most; undefined: nothing is. */
export function replacementProgress(entry: RestartEntry): string | undefined {
  if (entry.event !== 'restarting') return undefined;
  const within = formatDuration(entry.readyTimeoutMs);
  return `process ${entry.pid} has started process ${entry.successor}, which has ${within} to get ready`;
}

/** The whole text, ending with a newline. */
export function reportReplacement(
  result: Replacement,
  { asJson, style }: { readonly asJson: boolean; readonly style: Style },
): string {
  if (asJson) return `${jsonText(result, 2)}\n`;
  const line = printable(words(result));
  return `${result.outcome.kind === 'replaced' ? line : paint(style).red(line)}\n`;
}

function words({ outcome, pid, successor, status, durationMs }: Replacement): string {
  const asked = pid === null ? `the server at ${status}` : `process ${pid}`;
  switch (outcome.kind) {
    case 'replaced':
      return `replaced: process ${successor ?? '?'} serves after ${latencyWords(durationMs)}, ${asked} lets nobody in any more`;
    case 'refused':
      return `refused: ${asked} goes on, ${outcome.reason}`;
    case 'failed':
      return `failed: ${asked} serves on, ${outcome.reason}`;
    case 'unknown':
      return `not known: ${asked} has not said what came of it: ${outcome.reason}`;
  }
}
