import { groupBy } from './group-by.js';

/** For the notes of a result: `12 not asked: eth0 has no carrier`, one of each reason. */
export function countedReasons(what: string, reasons: readonly string[]): readonly string[] {
  return [...groupBy(reasons, (reason) => reason)].map(
    ([reason, { length }]) => `${length} ${what}: ${reason}`,
  );
}
