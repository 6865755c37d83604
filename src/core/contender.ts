import { ZERO, type Dying, type Span } from './timer-wheel.js';

/** Something that will end the connection, and what it sends until then. */
export interface Contender {
  readonly fromDrop: Span;
  readonly fromLastActivity: Span;
  readonly rule: string;
  /** From the drop: when the last segment leaves whose answer would still prevent the verdict. */
  readonly lastWord: Span;
  readonly schedule: Schedule;
}

export interface Schedule {
  /** What leaves at those moments. */
  readonly what: 'probe' | 'retransmission' | 'SYN' | 'nothing';
  readonly since: string;
  readonly sent: readonly Span[];
  readonly death: Span;
}

/** The last that surely leaves before the end, and the last that may; `lead`: from the drop to the origin. */
export function lastWordOf({ sent, death }: Dying, lead: Span): Span {
  const [sure, last] = [sent.findLast(({ max }) => max < death.min), sent.at(-1)];
  return { min: (sure ?? ZERO).min + lead.min, max: (last ?? ZERO).max + lead.max };
}
