/** A scenario's client steps as text: a line a step, and what was still open at the end. */
import type { ScriptEvent, ScriptResult, ScriptStep } from '../core/script-result.js';
import { countWords } from './count-words.js';
import { printable } from './printable.js';

export function scriptLine({ time, connection, what }: ScriptEvent): string {
  return `${printable(`${time.slice(11, 23)}  ${connection}: ${stepWords(what)}`)}\n`;
}

export function scriptSummary({ open, lost }: ScriptResult): string {
  const lines = open.map(({ connection, state, cut, unacknowledgedSegments }) => {
    const waiting = `, ${countWords(unacknowledgedSegments, 'segment')} unacknowledged`;
    return `${connection}: still ${state}${cut ? `, cut${waiting}` : ''}`;
  });
  const losses = lost === 0 ? [] : [`${countWords(lost, 'connection')} lost`];
  return [...lines, ...losses].map((line) => `${printable(line)}\n`).join('');
}

function stepWords(step: ScriptStep): string {
  switch (step.kind) {
    case 'connected':
      return `connected from ${step.local}`;
    case 'sent':
      return `sent ${countWords(step.bytes, 'byte')}`;
    case 'came-back':
      return `${countWords(step.bytes, 'byte')} came back`;
    case 'cut':
      return 'cut at this end';
    case 'closed':
      return 'closed';
    case 'ended':
      return `ended by ${step.by}`;
  }
}
