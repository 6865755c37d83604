/** A probe as text: a line while it runs, the verdict and a summary at its end. */
import type {
  ProbeEvent,
  ProbeKernelView,
  ProbeResult,
  ProbeVerdict,
} from '../core/probe-result.js';
import type { Prediction } from '../core/predict.js';
import type { TlsFacts } from '../core/tls.js';
import { countWords } from './count-words.js';
import { paint, type Style } from './format.js';
import { printable } from './printable.js';
import { latencyWords, predictionWords } from './time-words.js';

/** One event as a line, ended. */
export function probeLine(event: ProbeEvent, style: Style): string {
  const line = `${event.time.slice(11, 23)}  ${printable(eventWords(event))}`.trimEnd();
  const chalk = paint(style);
  if (event.event === 'unanswered' || event.event === 'failed') return `${chalk.yellow(line)}\n`;
  return `${event.event === 'ended' ? chalk.red(line) : line}\n`;
}

/** The verdict in words, and the figures. */
export function probeSummary(result: ProbeResult): string {
  const { beats, target, mode } = result;
  const lines = [`--- ${target}, mode ${mode}${result.complete ? '' : ', interrupted'} ---`];
  if (beats.sent > 0) {
    const { rttMs } = beats;
    const times =
      rttMs === null
        ? ''
        : `, round trip min/median/max ${[rttMs.min, rttMs.median, rttMs.max].map((ms) => ms.toFixed(2)).join('/')} ms`;
    lines.push(`${countWords(beats.sent, 'beat')} sent, ${beats.answered} answered${times}`);
  }
  if (result.connections > 1) {
    lines.push(`${result.connections} connections, ${result.lost} of them lost`);
  }
  lines.push(...verdictLines(result), ...dropLines(result));
  lines.push(...result.notes.map((note) => `Note: ${note}`));
  return `${lines.map(printable).join('\n')}\n`;
}

function eventWords(event: ProbeEvent): string {
  switch (event.event) {
    case 'connected': {
      const settings = event.settings === 'none' ? '' : `, ${event.settings} (read back)`;
      const others = event.addresses.length > 1 ? `, one of ${event.addresses.join(', ')}` : '';
      return `connected ${event.local} -> ${event.remote}${others}${settings}${tlsWords(event.tls)}${askedWords(event)}`;
    }
    case 'beat':
      return `beat ${event.number}: ${roundTripWords(event.rttMs)}  ${kernelWords(event.kernel)}`;
    case 'unanswered':
      return `beat ${event.number}: no answer yet  ${kernelWords(event.kernel)}`;
    case 'failed':
      return `beat ${event.number}: not sent: ${event.reason}`;
    case 'quiet':
      return `no beats in this mode  ${kernelWords(event.kernel)}`;
    case 'dropped':
      return `cut now, by ${event.engine}: ${expectedWords(event.predicted)}`;
    case 'ended':
      return endedWords(event.verdict);
    case 'reconnecting':
      return `${event.reason}; connecting again in ${latencyWords(event.afterMs)}`;
  }
}

function tlsWords(tls: TlsFacts | null): string {
  if (tls === null) return '';
  const { protocol, cipher, subject, problem } = tls;
  const trust = problem === null ? '' : `, NOT TRUSTED: ${problem}`;
  return `; ${protocol} ${cipher} with ${subject}${trust}`;
}

/** What was said on the command line needs no words. */
function askedWords({ asked, protocol }: Extract<ProbeEvent, { event: 'connected' }>): string {
  if (asked === 'kernel') {
    return ' (unknown port: only its kernel is asked; --protocol asks the process)';
  }
  if (protocol?.guessed !== true) return '';
  return ` (speaks ${protocol.name}: guessed from the port; --protocol takes another)`;
}

function roundTripWords(rttMs: number | null): string {
  return rttMs === null ? 'its kernel is there' : `${rttMs.toFixed(2)} ms`;
}

function expectedWords(predicted: Prediction): string {
  return predicted.kind === 'never'
    ? 'this mode will never notice (predicted)'
    : `to be noticed after ${predictionWords(predicted)} (predicted)`;
}

function kernelWords(kernel: ProbeKernelView | null): string {
  if (kernel === null) return '';
  const { rttMs, retransmissions, unacknowledgedSegments, lastReceivedMs } = kernel;
  const unacknowledged =
    unacknowledgedSegments === 0 ? '' : `, ${unacknowledgedSegments} unacknowledged`;
  return (
    `(kernel: rtt ${rttMs.toFixed(2)} ms, ${countWords(retransmissions, 'retransmission')}${unacknowledged}, ` +
    `last segment ${latencyWords(lastReceivedMs)} ago)`
  );
}

