/** What a server does about a client that vanished, as text: how far it is, and the verdict. */
import type { Estimate, Inference } from '../core/vanish-inference.js';
import type { VanishEvent } from '../core/vanish-log.js';
import type { KeptFor, VanishNews, VanishResult } from '../core/vanish-result.js';
import { countWords } from './count-words.js';
import { fillLines } from './layout.js';
import { printable } from './printable.js';
import { latencyRange, latencyWords, predictionWords, roughly, spanWords } from './time-words.js';

/** Said before anything is opened. */
export function vanishIntroduction(target: string, connections: number, waitMs: number): string {
  return printable(
    `${target}: opens ${connections + 1} connections and keeps them for ${roughly(waitMs)} at most; ` +
      'the server has them back at the end, and at Ctrl-C',
  );
}

/** Undefined for what is no news to a person. */
export function vanishLine(progress: VanishNews): string | undefined {
  switch (progress.event) {
    case 'opened': {
      const { measured, addresses } = progress;
      const of = addresses.length > 1 ? ` (one of ${addresses.join(', ')})` : '';
      return `measured is whoever terminates TCP at ${measured}${of}`;
    }
    case 'greeted-late':
      return 'the server spoke first only now: begun anew, and it is waited for';
    case 'vanished':
      return `connection ${progress.number} has vanished, by ${progress.engine}`;
    case 'seen': {
      const words = seenWords(progress.seen);
      return words && `${connectionWords(progress.number)}: ${words}`;
    }
    case 'proven':
      return `connection ${progress.number}: proven, ${PROVEN_BY[progress.by]}`;
    case 'lifted':
      return `connection ${progress.number}: reachable again, ${LIFTED[progress.answer]}`;
    case 'watching':
      return undefined;
  }
}

/** `12.3s of 20m0s: keepalive so far (2 probes …); given up at 5.00-5.16s, if that goes on`. */
export function vanishStatus({
  watchedMs,
  waitMs,
  inference,
}: Extract<VanishNews, { event: 'watching' }>): string {
  const { next, mechanism, evidence } = inference;
  const meaning = mechanism === 'none-seen' ? 'nothing so far' : `${mechanism} so far: ${evidence}`;
  const end = next.kind === 'watch' ? next.end : null;
  const expected =
    end === null
      ? ''
      : end.max === null
        ? `; not given up before ${latencyWords(end.min)}`
        : `; given up at ${spanWords({ min: end.min, max: end.max })}, if that goes on`;
  return printable(`${roughly(watchedMs)} of at most ${roughly(waitMs)}: ${meaning}${expected}`);
}

/** The verdict in a few lines. @param width columns that there are */
export function vanishSummary(result: VanishResult, width: number): string {
  const { target, measured, addresses, engine, complete, evidence, kept, notes } = result;
  const others = addresses.length > 1 ? ` (one of ${addresses.join(', ')})` : '';
  const via = target === measured ? '' : ` at ${measured}${others}`;
  const rows = [
    ['vanishes while idle', keptWords(kept.idle)],
    ['vanishes before its reply', keptWords(kept.write)],
    ['hangs, its kernel reachable', keptWords(kept.hung)],
  ];
  const lines = [
    `--- ${target}${via}: a client that vanishes${complete ? '' : ', interrupted'} ---`,
    verdictWords(result),
    ...settingLines(result),
    `seen: ${evidence}`,
    `cut off by ${ENGINES[engine]} (${engine})`,
    proofWords(result),
    ...spokenLines(result),
    'whoever terminates TCP there keeps a client that',
    ...rows.map(([who = '', howLong = '']) => `  ${who.padEnd(29)}${howLong}`),
    ...assumptions(kept).map((assuming) => `predicted for ${assuming}`),
    ...notes.map((note) => `Note: ${note}`),
  ];
  return `${lines
    .map(printable)
    .flatMap((line) => wrapped(line, width))
    .join('\n')}\n`;
}

/** What does not fit goes on below, indented. */
function wrapped(line: string, width: number): readonly string[] {
  if (line.length <= width) return [line];
  const [first = '', ...rest] = fillLines(line.split(' '), ' ', width - INDENT.length);
  return [first, ...rest.map((part) => `${INDENT}${part}`)];
}

const INDENT = '    ';

const ENGINES: Readonly<Record<VanishResult['engine'], string>> = {
  'goodbye-filter': 'a socket filter that lets goodbyes pass',
  'data-filter': 'a socket filter that lets goodbyes pass',
  'hop-limit': 'a hop limit of 1, by which nothing it sends arrives',
  'min-ttl': 'a minimum TTL, by which nothing it is sent arrives',
};

const PROVEN_BY: Readonly<Record<NonNullable<VanishResult['provenBy']>, string>> = {
  segment: "a segment of the server's was swallowed",
  probe: 'the answer to a probe of ours was swallowed',
  trial: 'tried on a third connection: a probe of ours went unanswered, and without it not',
};

const LIFTED = {
  gone: 'the server knows it no more',
  held: 'the server still holds it',
  none: 'the server does not answer',
  'not-lifted': 'not asked',
} as const;

function connectionWords(number: number): string {
  return number === 0 ? 'the quiet connection' : `connection ${number}`;
}

/** Undefined: what lifting and proving have shown is told as such. */
function seenWords({ kind, atMs }: VanishEvent): string | undefined {
  const after = `after ${latencyWords(atMs)}`;
  switch (kind) {
    case 'bare':
      return `a segment without data came ${after}: a probe`;
    case 'data':
      return `data came ${after}`;
    case 'swallowed':
      return `a segment was swallowed ${after}`;
    case 'fin':
      return `closed (FIN) ${after}`;
    case 'reset':
      return `closed (RST) ${after}`;
    case 'gone':
    case 'held':
    case 'asked':
      return undefined;
  }
}

