/** What a survey shows of one connection, in words. */
import type { Fate, Moment } from '../core/fate.js';
import type { SocketTimer } from '../core/socket.js';
import { latestWords, silenceWords, spanWords } from './time-words.js';

/** When it ends: `never (busy 15m25s-48s)`, `idle 1m50s-2m0s, busy 15m25s-48s`, `3.00-4.13s`. */
export function endsWords(fate: Fate): string {
  return wordsOf(fate, (moment) => momentWords(moment, spanWords));
}

/** The same in less room, at the latest: `never, busy 15m48s`. */
export function latestEndsWords(fate: Fate): string {
  const latest = (moment: Moment) => momentWords(moment, latestWords);
  return fate.kind === 'forever' ? `never, busy ${latest(fate.busy)}` : wordsOf(fate, latest);
}

export function timerWords({ kind, expiresInMs }: SocketTimer): string {
  if (kind === 'none') return '-';
  return expiresInMs === null ? kind : `${kind} ${silenceWords(expiresInMs)}`;
}

/** Whatever a fate says about when. */
export function momentsOf(fate: Fate): {
  readonly ends?: Moment;
  readonly idle?: Moment;
  readonly busy?: Moment;
} {
  switch (fate.kind) {
    case 'forever':
      return { busy: fate.busy };
    case 'armed':
      return { idle: fate.idle, busy: fate.busy };
    case 'dying':
    case 'slow':
    case 'closing':
      return { ends: fate.ends };
    case 'leaked':
    case 'unknown':
      return {};
  }
}

/** What `?` stands for in this one; undefined: there is none. */
export function assumptionOf(fate: Fate): string | undefined {
  const moments: readonly Moment[] = Object.values(momentsOf(fate));
  return moments.find((moment) => moment.kind === 'assumed')?.assuming;
}

function wordsOf(fate: Fate, words: (moment: Moment) => string): string {
  switch (fate.kind) {
    case 'forever':
      return `never (busy ${words(fate.busy)})`;
    case 'armed':
      return `idle ${words(fate.idle)}, busy ${words(fate.busy)}`;
    case 'dying':
    case 'slow':
    case 'closing':
      return words(fate.ends);
    case 'leaked':
      return 'never';
    case 'unknown':
      return 'unknown';
  }
}

function momentWords(moment: Moment, words: typeof spanWords): string {
  if (moment.kind === 'within') return words(moment.ms);
  return moment.kind === 'assumed' ? `${words(moment.ms)}?` : moment.kind;
}
