/** The longest silence that a path survives, as text: what it takes, how far it is, the verdict. */
import type { Longest } from '../core/idle-limit-plan.js';
import type {
  IdleLimitEvent,
  IdleLimitResult,
  IdleOutcome,
  LossKind,
  SafeKeepalive,
} from '../core/idle-limit-result.js';
import { formatDuration } from '../core/duration.js';
import { formatMode, type KeepaliveSettings } from '../core/mode.js';
import { countWords } from './count-words.js';
import { printable } from './printable.js';
import { latencyWords, roughly } from './time-words.js';

/** What is not answered at once is asked again. */
const ASKING_MS = 5000;

/** Beforehand: whoever is measured, and whoever waits, learns what it takes. */
export function idleLimitAnnouncement(
  target: string,
  connections: number,
  { rounds, silentMs }: Longest,
): string {
  const most = shortWords(silentMs + Math.max(2, rounds) * ASKING_MS);
  const usual = rounds > 2 ? '' : 'two to four times the limit, ';
  return printable(
    `up to ${countWords(connections, 'connection')} to ${target} at a time, all silent; ` +
      `takes ${usual}at most ${most}`,
  );
}

/** One event as a line; `waiting` is one that the next may paint over. */
export function idleLimitLine(event: IdleLimitEvent): string {
  switch (event.event) {
    case 'opened': {
      const { measured, addresses } = event;
      const of = addresses.length > 1 ? ` (one of ${addresses.join(', ')})` : '';
      return printable(`measured is the path to whoever terminates TCP at ${measured}${of}`);
    }
    case 'round': {
      const { round, silencesMs } = event;
      const first = shortWords(silencesMs[0] ?? 0);
      const last = shortWords(silencesMs.at(-1) ?? 0);
      const range = first === last ? first : `${first} to ${last}`;
      return `round ${round}: ${countWords(silencesMs.length, 'connection')}, silent for ${range}`;
    }
    case 'trial':
      return printable(
        `silent for ${latencyWords(event.silenceMs)}: ${outcomeWords(event.outcome)}`,
      );
    case 'keepalive':
      return `one more with ${settingsWords(event.settings)}`;
    case 'waiting': {
      const { livedMs, lostMs, open, leftMs } = event;
      const lived = livedMs === 0 ? '' : `${latencyWords(livedMs)} lived, `;
      const lost = lostMs === null ? '' : `${latencyWords(lostMs)} did not, `;
      const left = `at most ${roughly(Math.ceil(leftMs / 1000) * 1000)} more in this round`;
      return `${lived}${lost}${open} open, ${leftMs === 0 ? 'asking again' : left}`;
    }
  }
}

/** The verdict in a few lines. */
export function idleLimitSummary(result: IdleLimitResult): string {
  const { target, measured, waitMs, connections, complete } = result;
  const via = target === measured ? '' : ` (at ${measured})`;
  const lines = [
    `--- ${target}${via}, silences of up to ${shortWords(waitMs)}, ${countWords(connections, 'connection')}` +
      `${complete ? '' : ', interrupted'} ---`,
    ...verdictLines(result),
    ...keepaliveLines(result),
    ...result.notes.map((note) => `Note: ${note}`),
  ];
  return `${lines.map(printable).join('\n')}\n`;
}

/** Why nothing could be said of the limit; undefined: something was. */
export function idleLimitFailure({ verdict, notes }: IdleLimitResult): string | undefined {
  if (verdict.kind === 'unknown') return ['no limit could be found', ...notes].join('; ');
  if (verdict.kind === 'no-answer') {
    return `not even a silence of ${latencyWords(verdict.lostMs)} was answered`;
  }
  if (verdict.kind === 'spoken' && verdict.livedMs === 0) {
    return `it is never silent: after ${latencyWords(verdict.everyMs)} the other end spoke`;
  }
  if (verdict.kind !== 'closed' || verdict.livedMs > 0) return undefined;
  return `closed (${verdict.by}) after ${latencyWords(verdict.afterMs)}, before any silence was answered`;
}

