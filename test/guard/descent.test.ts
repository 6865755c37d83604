import { describe, expect, it } from 'vitest';
import { livingBelow, type Living } from '../../src/guard/descent.js';
import { endAll, type Member } from '../../src/guard/ending.js';
import type { Kin } from '../../src/kernel/process-view.js';
import { kernel } from '../real-kernel.js';

const TOP = 7;

function kin(parentPid: number, hasEnded = false): Kin {
  return { name: 'x', parentPid, groupId: 1, sessionId: 1, startedAtTicks: 1, hasEnded };
}

/** @param seen what each look at a process finds, the last one again and again */
function below(seen: Readonly<Record<number, readonly (Kin | undefined)[]>>) {
  const looks = new Map<number, number>();
  const pids = Object.keys(seen).map(Number);
  const kinOf = (pid: number) => {
    const look = looks.get(pid) ?? 0;
    looks.set(pid, look + 1);
    return seen[pid]?.[Math.min(look, seen[pid].length - 1)];
  };
  const { found, isSure } = livingBelow(
    Object.assign(Object.create(kernel) as typeof kernel, { processIds: () => pids, kinOf }),
    ({ parentPid }) => parentPid === TOP,
  );
  return { found: found.map(({ pid }) => pid), isSure };
}

describe('a look at who descends', () => {
  it('finds children and theirs, and is sure of them', () => {
    expect(below({ 7: [kin(1)], 8: [kin(7)], 9: [kin(8)], 10: [kin(1)] })).toEqual({
      found: [8, 9],
      isSure: true,
    });
  });

  it('that finds nobody is sure when nobody ended meanwhile', () => {
    expect(below({ 7: [kin(1)], 10: [kin(1)] })).toEqual({ found: [], isSure: true });
  });

  it.each([
    ['before it was looked at', [undefined]],
    ['and is not reaped', [kin(TOP, true)]],
    ['after it was looked at', [kin(1), undefined]],
  ])('is not sure when one ended %s: it may have left a child', (_, seen) => {
    expect(below({ 7: [kin(1)], 8: seen })).toEqual({ found: [], isSure: false });
  });
});

describe('the end of all', () => {
  it.each([
    ['two looks', [true], 2],
    ['as many as it takes to be sure', [false, false, false, true], 4],
    ['so many where processes end all the time', [false], 50],
  ])('of nobody takes %s', async (_, sure, expected) => {
    let looks = 0;
    const look = (): Living<Member> => ({
      found: [],
      isSure: sure[looks++] ?? sure.at(-1) ?? true,
    });
    expect(await endAll(kernel, { look, stopTimeoutMs: 1000 })).toEqual({
      by: 'already',
      named: [],
    });
    expect(looks).toBe(expected);
  });
});
