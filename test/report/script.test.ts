import { describe, expect, it } from 'vitest';
import type { ScriptResult, ScriptStep } from '../../src/core/script-result.js';
import { scriptLine, scriptSummary } from '../../src/report/script.js';

function line(what: ScriptStep, connection = 'phone'): string {
  return scriptLine({ time: '2026-11-20T14:02:07.123Z', connection, what });
}

describe('scriptLine', () => {
  it('is a line a step', () => {
    const steps: readonly ScriptStep[] = [
      { kind: 'connected', local: '127.0.0.1:40001' },
      { kind: 'sent', bytes: 64 },
      { kind: 'sent', bytes: 1 },
      { kind: 'came-back', bytes: 64 },
      { kind: 'came-back', bytes: 1 },
      { kind: 'cut' },
      { kind: 'closed' },
      { kind: 'ended', by: 'ECONNRESET' },
    ];
    expect(steps.map((step) => line(step)).join('')).toMatchInlineSnapshot(`
      "14:02:07.123  phone: connected from 127.0.0.1:40001
      14:02:07.123  phone: sent 64 bytes
      14:02:07.123  phone: sent 1 byte
      14:02:07.123  phone: 64 bytes came back
      14:02:07.123  phone: 1 byte came back
      14:02:07.123  phone: cut at this end
      14:02:07.123  phone: closed
      14:02:07.123  phone: ended by ECONNRESET
      "
    `);
  });

  it('shows what a terminal would have acted on', () => {
    expect(line({ kind: 'cut' }, 'ph\x1b[2Jone\n')).toBe(
      '14:02:07.123  ph\\x1b[2Jone\\x0a: cut at this end\n',
    );
    expect(line({ kind: 'ended', by: 'E\x9b31m' })).toBe(
      '14:02:07.123  phone: ended by E\\x9b31m\n',
    );
  });
});

describe('scriptSummary', () => {
  const open: ScriptResult['open'] = [
    { connection: 'phone', state: 'ESTABLISHED', cut: true, unacknowledgedSegments: 1 },
    { connection: 'tablet', state: 'ESTABLISHED', cut: true, unacknowledgedSegments: 0 },
    { connection: 'laptop', state: 'CLOSE-WAIT', cut: false, unacknowledgedSegments: 0 },
  ];

  it('says what is still open, and how many were lost', () => {
    expect(scriptSummary({ open, lost: 2 })).toMatchInlineSnapshot(`
      "phone: still ESTABLISHED, cut, 1 segment unacknowledged
      tablet: still ESTABLISHED, cut, 0 segments unacknowledged
      laptop: still CLOSE-WAIT
      2 connections lost
      "
    `);
    expect(scriptSummary({ open: [], lost: 1 })).toBe('1 connection lost\n');
  });

  it('has nothing to say where all ended as they were told to', () => {
    expect(scriptSummary({ open: [], lost: 0 })).toBe('');
  });

  it('shows what a terminal would have acted on', () => {
    const state = '\x1b]0;gone\x07';
    expect(
      scriptSummary({
        open: [{ connection: 'phone', state, cut: false, unacknowledgedSegments: 0 }],
        lost: 0,
      }),
    ).toBe('phone: still \\x1b]0;gone\\x07\n');
  });
});
