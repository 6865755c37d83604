/** What becomes of a connection that is there now: one word, and when. */
import type { Span } from './timer-wheel.js';

export type Fate =
  /** No timer: dead or merely quiet, cannot tell. `busy`: once something is sent and not answered. */
  | { readonly kind: 'forever'; readonly busy: Moment }
  /** Noticed if the peer vanishes: while it is idle, and once something is sent and not answered. */
  | { readonly kind: 'armed'; readonly idle: Moment; readonly busy: Moment }
  /** Something is unanswered: given up then, from now, unless an answer comes. */
  | { readonly kind: 'dying'; readonly ends: Moment }
  /** The peer has no room, and answers: only a user timeout ends that. */
  | { readonly kind: 'slow'; readonly ends: Moment }
  /** One end has said goodbye and the program still holds it: no timer. */
  | { readonly kind: 'leaked' }
  /** The program has let go of it; the kernel finishes. */
  | { readonly kind: 'closing'; readonly ends: Moment }
  | { readonly kind: 'unknown'; readonly reason: string };

export type FateKind = Fate['kind'];

export type Moment =
  | { readonly kind: 'within'; readonly ms: Span }
  /** An option that decides could not be read: so it is without. */
  | { readonly kind: 'assumed'; readonly ms: Span; readonly assuming: string }
  | { readonly kind: 'never' }
  | { readonly kind: 'unknown'; readonly reason: string };

/** The worst first: what nobody will notice before what will be. */
export const fateWords: Readonly<Record<FateKind, string>> = {
  forever: 'no timer: dead or merely quiet, cannot tell',
  leaked: 'a goodbye was said, and the program still holds it',
  dying: 'unanswered: given up soon, unless an answer comes',
  slow: 'the peer has no room, and answers',
  unknown: 'not enough could be read',
  armed: 'noticed if the peer vanishes',
  closing: 'let go of: the kernel finishes',
};

export const fateKinds = Object.keys(fateWords) as readonly FateKind[];
