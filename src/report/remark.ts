import { parseMode, type Mode } from '../core/mode.js';
import type { RowResult } from '../core/result.js';
import { predictionWords, roughly } from './time-words.js';

/** What a row's figures do not say by themselves: the column OTHERWISE. */
export interface Remark {
  readonly words: string;
  /** The same in at most 14 columns (longer only with a longer duration), for a table of 100. */
  readonly short: string;
  /** The row did not do what was predicted. */
  readonly alarm: boolean;
}

export function remark(row: RowResult): Remark {
  const { measured, healthy, predicted } = row;
  if (row.agrees === false) {
    return { words: 'DISAGREES with the prediction', short: 'DISAGREES', alarm: true };
  }
  if (!measured.waited) return plain('not waited for');
  if (measured.waitedMs === 0) return plain('not cut yet');
  const mode = parseMode(row.mode);
  if (mode.idleTimeoutMs !== undefined && healthy.falseAlarms > 0) {
    return plain('also ends quiet users', 'ends quiet too');
  }
  if (measured.noticed === row.connections) return plain('');
  if (row.fault === 'freeze') return plain("peer's kernel still answers", 'kernel answers');
  if (row.load === 'write' && isSilent(mode)) {
    return mode.keepalive === undefined
      ? plain('its write() succeeded', 'write() worked')
      : plain('off while data is unacked', 'off till acked');
  }
  if (predicted.kind === 'never') {
    return mode.userTimeoutMs === undefined
      ? plain('stays for ever')
      : plain('nothing in flight to time out', 'nothing to ack');
  }
  if (predicted.fromDropMs.max > measured.waitedMs) {
    const within = `not within ${roughly(measured.waitedMs)}`;
    return plain(`${within} (${predictionWords(predicted)} predicted)`, within);
  }
  return plain('');
}

/** Nothing in this mode looks at unanswered data sooner than the kernel does for any connection. */
function isSilent(mode: Mode): boolean {
  return (
    mode.userTimeoutMs === undefined &&
    mode.heartbeat === undefined &&
    mode.idleTimeoutMs === undefined
  );
}

function plain(words: string, short = words): Remark {
  return { words, short, alarm: false };
}
