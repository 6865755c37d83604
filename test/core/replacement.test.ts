import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRestartEntry, replacementOf } from '../../src/core/replacement.js';
import type { RestartEntry } from '../../src/core/serve-log.js';

const of = { time: '2026-11-20T14:02:07.123Z', pid: 4711 };
const restarting = { event: 'restarting', ...of, successor: 4712, readyTimeoutMs: 30_000 } as const;
const restarted = { event: 'restarted', ...of, successor: 4712 } as const;
const failed = { event: 'restart-failed', ...of, reason: 'it ended early (exit 1)' } as const;
const refused = {
  event: 'restart-refused',
  ...of,
  reason: 'another restart is under way',
} as const;

describe('a replacement', () => {
  it.each<[string, readonly RestartEntry[], ReturnType<typeof replacementOf>]>([
    [
      'the new version serves',
      [restarting, restarted],
      { pid: 4711, successor: 4712, outcome: { kind: 'replaced' } },
    ],
    [
      'the new version ended',
      [restarting, failed],
      { pid: 4711, successor: 4712, outcome: { kind: 'failed', reason: failed.reason } },
    ],
    [
      'there was nothing that could be started',
      [{ ...restarting, successor: 0 }, failed],
      { pid: 4711, successor: null, outcome: { kind: 'failed', reason: failed.reason } },
    ],
    [
      'another restart is under way',
      [refused],
      { pid: 4711, successor: null, outcome: { kind: 'refused', reason: refused.reason } },
    ],
    [
      'it was heard of no more',
      [restarting],
      { pid: 4711, successor: 4712, outcome: { kind: 'unknown', reason: 'silence' } },
    ],
    [
      'nothing was heard',
      [],
      { pid: null, successor: null, outcome: { kind: 'unknown', reason: 'silence' } },
    ],
  ])('%s', (_, entries, expected) => {
    expect(replacementOf(entries, 'silence')).toEqual(expected);
  });
});

describe('a line of the answer', () => {
  it.each([restarting, restarted, failed, refused])('is an entry: %j', (entry) => {
    expect(parseRestartEntry(JSON.stringify(entry))).toEqual(entry);
  });

  it('is none where any part of it is missing or of another kind', () => {
    for (const entry of [restarting, restarted, failed, refused]) {
      for (const key of Object.keys(entry)) {
        for (const wrong of [undefined, null, -1, {}, []]) {
          expect(parseRestartEntry(JSON.stringify({ ...entry, [key]: wrong }))).toBeUndefined();
        }
      }
    }
  });

  it('is none, whatever else somebody says', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
        expect(parseRestartEntry(line)).toBeUndefined();
      }),
    );
  });
});