function verdictLines({ verdict }: IdleLimitResult): readonly string[] {
  const lived = `a silence of ${latencyWords(verdict.livedMs)} lives`;
  switch (verdict.kind) {
    case 'found':
      return [
        verdict.livedMs === 0
          ? `idle limit: under ${latencyWords(verdict.lostMs)}`
          : `idle limit: ${lived}, one of ${latencyWords(verdict.lostMs)} does not`,
        lossWords[verdict.how],
      ];
    case 'closed':
      return [
        `idle limit: closed (${verdict.by}) after ${latencyWords(verdict.afterMs)} of silence` +
          (verdict.livedMs === 0 ? '' : `; ${lived}`),
        "that may be the server's own idle timeout as well as something in between: who said it cannot be told",
      ];
    case 'none':
      return [`no idle limit found: ${lived}, and longer ones were not tried (--wait)`];
    case 'spoken':
      return [
        `no idle limit found: ${verdict.livedMs === 0 ? 'nothing was silent for long enough' : lived}`,
        `longer silences cannot be had: after ${latencyWords(verdict.everyMs)} the other end says something ` +
          'by itself, if only by its own keepalive',
      ];
    case 'no-answer':
      return ['not one probe was answered'];
    case 'unknown':
      return [
        verdict.livedMs === 0
          ? 'nothing is known yet'
          : `${lived}, of longer ones nothing is known`,
      ];
  }
}

const lossWords: Readonly<Record<LossKind, string>> = {
  silent: 'it is forgotten silently: no answer comes, and neither end is told',
  reset: 'it is forgotten silently, and whoever then sends something is answered by RST',
};

function keepaliveLines({ keepalive, safeKeepalive, verdict }: IdleLimitResult): readonly string[] {
  const lines: string[] = [];
  if (keepalive.kind !== 'not-tested') {
    const { settings, silenceMs, answeredProbes, outcome } = keepalive;
    const answered = `${answeredProbes === 0 ? 'none' : answeredProbes} of its probes answered`;
    lines.push(
      keepalive.kind === 'survived'
        ? `${settingsWords(settings)} keeps it alive: asked after ${latencyWords(silenceMs)}, ${answered}`
        : `${settingsWords(settings)} does NOT keep it alive: ${outcomeWords(outcome)} ` +
            `after ${latencyWords(silenceMs)}, ${answered}`,
    );
    if (outcome.kind === 'closed' && outcome.by === 'FIN') {
      lines.push('no program hears a keepalive probe: whoever closes it there counts bytes');
    }
    if (keepalive.kind === 'lost') return lines;
  }
  if (verdict.kind !== 'found' && verdict.kind !== 'closed' && verdict.kind !== 'none')
    return lines;
  if (safeKeepalive.kind === 'settings') lines.push(...safeLines(safeKeepalive, verdict.livedMs));
  else if (safeKeepalive.kind === 'none') {
    lines.push('safe keepalive: none, whole seconds are too long for it');
  }
  return lines;
}

function safeLines(safe: SafeKeepalive, livedMs: number): readonly string[] {
  const first = latencyWords(safe.firstProbeMs);
  const second = latencyWords(safe.secondProbeMs);
  return [
    `largest safe keepalive: ${settingsWords(safe)}`,
    `(its timer may be late: first probe after ${first} at most, the next one, should that be lost, ` +
      `after ${second}: within ${latencyWords(livedMs)})`,
  ];
}

function outcomeWords(outcome: IdleOutcome): string {
  switch (outcome.kind) {
    case 'lived':
      return 'lived';
    case 'lost':
      return outcome.how === 'reset' ? 'lost, answered by RST' : 'lost, no answer';
    case 'closed':
      return `closed (${outcome.by})`;
    case 'spoken':
      return 'the other end spoke';
  }
}

function settingsWords(keepalive: KeepaliveSettings): string {
  return formatMode({ keepalive });
}

/** `16s`, `19.2s`, `20m`: of what was planned. */
function shortWords(ms: number): string {
  return formatDuration(Math.round(ms / 100) * 100);
}
