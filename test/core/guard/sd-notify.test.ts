import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseNotification, type Notification } from '../../../src/core/guard/sd-notify.js';

describe('what a service says', () => {
  it.each<[string, readonly Notification[]]>([
    ['READY=1', [{ kind: 'ready' }]],
    ['READY=1\n', [{ kind: 'ready' }]],
    ['READY=0', []],
    ['WATCHDOG=1', [{ kind: 'alive' }]],
    ['WATCHDOG=trigger', [{ kind: 'failed' }]],
    ['WATCHDOG=2', []],
    ['STOPPING=1', [{ kind: 'stopping' }]],
    ['MAINPID=4711', [{ kind: 'main-pid', pid: 4711 }]],
    ['MAINPID=0', []],
    ['MAINPID=-1', []],
    ['MAINPID=4194305', []],
    ['MAINPID=1e3', []],
    ['EXTEND_TIMEOUT_USEC=1500000', [{ kind: 'extend', ms: 1500 }]],
    ['EXTEND_TIMEOUT_USEC=1', [{ kind: 'extend', ms: 1 }]],
    ['EXTEND_TIMEOUT_USEC=0', []],
    ['EXTEND_TIMEOUT_USEC=99999999999999999999', [{ kind: 'extend', ms: 604_800_000 }]],
    ['STATUS=READY=1', []],
    ['BARRIER=1', []],
    [
      'READY=1\nSTATUS=Serving\nMAINPID=17\nWATCHDOG=1',
      [{ kind: 'ready' }, { kind: 'main-pid', pid: 17 }, { kind: 'alive' }],
    ],
  ])('%j', (text, said) => {
    expect(parseNotification(Buffer.from(text))).toEqual(said);
  });

  it.each(['', '\n', 'READY', '=1', 'ready=1', 'READY=1\nhello', 'READY=1\0WATCHDOG=1\nx'])(
    '%j is none of the protocol',
    (text) => {
      expect(parseNotification(Buffer.from(text))).toBeUndefined();
    },
  );
});

describe('of any bytes', () => {
  const meant = fc.constantFrom<readonly [string, Notification]>(
    ['READY=1', { kind: 'ready' }],
    ['WATCHDOG=1', { kind: 'alive' }],
    ['STOPPING=1', { kind: 'stopping' }],
    ['MAINPID=2', { kind: 'main-pid', pid: 2 }],
  );
  const others = fc.stringMatching(/^X_[A-Z]{1,8}=[^\n]{0,20}$/).map((line) => [line] as const);

  it('what concerns a guardian is found, in its order, whatever is said beside it', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(meant, others), { minLength: 1 }), (lines) => {
        const text = lines.map(([line]) => line).join('\n');
        const said = lines.map(([, notification]) => notification).filter(Boolean);
        expect(parseNotification(Buffer.from(text))).toEqual(said);
      }),
    );
  });

  it('a number is in its range, and nothing throws', () => {
    const text = fc.tuple(fc.constantFrom('MAINPID=', 'EXTEND_TIMEOUT_USEC='), fc.string());
    const bytes = fc.oneof(
      fc.uint8Array(),
      text.map(([name, value]) => Buffer.from(name + value)),
      fc.bigInt({ min: 0n }).map((value) => Buffer.from(`MAINPID=${value}`)),
    );
    fc.assert(
      fc.property(bytes, (message) => {
        for (const said of parseNotification(message) ?? []) {
          if (said.kind === 'main-pid') {
            expect(said.pid).toBeGreaterThanOrEqual(1);
            expect(said.pid).toBeLessThanOrEqual(4_194_304);
          }
          if (said.kind === 'extend') expect(said.ms).toBeGreaterThanOrEqual(1);
        }
      }),
    );
  });
});