function endedWords(verdict: ProbeVerdict): string {
  switch (verdict.kind) {
    case 'alive':
      return 'alive';
    case 'dead':
      return `DEAD: noticed by ${verdict.by} after ${latencyWords(verdict.silentMs)} of silence`;
    case 'closed':
      return closedWords(verdict);
    case 'unanswered':
      return unansweredWords(verdict);
    case 'no-answer':
      return noAnswerWords(verdict);
  }
}

function unansweredWords(verdict: Extract<ProbeVerdict, { kind: 'unanswered' }>): string {
  return `the last beats were not answered: nothing ${lastWords(verdict)}`;
}

/** Whoever answers in another protocol was not heard any further. */
function closedWords({ by, detail }: Extract<ProbeVerdict, { kind: 'closed' }>): string {
  return detail ?? `closed by the peer (${by})`;
}

function verdictLines(result: ProbeResult): readonly string[] {
  const { verdict, withoutMode } = result;
  if (verdict.kind === 'closed') {
    return [`${closedWords(verdict)} after ${latencyWords(verdict.afterMs)}`];
  }
  if (verdict.kind === 'no-answer') return []; // the error says it
  if (verdict.kind === 'unanswered') return [unansweredWords(verdict)];
  if (verdict.kind === 'alive') return aliveLines(result);
  const parties = {
    kernel: "the peer's kernel is silent too: host, path or firewall state",
    process: 'the kernel acknowledges, the process does not answer: hung process, or a relay',
    unknown: 'whether the kernel still acknowledges cannot be told here',
  };
  const { firstUnansweredAt } = verdict;
  const from = firstUnansweredAt === null ? '' : `, first unanswered beat ${firstUnansweredAt}`;
  const idle = withoutMode.idle.kind === 'never' ? 'for ever' : predictionWords(withoutMode.idle);
  const write =
    withoutMode.write.kind === 'never' ? 'for ever' : predictionWords(withoutMode.write);
  return [
    `dead: noticed by ${verdict.by} after ${latencyWords(verdict.silentMs)} of silence`,
    parties[verdict.where],
    `last heard ${verdict.lastHeardAt}${from}, noticed ${verdict.noticedAt}`,
    `without this mode the connection would have stayed ${idle} when idle` +
      (idle === write ? ', and with data in flight too' : `, ${write} with data in flight`) +
      ' (predicted)',
  ];
}

function aliveLines({
  beats,
  protocol,
  drop,
  kernel,
  connections,
}: ProbeResult): readonly string[] {
  if (drop !== null) return [];
  if (connections === 0) return ['not connected'];
  if (beats.answered > 0 && protocol !== null) return ['alive'];
  if (beats.answered > 0) {
    return ['its kernel is alive; whether the process lives was not asked: see --protocol'];
  }
  const heard = kernel === null ? '' : `, last segment ${latencyWords(kernel.lastReceivedMs)} ago`;
  return [`still open${heard}; whether the process lives only a heartbeat can tell`];
}

type NoAnswer = Extract<ProbeVerdict, { kind: 'no-answer' }>;

/** `FIN before one beat was answered`, `not one beat was answered in 3.00s`. */
export function noAnswerWords({ by, afterMs, detail }: NoAnswer): string {
  const after = latencyWords(afterMs);
  if (by === null || by === 'heartbeat' || by === 'idle-timeout') {
    return `not one beat was answered ${lastWords({ afterMs, detail })}`;
  }
  const how = detail ?? `closed by the peer (${by})`;
  return `${how} after ${after}, before one beat was answered`;
}

function lastWords({ afterMs, detail }: Pick<NoAnswer, 'afterMs' | 'detail'>): string {
  return `in ${latencyWords(afterMs)}${detail === null ? '' : `: ${detail}`}`;
}

function dropLines({ drop }: ProbeResult): readonly string[] {
  if (drop === null) return [];
  const { engine, proven, swallowedSegments, predicted, noticedAfterMs, agrees } = drop;
  const proof = proven ? `proven (${provenBy(swallowedSegments)})` : 'not proven';
  const noticed =
    noticedAfterMs === null
      ? 'not noticed'
      : `noticed ${latencyWords(noticedAfterMs)} after the cut`;
  const verdict = agrees === false ? ', which DISAGREES' : '';
  return [
    `this end cut by ${engine}, ${proof}: ${noticed}, predicted ${predictionWords(predicted)}${verdict}`,
  ];
}

function provenBy(swallowedSegments: number): string {
  return swallowedSegments === 0
    ? 'by a second connection, cut the same way'
    : `${countWords(swallowedSegments, 'segment')} swallowed`;
}
