import { stillAcknowledges } from '../core/condition.js';
import { parseMode, type Mode } from '../core/mode.js';
import type { AlarmShare, RowResult } from '../core/result.js';
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
  const { alarms } = row;
  if (alarms !== null) return alarmRemark(alarms);
  const mode = parseMode(row.mode);
  if (mode.idleTimeoutMs !== undefined && healthy.falseAlarms > 0) {
    return plain('also ends quiet users', 'ends quiet too');
  }
  if (measured.noticed === row.connections) return plain('');
  if (predicted.kind === 'unknown') return plain('left to chance');
  if (stillAcknowledges(row.fault)) {
    return row.fault === 'relay'
      ? plain('relay still answers', 'relay answers')
      : plain("peer's kernel still answers", 'kernel answers');
  }
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

/** `alarms 32% (25-39%), 20-40% predicted`. */
function alarmRemark({ measured, predicted }: AlarmShare): Remark {
  const percent = (share: number) => `${Math.round(share * 100)}%`;
  const range = `${Math.round(measured.low * 100)}-${percent(measured.high)}`;
  const model =
    predicted === null
      ? ''
      : `, ${Math.round(predicted.min * 100)}-${percent(predicted.max)} predicted`;
  return plain(
    `alarms ${percent(measured.value)} (${range})${model}`,
    `alarms ${percent(measured.value)}`,
  );
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
