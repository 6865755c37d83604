/** In which order connections are shown. */
import { fateKinds, type FateKind } from './fate.js';
import type { Connection } from './survey.js';

/** The worst fate first, within it the longest silence; of what the kernel says nothing, last. */
export function worstFirst(connections: readonly Connection[]): readonly Connection[] {
  const fates = Uint8Array.from(connections, ({ fate }) => fateRank(fate.kind));
  const silences = Uint32Array.from(connections, ({ silentMs }) => silenceRank(silentMs));
  return [...placesWorstFirst(fates, silences)].flatMap((place) => connections[place] ?? []);
}

/** 0: the worst. */
export function fateRank(kind: FateKind): number {
  return fateKinds.indexOf(kind);
}

/** The longer it is, the lower; the kernel counts it in 32 bits. */
export function silenceRank(silentMs: number | null): number {
  return silentMs === null ? UNHEARD : Math.max(0, UNHEARD - 1 - silentMs);
}

const UNHEARD = 0xffff_ffff;

/**
 * The same of what is not at hand: the places of all, of which those that are alike stay in their order. Within a
 * fate by one number each, its place in the lower word: a comparison in JavaScript takes many times as long.
 * @param fates their ranks
 * @param silences theirs
 */
export function placesWorstFirst(fates: Uint8Array, silences: Uint32Array): Uint32Array {
  const count = fates.length;
  const counts = new Uint32Array(fateKinds.length);
  for (let place = 0; place < count; place++) {
    const fate = fates[place] ?? 0;
    counts[fate] = (counts[fate] ?? 0) + 1;
  }
  let sum = 0;
  const nexts = counts.map((each) => (sum += each) - each);
  const words = new Uint32Array(2 * count);
  for (let place = 0; place < count; place++) {
    const fate = fates[place] ?? 0;
    const next = nexts[fate] ?? 0;
    words[2 * next] = place;
    words[2 * next + 1] = silences[place] ?? 0;
    nexts[fate] = next + 1;
  }
  const keys = new BigUint64Array(words.buffer);
  let from = 0;
  for (const end of nexts) {
    keys.subarray(from, end).sort();
    from = end;
  }
  const places = new Uint32Array(count);
  for (let at = 0; at < count; at++) places[at] = words[2 * at] ?? 0;
  return places;
}
