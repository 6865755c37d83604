import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fateKinds } from '../../src/core/fate.js';
import { countByFate, type Connection } from '../../src/core/survey.js';
import { worstFirst } from '../../src/core/worst-first.js';
import { fates, quiet } from './connections.js';

const connections = fc.array(
  fc.record({
    fate: fc.constantFrom(...fates),
    silentMs: fc.option(fc.nat(1000)),
    cookie: fc.uuid(),
  }),
);

it('what nobody will notice comes first, the longest silence before the shorter, the unknown last', () => {
  const rows = [
    ...fates.map((fate) => ({ ...quiet, fate })),
    ...[5, null, 0, 2 ** 32 - 1, 70_000].map((silentMs) => ({ ...quiet, silentMs })),
  ];
  expect(worstFirst(rows).map(({ fate, silentMs }) => [fate.kind, silentMs])).toEqual([
    ['forever', 2 ** 32 - 1],
    ['forever', 70_000],
    ['forever', 60_000],
    ['forever', 5],
    ['forever', 0],
    ['forever', null],
    ['leaked', 60_000],
    ['dying', 60_000],
    ['slow', 60_000],
    ['unknown', 60_000],
    ['armed', 60_000],
    ['closing', 60_000],
  ]);
});

it('loses none, keeps its order among equals and leaves what it was given alone', () => {
  fc.assert(
    fc.property(connections, (each) => {
      const rows = each.map((row): Connection => ({ ...quiet, ...row }));
      const before = [...rows];
      const sorted = worstFirst(rows);
      expect(rows).toEqual(before);
      expect(new Set(sorted)).toEqual(new Set(rows));
      for (const [at, row] of sorted.entries()) {
        const next = sorted[at + 1];
        if (next === undefined) continue;
        const rank = fateKinds.indexOf(row.fate.kind) - fateKinds.indexOf(next.fate.kind);
        expect(rank).toBeLessThanOrEqual(0);
        if (rank < 0) continue;
        expect(row.silentMs ?? -1).toBeGreaterThanOrEqual(next.silentMs ?? -1);
        if (row.silentMs === next.silentMs) {
          expect(rows.indexOf(row)).toBeLessThan(rows.indexOf(next));
        }
      }
      const counts = countByFate(rows);
      expect(Object.values(counts).reduce((a, b) => a + b, 0)).toBe(rows.length);
    }),
  );
});
