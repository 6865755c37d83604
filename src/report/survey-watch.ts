/** What changed between two looks at the same host. */
import { fateKinds, type FateKind } from '../core/fate.js';
import type { Connection, ProcessSummary, Survey } from '../core/survey.js';
import { formatEndpoint } from '../core/endpoint.js';
import { paint, type Style } from './format.js';
import { printable } from './printable.js';
import { processName } from './survey-groups.js';
import { silenceWords } from './time-words.js';

/** Nearer than this, somebody should act now. */
const SOON_MS = 60_000;

/** What came, went and turned by fate, then a line for each process that runs out of descriptors. */
export function watchLines(
  previous: Survey | undefined,
  now: Survey,
  elapsedMs: number,
  style: Style,
): readonly string[] {
  const time = now.takenAt.slice(11, 19);
  const lines =
    previous === undefined
      ? [`${now.connections.length} now${listed(now.connections)}`]
      : [changeWords(previous, now), ...limitLines(previous, now, elapsedMs, style)];
  return lines.map((line) => `${time}  ${line}`);
}

function changeWords(previous: Survey, now: Survey): string {
  const before = new Map(previous.connections.map((each) => [identity(each), each]));
  const after = new Set(now.connections.map(identity));
  const gone = previous.connections.filter((each) => !after.has(identity(each)));
  const fresh = now.connections.filter((each) => !before.has(identity(each)));
  const turned = now.connections.filter((each) => {
    const was = before.get(identity(each));
    return was !== undefined && was.fate.kind !== each.fate.kind;
  });
  const changes = [
    ...(fresh.length > 0 ? [`${fresh.length} new${listed(fresh)}`] : []),
    ...(gone.length > 0 ? [`${gone.length} gone${listed(gone)}`] : []),
    ...(turned.length > 0 ? [`${turned.length} turned${listed(turned)}`] : []),
  ];
  return changes.length === 0 ? 'nothing new, nothing gone' : changes.join('; ');
}

function limitLines(
  previous: Survey,
  now: Survey,
  elapsedMs: number,
  style: Style,
): readonly string[] {
  const before = new Map(previous.processes.map((each) => [processName(each), each]));
  return now.processes.flatMap((process) => {
    const was = before.get(processName(process));
    return was === undefined ? [] : limitLine(was, process, elapsedMs, style);
  });
}

/** `nginx[812] 900/1024 fds, +12/s: limit in 10s`. */
function limitLine(
  was: ProcessSummary,
  now: ProcessSummary,
  elapsedMs: number,
  style: Style,
): readonly string[] {
  const { fds, fdLimit } = now;
  if (fds === null || fdLimit === null || was.fds === null || elapsedMs <= 0) return [];
  const perSecond = ((fds - was.fds) * 1000) / elapsedMs;
  if (perSecond <= 0) return [];
  const leftMs = (Math.max(0, fdLimit - fds) / perSecond) * 1000;
  const when = fds >= fdLimit ? 'limit reached' : `limit in ${wholeSeconds(leftMs)}`;
  const line = `${printable(processName(now))} ${fds}/${fdLimit} fds, +${rate(perSecond)}/s: ${when}`;
  return [leftMs <= SOON_MS ? paint(style).red(line) : line];
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
