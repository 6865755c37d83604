import type { ServeEntry, ServeLimit, ServeSummary } from '../core/serve-log.js';
import { countWords } from './count-words.js';
import { paint, type Style } from './format.js';
import { jsonText } from './json.js';
import { printable } from './printable.js';
import { latencyWords, roughly } from './time-words.js';

/** One entry of serve's log as a line, ended. */
export function serveLine(entry: ServeEntry, asJson: boolean, style: Style): string {
  if (asJson) return `${jsonText(entry)}\n`;
  if (entry.event === 'summary') return summary(entry);
  const clock = entry.time.slice(11, 23);
  const who = 'peer' in entry ? whose(entry) : '';
  const event = entry.event.padEnd(8);
  const line = `${clock}  ${who}${event}  ${printable(words(entry))}`;
  return `${emphasised(entry, line, style)}\n`;
}

/** `#7`, or `w2#7`: worker 2 counts its own. */
function whose(entry: Extract<ServeEntry, { readonly peer: string }>): string {
  const worker = entry.worker === null ? '' : `w${entry.worker}`;
  if (!('connection' in entry)) return worker === '' ? '' : `${worker} `.padEnd(6);
  return `${worker}#${entry.connection} `.padEnd(6);
}

function words(entry: Exclude<ServeEntry, ServeSummary>): string {
  switch (entry.event) {
    case 'listening':
      return `on ${entry.address}, mode ${entry.mode}, framing ${entry.framing}`;
    case 'limit':
      return limitWords(entry);
    case 'worker-started':
      return `worker ${entry.worker} is process ${entry.pid}`;
    case 'worker-lost': {
      const lost = countWords(entry.connections, 'connection');
      return `worker ${entry.worker}, process ${entry.pid}: ${entry.reason}; ${lost} lost, and another is started`;
    }
    case 'restarting':
      return `process ${entry.pid}: the next version starts as process ${entry.successor}`;
    case 'restarted':
      return `process ${entry.pid}: process ${entry.successor} serves now`;
    case 'restart-failed':
      return `process ${entry.pid} goes on: ${entry.reason}`;
    case 'restart-refused':
      return `process ${entry.pid}: ${entry.reason}`;
    case 'draining': {
      const { connections, timeoutMs, pid } = entry;
      return `process ${pid}: no more connections; ${countWords(connections, 'connection')} served for ${latencyWords(timeoutMs)} at most`;
    }
    case 'opened':
      return entry.settings === 'none'
        ? entry.peer
        : `${entry.peer}  ${entry.settings} (read back)`;
    case 'frame':
      return entry.beat
        ? `${entry.peer}  beat`
        : `${entry.peer}  ${countWords(entry.bytes, 'byte')}`;
    case 'unanswered':
      return `${entry.peer}  too many delayed replies waiting: this frame gets none`;
    case 'silent':
      return `${entry.peer}  nothing received for ${latencyWords(entry.silentMs)}`;
    case 'noticed':
      return `${entry.peer}  by ${entry.by}, ${latencyWords(entry.silentMs)} after the last received byte`;
    case 'closed': {
      const reason = entry.reason === null ? '' : `: ${entry.reason}`;
      const total = `${countWords(entry.frames, 'frame')}, ${skipped(entry)}${roughly(entry.lifetimeMs)}`;
      return `${entry.peer}  by ${entry.by}${reason}  (${total})`;
    }
    case 'status':
      return `http://${entry.address}/status, /metrics and /healthz`;
    case 'accept':
      return entry.works ? 'works again' : `nobody who connects is let in: ${entry.reason ?? ''}`;
    case 'refused':
      return `${entry.peer}  ${entry.reason}`;
    case 'untold':
      return `${entry.entries} lines about connections were left out here: they are not read fast enough`;
  }
}

function limitWords({ connections, perAddress, evict, keptMs, perSecond }: ServeLimit): string {
  const share = perAddress === null ? '' : `, ${perAddress} from one address`;
  const places = `${countWords(connections, 'connection')}${share}`;
  if (evict) return `${places}; at the limit the longest silent one makes room`;
  if (keptMs === null) {
    return `${places}; one that vanishes stays for ever: ${connections} of them lock everybody out`;
  }
  const rate =
    perSecond < 1
      ? `one in ${latencyWords(1000 / perSecond)}`
      : `${Math.floor(perSecond)} a second`;
  const kept = latencyWords(keptMs);
  return `${places}; one that vanishes stays ${kept}: more than ${rate} lock everybody out`;
}

const BAD: readonly ServeEntry['event'][] = ['noticed', 'restart-failed', 'worker-lost'];

function emphasised(entry: ServeEntry, line: string, style: Style): string {
  const chalk = paint(style);
  if (entry.event === 'accept' && !entry.works) return chalk.red(line);
  if (BAD.includes(entry.event)) return chalk.red(line);
  if (entry.event === 'silent' || entry.event === 'refused') return chalk.yellow(line);
  return line;
}

function summary(entry: ServeSummary): string {
  const causes = Object.entries(entry.endedBy).map(([by, count]) => `${count} by ${by}`);
  const ended = causes.length === 0 ? 'none ended' : `ended: ${causes.join(', ')}`;
  return (
    `${countWords(entry.connections, 'connection')} in ${roughly(entry.durationMs)}, ` +
    `${countWords(entry.frames, 'frame')}, ${skipped(entry)}` +
    `${entry.refused} refused, ${entry.open} open to the end; ${printable(ended)}\n`
  );
}

function skipped({ skippedBytes }: { readonly skippedBytes: number }): string {
  return skippedBytes === 0 ? '' : `${countWords(skippedBytes, 'byte')} skipped, `;
}
