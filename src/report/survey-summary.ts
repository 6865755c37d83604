/** A survey's connections by fate: how many, how long silent, and what the asked ones said. */
import { fateKinds, type FateKind } from '../core/fate.js';
import type { Connection } from '../core/survey.js';

export interface FateSummary {
  readonly kind: FateKind;
  readonly connections: number;
  /** Null where the kernel tells it of none. */
  readonly longestSilenceMs: number | null;
  /** Of those that were asked. */
  readonly answers: number;
  readonly silent: number;
  readonly ended: number;
}

/** Every fate, the worst first. */
export function summarise(connections: readonly Connection[]): readonly FateSummary[] {
  const summaries = new Map(fateKinds.map((kind) => [kind, emptySummary(kind)]));
  for (const { fate, silentMs, ask } of connections) {
    const summary = summaries.get(fate.kind);
    if (summary === undefined) continue;
    summary.connections++;
    if (!('reason' in ask)) summary[ask.kind]++;
    if (silentMs !== null && silentMs >= (summary.longestSilenceMs ?? 0)) {
      summary.longestSilenceMs = silentMs;
    }
  }
  return [...summaries.values()];
}

export function countOf(summaries: readonly FateSummary[], kind: FateKind): number {
  return summaries.find((summary) => summary.kind === kind)?.connections ?? 0;
}

export function askedCounts(summaries: readonly FateSummary[]): {
  readonly answers: number;
  readonly silent: number;
  readonly ended: number;
} {
  return {
    answers: summaries.reduce((total, { answers }) => total + answers, 0),
    silent: summaries.reduce((total, { silent }) => total + silent, 0),
    ended: summaries.reduce((total, { ended }) => total + ended, 0),
  };
}

export function wereAsked(summaries: readonly FateSummary[]): boolean {
  return summaries.some(({ answers, silent, ended }) => answers + silent + ended > 0);
}

function emptySummary(kind: FateKind): { -readonly [Key in keyof FateSummary]: FateSummary[Key] } {
  return { kind, connections: 0, longestSilenceMs: null, answers: 0, silent: 0, ended: 0 };
}
