/** What a guardian tells, in words: a line an event, and a line a service. */
import type { GuardEntry } from '../core/guard/guard-log.js';
import type { GuardStatus, ServiceStatus } from '../core/guard/guard-status.js';
import { countWords } from './count-words.js';
import { paint, type Style } from './format.js';
import { jsonText } from './json.js';
import { clip } from './layout.js';
import { printable } from './printable.js';
import { latencyWords, roughly, silenceWords } from './time-words.js';

/** One event as a line, ended. */
export function guardLine(entry: GuardEntry, asJson: boolean, style: Style): string {
  if (asJson) return `${jsonText(entry)}\n`;
  const clock = entry.time.slice(11, 23);
  const who = 'service' in entry ? `${entry.service}  ` : '';
  const line = `${clock}  ${printable(`${who}${words(entry)}`)}`;
  const colors = paint(style);
  if (BAD.includes(entry.event)) return `${colors.red(line)}\n`;
  return `${DOUBTFUL.includes(entry.event) ? colors.yellow(line) : line}\n`;
}

/** What went wrong, or what was done about it. */
export function isTrouble({ event }: GuardEntry): boolean {
  return BAD.includes(event) || DOUBTFUL.includes(event) || event === 'restarting';
}

/** A line a service, none wider than the style. */
export function serviceLines({ services }: GuardStatus, style: Style): readonly string[] {
  const width = Math.max(...services.map(({ name }) => name.length));
  return services.map((service) => {
    const { name, state, sinceMs, pid, restarts } = service;
    const line = [
      name.padEnd(width),
      state.padEnd(9),
      silenceWords(sinceMs).padEnd(6),
      ...(pid === null ? [] : [`pid ${pid}`]),
      ...(restarts === 0 ? [] : [countWords(restarts, 'restart')]),
      signWords(service),
    ].join('  ');
    const clipped = clip(printable(line.trimEnd()), style.width, style.unicode);
    const colors = paint(style);
    if (state === 'gave-up' || state === 'dead') return colors.red(clipped);
    return state === 'alive' || state === 'ended' ? clipped : colors.yellow(clipped);
  });
}

function signWords({ signs }: ServiceStatus): string {
  return signs
    .map(({ by, silentMs, timeoutMs }) => {
      const last = silentMs === null ? 'not yet' : `${roughly(silentMs)} ago`;
      return `${by} ${last} (of ${roughly(timeoutMs)})`;
    })
    .join(', ');
}

const BAD: readonly GuardEntry['event'][] = [
  'dead',
  'start-failed',
  'survivors',
  'call-failed',
  'gave-up',
  'reload-failed',
];

const DOUBTFUL: readonly GuardEntry['event'][] = [
  'failed',
  'exited',
  'own-trouble',
  'follow-refused',
  'diagnostic-failed',
  'stranger',
];

function words(entry: GuardEntry): string {
  switch (entry.event) {
    case 'guarding': {
      const only = entry.dryRun ? ' (only told: --dry-run)' : '';
      return `guarding ${entry.services.join(', ')}${only}`;
    }
    case 'status':
      return `status: http://${entry.address}/status, /metrics and /healthz`;
    case 'started':
      return `started as process ${entry.pid}`;
    case 'start-failed':
      return `cannot be started: ${entry.reason} (${entry.code})`;
    case 'alive':
      if (!entry.watched) {
        return 'started; no sign of life is asked for: only its end is noticed (--check, --alive-by)';
      }
      return `alive after ${latencyWords(entry.afterMs)}`;
    case 'failed':
      return `${entry.by}: ${entry.reason}`;
    case 'dead':
      return deadWords(entry);
    case 'exited':
      return `process ${entry.pid} ended: ${exitWords(entry.code, entry.signal)}`;
    case 'stopped':
      return `stopped by SIG${entry.by} in ${latencyWords(entry.tookMs)}`;
    case 'survivors': {
      const each = entry.processes.map(({ pid, name }) => `${name}[${pid}]`).join(', ');
      return `cannot be ended: ${each}; no other one is started beside them`;
    }
    case 'diagnostic-failed':
      return `no diagnostic: ${entry.reason}`;
    case 'follows':
      return `goes on as process ${entry.pid}`;
    case 'follow-refused':
      return `process ${entry.pid} is not followed: ${entry.reason}`;
    case 'restarting': {
      const which = `restart ${entry.restart} of ${entry.most} in ${roughly(entry.withinMs)}`;
      return `${which}, ${entry.inMs === 0 ? 'now' : `in ${latencyWords(entry.inMs)}`}`;
    }
    case 'called': {
      const attempt = entry.attempt === 1 ? '' : `, attempt ${entry.attempt}`;
      return `called ${entry.what}${attempt}: ${entry.reason ?? 'it worked'}`;
    }
    case 'call-failed':
      return `not restarted: ${entry.reason}`;
    case 'gave-up': {
      const then =
        entry.then === 'exit' ? 'the guardian and all its services end' : 'SIGHUP tries again';
      return `given up after ${countWords(entry.restarts, 'restart')} in ${roughly(entry.withinMs)}: ${then}`;
    }
    case 'ended':
      return `ended: ${entry.reason}`;
    case 'own-trouble':
      return troubleWords(entry);
    case 'reloaded':
      return reloadWords(entry);
    case 'reload-failed':
      return `everything goes on as it was: ${entry.reason}`;
    case 'stranger':
      return `a stranger was turned away: ${entry.reason}`;
    case 'untold':
      return `${countWords(entry.entries, 'line')} left out here: they are not read fast enough`;
    case 'ending':
      return `ending: ${entry.reason}`;
    case 'summary':
      return summaryWords(entry);
  }
}

type Entry<Event extends GuardEntry['event']> = Extract<GuardEntry, { readonly event: Event }>;

function deadWords({ by, silentMs, starting, reason, action }: Entry<'dead'>): string {
  const silence = starting
    ? `not heard once in ${latencyWords(silentMs)}`
    : `not heard for ${latencyWords(silentMs)}`;
  const why = reason === null ? '' : `: ${reason}`;
  return `dead: ${by} ${silence}${why}${action === 'none' ? ' (only told)' : ''}`;
}

function exitWords(code: number | null, signal: string | null): string {
  if (signal !== null) return signal;
  return code === null ? 'nobody knows how' : `exit ${code}`;
}

function troubleWords({ kind, lateMs, services }: Entry<'own-trouble'>): string {
  const who = services.join(', ');
  const why =
    kind === 'late'
      ? `the guardian itself looked ${latencyWords(lateMs ?? 0)} late`
      : 'several fell silent at one instant';
  return `${why}: silence counts anew for ${who}`;
}

function reloadWords({ added, removed, changed, revived }: Entry<'reloaded'>): string {
  const parts = Object.entries({ added, removed, changed, 'tried again': revived })
    .filter(([, names]) => names.length > 0)
    .map(([what, names]) => `${what} ${names.join(', ')}`);
  return `read again: ${parts.length === 0 ? 'nothing has changed' : parts.join('; ')}`;
}

function summaryWords({ durationMs, restarts, lost }: Entry<'summary'>): string {
  const each = Object.entries(restarts).map(
    ([name, count]) => `${name} ${countWords(count, 'restart')}`,
  );
  const down = lost.length === 0 ? '' : `; lost: ${lost.join(', ')}`;
  return `${silenceWords(durationMs)}: ${each.join(', ')}${down}`;
}
