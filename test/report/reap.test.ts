import { describe, expect, it } from 'vitest';
import type { Reaped, ReapOutcome, ReapResult } from '../../src/core/reap.js';
import { reportReap } from '../../src/report/reap.js';
import { plainStyle } from './comparison-fixture.js';

function reapedOf(changes: Partial<Reaped> = {}): Reaped {
  return {
    local: { address: '10.0.0.5', port: 443 },
    peer: { address: '192.0.2.7', port: 40_001 },
    process: { pid: 812, name: 'nginx', fd: 9 },
    cookie: '1a2b',
    silentMs: 17 * 86_400_000,
    unansweredMs: null,
    evidence: 'silent under two asks',
    outcome: { kind: 'would-end' },
    ...changes,
  };
}

function resultOf(changes: Partial<ReapResult> = {}): ReapResult {
  return {
    schema: 'tcpalive/reap/1',
    complete: true,
    takenAt: '2026-11-20T14:02:07.123Z',
    dryRun: true,
    connections: [
      reapedOf(),
      reapedOf({
        local: { address: '2001:db8::5', port: 443 },
        peer: { address: '2001:db8::7', port: 51_002 },
        process: null,
        silentMs: 61_000,
        evidence: '1m without answer, retransmissions: 7',
      }),
    ],
    kept: [
      { reason: 'loopback', connections: 3 },
      { reason: 'not-dying', connections: 40 },
    ],
    recordFile: null,
    notes: [],
    ...changes,
  };
}

const table = (changes?: Partial<ReapResult>) =>
  reportReap(resultOf(changes), { format: 'table', style: plainStyle });

describe('what reap shows', () => {
  it('a dry run: what would be ended, why, and what is left alone', () => {
    expect(table()).toMatchInlineSnapshot(`
      "LOCAL              PEER                 PROCESS     SILENT  EVIDENCE                               OUTCOME
      10.0.0.5:443       192.0.2.7:40001      nginx[812]   17d0h  silent under two asks                  would be ended
      [2001:db8::5]:443  [2001:db8::7]:51002  -             1m1s  1m without answer, retransmissions: 7  would be ended
      3 left alone: loopback
      40 left alone: nothing is unanswered
      Nothing was changed: the same with --yes ends 2 connections.
      "
    `);
  });

  it('what became of each, and where the evidence is', () => {
    const outcomes: readonly ReapOutcome[] = [
      { kind: 'ended' },
      { kind: 'ended' },
      { kind: 'gone' },
      { kind: 'answered' },
      { kind: 'refused', reason: 'SOCK_DESTROY: EPERM' },
    ];
    const ended = table({
      dryRun: false,
      connections: outcomes.map((outcome) => reapedOf({ outcome })),
      kept: [],
      recordFile: '/root/.local/state/tcpalive/reap-1.jsonl',
    });
    expect(ended).toMatchInlineSnapshot(`
      "LOCAL         PEER             PROCESS     SILENT  EVIDENCE               OUTCOME
      10.0.0.5:443  192.0.2.7:40001  nginx[812]   17d0h  silent under two asks  ended
      10.0.0.5:443  192.0.2.7:40001  nginx[812]   17d0h  silent under two asks  ended
      10.0.0.5:443  192.0.2.7:40001  nginx[812]   17d0h  silent under two asks  gone by itself
      10.0.0.5:443  192.0.2.7:40001  nginx[812]   17d0h  silent under two asks  left alone: it answered meanwhile
      10.0.0.5:443  192.0.2.7:40001  nginx[812]   17d0h  silent under two asks  refused: SOCK_DESTROY: EPERM
      2 ended, 1 gone by itself, 1 left alone: it answered meanwhile, 1 refused
      The evidence is in /root/.local/state/tcpalive/reap-1.jsonl
      "
    `);
  });

  it('nothing', () => {
    expect(table({ connections: [], kept: [{ reason: 'loopback', connections: 2 }] }))
      .toMatchInlineSnapshot(`
      "2 left alone: loopback
      Nothing that was meant is proven dead.
      "
    `);
    expect(table({ connections: [], kept: [] })).toBe('No connection matches the filters.\n');
  });

  it('an interruption', () => {
    const connections = [
      reapedOf({ outcome: { kind: 'ended' } }),
      reapedOf({ outcome: { kind: 'interrupted' } }),
    ];
    expect(
      table({
        complete: false,
        dryRun: false,
        connections,
        kept: [],
        recordFile: 'evidence.jsonl',
      }),
    ).toMatchInlineSnapshot(`
      "LOCAL         PEER             PROCESS     SILENT  EVIDENCE               OUTCOME
      10.0.0.5:443  192.0.2.7:40001  nginx[812]   17d0h  silent under two asks  ended
      10.0.0.5:443  192.0.2.7:40001  nginx[812]   17d0h  silent under two asks  left alone: interrupted
      Interrupted: that is what is known so far.
      The evidence is in evidence.jsonl
      "
    `);
    expect(table({ complete: false, connections: [], kept: [] })).toMatchInlineSnapshot(`
      "Interrupted: that is what is known so far.
      "
    `);
  });

  it('refusals in red, where colour is wanted', () => {
    const connections = [reapedOf({ outcome: { kind: 'refused', reason: 'SOCK_DESTROY: EPERM' } })];
    const result = resultOf({ dryRun: false, connections });
    const painted = reportReap(result, { format: 'table', style: { ...plainStyle, color: true } });
    expect(painted).toContain('\x1b[31mrefused: SOCK_DESTROY: EPERM\x1b[39m');
    expect(reportReap(result, { format: 'table', style: plainStyle })).not.toContain('\x1b');
  });

  it('names of processes without what a terminal acts on, also as JSON', () => {
    const name = 'ng\x1b[2J\u202einx\n';
    const result = resultOf({ connections: [reapedOf({ process: { pid: 1, name, fd: 2 } })] });
    const shown = reportReap(result, { format: 'table', style: plainStyle });
    expect(shown).toContain('ng\\x1b[2J\\u202einx\\x0a[1]');
    const json = reportReap(result, { format: 'json', style: plainStyle });
    // eslint-disable-next-line no-control-regex
    expect(json).not.toMatch(/[\x00-\x09\x0b-\x1f\u202e]/);
    expect(JSON.parse(json)).toEqual(result);
  });

  it('ten thousand rows at once', () => {
    const connections = Array.from({ length: 10_000 }, () => reapedOf());
    const lines = table({ connections, kept: [] }).split('\n');
    expect(lines).toHaveLength(1 + 10_000 + 1 + 1);
  });
});
