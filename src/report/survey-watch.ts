/** What changed between looks at the same host. */
import { fateKinds, type FateKind } from '../core/fate.js';
import type { Connection, ProcessSummary, Survey } from '../core/survey.js';
import { formatEndpoint } from '../core/endpoint.js';
import { paint, type Style } from './format.js';
import { printable } from './printable.js';
import { processName } from './survey-groups.js';
import { silenceWords } from './time-words.js';

/** Nearer than this, somebody should act now. */
const SOON_MS = 60_000;

/** Of what came, went or turned: more are counted. */
const NAMES_SHOWN = 5;

/** A rise between two looks may be one request. */
const FEWEST_LOOKS = 3;

export interface Look {
  readonly survey: Survey;
  /** Of a clock that never goes back. */
  readonly atMs: number;
}

/** How many looks before the present one `watchLines` may want to see. */
export const LOOKS_KEPT = FEWEST_LOOKS - 1;

/**
 * What came, went and turned by fate, each with the worst by name, then a line for each process that
 * runs out of descriptors.
 * @param earlier the looks before, the last one last
 */
export function watchLines(earlier: readonly Look[], now: Look, style: Style): readonly string[] {
  const { takenAt, connections } = now.survey;
  const previous = earlier.at(-1)?.survey;
  const [first = '', ...lines] =
    previous === undefined
      ? [`${connections.length} now${listed(connections)}`]
      : changeLines(previous, now.survey);
  const time = takenAt.slice(11, 19);
  const indent = ' '.repeat(time.length);
  return [
    `${time}  ${first}`,
    ...[...lines, ...limitLines(earlier, now, style)].map((line) => `${indent}  ${line}`),
  ];
}

function changeLines(previous: Survey, now: Survey): readonly string[] {
  const before = new Map(previous.connections.map((each) => [identity(each), each]));
  const after = new Set(now.connections.map(identity));
  const gone = previous.connections.filter((each) => !after.has(identity(each)));
  const fresh = now.connections.filter((each) => !before.has(identity(each)));
  const turned = now.connections.flatMap((each) => {
    const was = before.get(identity(each))?.fate.kind;
    return was === undefined || was === each.fate.kind ? [] : { each, was };
  });
  const lines = [
    ...group('new', fresh, named),
    ...group('gone', gone, named),
    ...group(
      'turned',
      turned.map(({ each }) => each),
      (each, at) => `${named(each)}, was ${turned[at]?.was ?? ''}`,
    ),
  ];
  return lines.length === 0 ? ['nothing new, nothing gone'] : lines;
}

/** How many, and the first of them by name. */
function group(
  what: string,
  connections: readonly Connection[],
  name: (connection: Connection, at: number) => string,
): readonly string[] {
  if (connections.length === 0) return [];
  const more = connections.length - NAMES_SHOWN;
  return [
    `${connections.length} ${what}${listed(connections)}`,
    ...connections.slice(0, NAMES_SHOWN).map((each, at) => `  ${name(each, at)}`),
    ...(more > 0 ? [`  ... ${more} more`] : []),
  ];
}

/** `192.0.2.7:40001  nginx[812]  forever`. */
function named({ peer, process, fate }: Connection): string {
  const holder = process === null ? '-' : processName(process);
  return printable(`${formatEndpoint(peer)}  ${holder}  ${fate.kind}`);
}

function limitLines(earlier: readonly Look[], now: Look, style: Style): readonly string[] {
  const looks = earlier.slice(1 - FEWEST_LOOKS).map(({ survey, atMs }) => {
    const fds = new Map(survey.processes.map((each) => [processName(each), each.fds]));
    return { atMs, fds };
  });
  const elapsedMs = now.atMs - (looks[0]?.atMs ?? now.atMs);
  return now.survey.processes.flatMap((process) => {
    const before = looks.map(({ fds }) => fds.get(processName(process)) ?? null);
    return limitLine(process, before, elapsedMs, style);
  });
}

/** `nginx[812] 900/1024 fds, +12/s: limit in 10s`. */
function limitLine(
  process: ProcessSummary,
  before: readonly (number | null)[],
  elapsedMs: number,
  style: Style,
): readonly string[] {
  const { fds, fdLimit } = process;
  if (fds === null || fdLimit === null) return [];
  const used = `${printable(processName(process))} ${fds}/${fdLimit} fds`;
  const { red } = paint(style);
  if (fds >= fdLimit) return [red(`${used}: limit reached`)];
  const seen = [...before, fds];
  const isRising = seen.every((each, at) => at === 0 || (each ?? 0) > (seen[at - 1] ?? Infinity));
  const [first] = seen;
  if (seen.length < FEWEST_LOOKS || !isRising || first == null || elapsedMs <= 0) return [];
  const perSecond = ((fds - first) * 1000) / elapsedMs;
  const leftMs = ((fdLimit - fds) / perSecond) * 1000;
  const line = `${used}, +${rate(perSecond)}/s: limit in ${wholeSeconds(leftMs)}`;
  return [leftMs <= SOON_MS ? red(line) : line];
}

/** The kernel's own name for it, else its addresses; a namespace has its own of both. */
function identity({ namespace, cookie, local, peer }: Connection): string {
  return `${namespace} ${cookie ?? `${formatEndpoint(local)} ${formatEndpoint(peer)}`}`;
}

/** `: forever 12, armed 3`, the worst first. */
function listed(connections: readonly Connection[]): string {
  const counts = new Map<FateKind, number>();
  for (const { fate } of connections) counts.set(fate.kind, (counts.get(fate.kind) ?? 0) + 1);
  const words = fateKinds.flatMap((kind) => {
    const count = counts.get(kind);
    return count === undefined ? [] : [`${kind} ${count}`];
  });
  return words.length === 0 ? '' : `: ${words.join(', ')}`;
}

function rate(perSecond: number): string {
  return `${perSecond < 10 ? Number(perSecond.toPrecision(2)) : Math.round(perSecond)}`;
}

function wholeSeconds(ms: number): string {
  return silenceWords(Math.floor(ms / 1000) * 1000);
}
