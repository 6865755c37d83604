import { describe, expect, it } from 'vitest';
import type { Replacement } from '../../src/core/replacement.js';
import { replacementProgress, reportReplacement } from '../../src/report/replacement.js';

const style = { color: false, unicode: false, width: 100 };

const replaced: Replacement = {
  schema: 'tcpalive/replace/1',
  complete: true,
  startedAt: '2026-11-20T14:02:07.123Z',
  durationMs: 612.345,
  status: '127.0.0.1:7778',
  pid: 4711,
  successor: 4712,
  outcome: { kind: 'replaced' },
};

const results: readonly Replacement[] = [
  replaced,
  {
    ...replaced,
    successor: null,
    outcome: { kind: 'refused', reason: 'another restart is under way' },
  },
  { ...replaced, outcome: { kind: 'failed', reason: 'it ended \u001b[2J(exit 1)' } },
  { ...replaced, outcome: { kind: 'unknown', reason: 'it does not answer in time' } },
  {
    ...replaced,
    complete: false,
    pid: null,
    successor: null,
    outcome: { kind: 'unknown', reason: 'interrupted' },
  },
];

describe('what came of a replacement', () => {
  it('is a line', () => {
    const lines = results.map((result) => reportReplacement(result, { asJson: false, style }));
    expect(lines.join('')).toMatchInlineSnapshot(`
      "replaced: process 4712 serves after 0.61s, process 4711 lets nobody in any more
      refused: process 4711 goes on, another restart is under way
      failed: process 4711 serves on, it ended \\x1b[2J(exit 1)
      not known: process 4711 has not said what came of it: it does not answer in time
      not known: the server at 127.0.0.1:7778 has not said what came of it: interrupted
      "
    `);
  });

  it('is red where it was not done', () => {
    const painted = results.map((result) =>
      reportReplacement(result, { asJson: false, style: { ...style, color: true } }).startsWith(
        '\x1b',
      ),
    );
    expect(painted).toEqual([false, true, true, true, true]);
  });

  it('is itself as JSON, never coloured', () => {
    for (const result of results) {
      const json = reportReplacement(result, { asJson: true, style: { ...style, color: true } });
      expect(JSON.parse(json)).toEqual(result);
      expect(json).not.toContain('\x1b');
    }
  });
});

describe('its progress', () => {
  it('tells what is waited for, while something is', () => {
    const of = { time: '2026-11-20T14:02:07.123Z', pid: 4711 };
    expect(
      replacementProgress({ event: 'restarting', ...of, successor: 4712, readyTimeoutMs: 30_000 }),
    ).toBe('process 4711 has started process 4712, which has 30s to get ready');
    expect(replacementProgress({ event: 'restarted', ...of, successor: 4712 })).toBeUndefined();
  });
});
