/** What a survey shows of one connection, in words. */
import type { Fate, Moment } from '../core/fate.js';
import type { SocketTimer } from '../core/socket.js';
import { latestWords, silenceWords, spanWords } from './time-words.js';

/** When it ends: `never, busy 15m25s-48s`, `idle 1m50s-2m0s, busy 15m25s-48s`, `3.00-4.13s`. */
export function endsWords(fate: Fate): string {
  return joined(fate, spanWords, ' ', ', ');
}

/** At the latest, in less room: `never, busy 15m48s`. */
export function latestEndsWords(fate: Fate): string {
  return joined(fate, latestWords, ' ', ', ');
}

/** In one word: `never/busy:15m48s`. */
export function endsWord(fate: Fate): string {
  return joined(fate, latestWords, ':', '/');
}

/** Idle and busy under a title that says so: `never/15m48s`, `2m0s/15m48s`, `4.13s`. */
export function shortEndsWords(fate: Fate): string {
  return endsOf(fate)
    .map(({ moment }) => momentWords(moment, latestWords))
    .join('/');
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

interface End {
  /** Undefined: whatever it is doing. */
  readonly when?: 'idle' | 'busy';
  readonly moment: Moment;
}

function endsOf(fate: Fate): readonly End[] {
  switch (fate.kind) {
    case 'forever':
      return [{ moment: NEVER }, { when: 'busy', moment: fate.busy }];
    case 'armed':
      return [
        { when: 'idle', moment: fate.idle },
        { when: 'busy', moment: fate.busy },
      ];
    case 'dying':
    case 'slow':
    case 'closing':
      return [{ moment: fate.ends }];
    case 'leaked':
      return [{ moment: NEVER }];
    case 'unknown':
      return [{ moment: fate }];
  }
}

const NEVER: Moment = { kind: 'never' };

function joined(fate: Fate, words: typeof spanWords, colon: string, comma: string): string {
  return endsOf(fate)
    .map(
      ({ when, moment }) => (when === undefined ? '' : when + colon) + momentWords(moment, words),
    )
    .join(comma);
}

function momentWords(moment: Moment, words: typeof spanWords): string {
  if (moment.kind === 'within') return words(moment.ms);
  return moment.kind === 'assumed' ? `${words(moment.ms)}?` : moment.kind;
}
