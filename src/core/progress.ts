/** What a running comparison tells whoever watches. Times are milliseconds since the drop. */
import type { Fault, Load } from './condition.js';
import type { Prediction } from './predict.js';

export interface PlannedRow {
  readonly mode: string;
  readonly load: Load;
  readonly fault: Fault;
  readonly connections: number;
  readonly predicted: Prediction;
  /** How long it is watched after the drop; 0: predicted only. */
  readonly waitMs: number;
}

export type ComparisonEvent =
  | { readonly kind: 'planned'; readonly rows: readonly PlannedRow[] }
  /** What is being done now, in words: `opening 440 connections`. */
  | { readonly kind: 'stage'; readonly text: string }
  /** `row` is the index in `planned`; all its connections were cut (or closed, or stopped). */
  | { readonly kind: 'dropped'; readonly row: number }
  /** Signs of life before the drop, and segments that the kernel sent by itself after it. */
  | {
      readonly kind: 'beats' | 'segments';
      readonly row: number;
      readonly atMs: number;
      readonly count: number;
    }
  /** One connection's verdict. */
  | { readonly kind: 'noticed'; readonly row: number; readonly atMs: number; readonly by: string }
  /** A healthy twin was given up. */
  | {
      readonly kind: 'false-alarm';
      readonly row: number;
      readonly atMs: number;
      readonly by: string;
    }
  /** Nothing more will come of this row. */
  | { readonly kind: 'row-done'; readonly row: number };

type WithoutRow<E> = E extends { readonly row: number } ? Omit<E, 'row'> : never;

/** An event about one row, from where it is not known which one that is. */
export type RowEvent = WithoutRow<ComparisonEvent>;
