/** How restarts are written: the same in a file and as a flag. */
import { TcpaliveError } from '../../errors.js';
import { parseDuration } from '../duration.js';
import type { BackOff, BeforeKill, RestartLimit } from './service-config.js';

const MOST_RESTARTS = 1000;

/** `10/10m`. @throws TcpaliveError BAD_USAGE, for this and the others */
export function parseRestartLimit(text: string): RestartLimit {
  const [, most = '', within = ''] = /^(\d{1,4})\/(.+)$/.exec(text) ?? [];
  if (most === '' || Number(most) < 1 || Number(most) > MOST_RESTARTS) {
    throw new TcpaliveError(
      'BAD_USAGE',
      `'${text}' is no limit of restarts: so many within a time, such as 10/10m, at most ${MOST_RESTARTS}`,
    );
  }
  return { most: Number(most), withinMs: parseDuration(within) };
}

/** `500ms:30s`. */
export function parseBackOff(text: string): BackOff {
  const [first = '', most, ...rest] = text.split(':');
  if (most === undefined || rest.length > 0) {
    throw new TcpaliveError(
      'BAD_USAGE',
      `'${text}' is no back-off: the first and the longest wait, such as 500ms:30s`,
    );
  }
  const backOff = { firstMs: parseDuration(first), mostMs: parseDuration(most) };
  if (backOff.firstMs <= backOff.mostMs) return backOff;
  throw new TcpaliveError(
    'BAD_USAGE',
    `'${text}' begins with the longest wait: write ${most}:${first}`,
  );
}

/** `SIGQUIT`, `SIGABRT`, or a command in words: quotes keep words together, and no shell reads them. */
export function parseBeforeKill(text: string): BeforeKill {
  if (text === 'SIGQUIT' || text === 'SIGABRT') return { kind: 'signal', signal: text };
  if (/^SIG[A-Z0-9]+$/.test(text)) {
    throw new TcpaliveError('BAD_USAGE', `'${text}' tells nothing: SIGQUIT, SIGABRT or a command`);
  }
  return { kind: 'command', command: parseCommand(text) };
}

/** At least one word. */
export function parseCommand(text: string): readonly string[] {
  const words = text.match(WORD) ?? [];
  const isWhole = text.replace(WORD, '').trim() === '';
  if (words.length > 0 && isWhole) {
    return words.map((word) =>
      word.replace(QUOTED, (_all, one?: string, two?: string) => one ?? two ?? ''),
    );
  }
  const wrong = words.length === 0 ? 'no command' : 'a command with a quote that does not end';
  throw new TcpaliveError('BAD_USAGE', `'${text}' is ${wrong}: such as 'gcore -o "/tmp/a hang"'`);
}

/** A run of what is in quotes and what is not. */
const WORD = /(?:[^\s'"]|'[^']*'|"[^"]*")+/g;
const QUOTED = /'([^']*)'|"([^"]*)"/g;