function verdictWords(result: VanishResult): string {
  const { noticed, noticedAfterMs, how, mechanism, complete, watchedMs } = result;
  if (noticed) {
    const after = noticedAfterMs === null ? '' : ` after ${momentWords(noticedAfterMs)}`;
    return `noticed${after}${how === null ? '' : HOW[how]}: ${mechanismWords(result)}`;
  }
  const watched = roughly(watchedMs);
  const verdict = complete
    ? `not noticed within ${watched}`
    : `not noticed so far, after ${watched}`;
  const begun = mechanism === 'none-seen' || mechanism === 'ambiguous' ? '' : 'it has begun: ';
  return `${verdict}: ${begun}${mechanismWords(result)}`;
}

const HOW: Readonly<Record<NonNullable<Inference['how']>, string>> = {
  RST: ' (RST)',
  FIN: ' (FIN)',
  silently: ', silently',
  unknown: '',
};

function mechanismWords({ noticed, mechanism, candidates, inferred }: VanishResult): string {
  const { idleMs, intervalMs } = inferred;
  switch (mechanism) {
    case 'keepalive':
      return `keepalive of its kernel${settingWords(inferred)}`;
    case 'idle-timeout': {
      const after = idleMs === null ? '' : ` of ${estimateWords(idleMs)}`;
      return `an idle timeout${after}, which ends reachable clients that say nothing too`;
    }
    case 'heartbeat': {
      const first = idleMs === null ? '' : `, the first beat after ${estimateWords(idleMs)}`;
      const every = intervalMs === null ? '' : `, then every ${estimateWords(intervalMs)}`;
      return `a heartbeat of its program${first}${every}`;
    }
    case 'send-timeout':
      return 'its program gave up on data that it could not send';
    case 'retransmission':
      return noticed
        ? 'its kernel gave up what stayed unacknowledged'
        : 'its kernel retransmits what stays unacknowledged';
    case 'none-seen':
      return 'it sent nothing at all';
    case 'ambiguous':
      return `ambiguous${candidates.length === 0 ? '' : `: ${candidates.join(' or ')}`}`;
  }
}

/** `, keepalive=2s:1s:3`, where only one setting fits. */
function settingWords({ idleMs, intervalMs, count }: Inference['inferred']): string {
  const [idle, interval] = [wholeSeconds(idleMs), wholeSeconds(intervalMs)];
  if (idle === undefined || interval === undefined || count === null) return '';
  return `, keepalive=${idle}s:${interval}s:${count}`;
}

function settingLines({ mechanism, inferred }: VanishResult): readonly string[] {
  if (mechanism !== 'keepalive') return [];
  const { idleMs, intervalMs, count } = inferred;
  const measured = [
    idleMs === null ? 'idle not seen' : `idle ${estimateWords(idleMs)}`,
    intervalMs === null ? 'interval not seen' : `interval ${estimateWords(intervalMs)}`,
    count === null ? 'count not certain' : countWords(count, 'probe'),
  ];
  return [`inferred: ${measured.join(', ')}`];
}

/** Linux takes whole seconds: the only one that the estimate allows. */
function wholeSeconds(estimate: Estimate | null): number | undefined {
  if (estimate === null) return undefined;
  const [from, to] = [Math.ceil(estimate.min / 1000), Math.floor(estimate.max / 1000)];
  return from === to ? from : undefined;
}

/** The span beside the value, where it is not just how often was looked. */
function estimateWords(estimate: Estimate): string {
  const { ms, min, max } = estimate;
  return isSharp(estimate) ? latencyWords(ms) : `${latencyWords(ms)} (${latencyRange(min, max)})`;
}

/** The span alone, where no value in it is the likeliest. */
function momentWords(estimate: Estimate): string {
  return isSharp(estimate) ? latencyWords(estimate.ms) : latencyRange(estimate.min, estimate.max);
}

function isSharp({ ms, min, max }: Estimate): boolean {
  return max - min <= SHARP_MS + SHARP_SHARE * ms;
}

const SHARP_MS = 30;
const SHARP_SHARE = 0.01;

function spokenLines({ protocol, load }: VanishResult): readonly string[] {
  if (protocol === null) return [];
  const guess = protocol.guessed ? ' (guessed from the port)' : '';
  const asked = load === 'write' ? ', and the vanished one asked for data that did not arrive' : '';
  return [`spoken to in ${protocol.name}${guess}${asked}`];
}

function proofWords({ proven, provenBy }: VanishResult): string {
  return proven && provenBy !== null
    ? `proven: ${PROVEN_BY[provenBy]}`
    : 'not proven: nothing came that could have been missed';
}

/** Each once. */
function assumptions({ idle, write, hung }: VanishResult['kept']): readonly string[] {
  const predicted = [idle, write, hung].flatMap((kept) =>
    'prediction' in kept && kept.prediction.kind !== 'unknown' ? [kept.assuming] : [],
  );
  return [...new Set(predicted)];
}

function predictedWords({
  prediction,
}: Extract<KeptFor, { kind: 'longer' | 'predicted' }>): string {
  const words = prediction.kind === 'never' ? 'for ever' : predictionWords(prediction);
  return `${words} (predicted)`;
}

function keptWords(kept: KeptFor): string {
  switch (kept.kind) {
    case 'measured':
      return `${momentWords(kept.afterMs)} (measured)`;
    case 'longer': {
      const longer = `longer than ${roughly(kept.thanMs)} (measured)`;
      return kept.prediction.kind === 'unknown' ? longer : `${longer}, ${predictedWords(kept)}`;
    }
    case 'predicted':
      return predictedWords(kept);
    case 'unknown':
      return `not measured: ${kept.reason}`;
  }
}
