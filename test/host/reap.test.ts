import { describe, expect, it } from 'vitest';
import type { ReapOutcome } from '../../src/core/reap.js';
import type { HostSocket, SocketInfo } from '../../src/core/socket.js';
import { described, end } from '../../src/host/reap.js';
import { KernelRefusal, type Kernel } from '../../src/kernel/kernel.js';
import { portableKernel } from '../../src/kernel/portable.js';
import { connectionOf } from '../report/survey-fixture.js';

const SILENT_MS = 61_000;

/** Of that cookie, silent for that long; a refusal of SOCK_DESTROY with that number. */
interface Now {
  readonly cookie?: string;
  readonly silentMs?: number | null;
  readonly errno?: number;
}

function ended(now: Now | undefined, cookie: string | null = '1a2b') {
  const destroyed: (string | null)[] = [];
  const kernel: Kernel = {
    ...portableKernel,
    socketDiag: () => {
      if (now === undefined) return undefined;
      const { silentMs = SILENT_MS + 5 } = now;
      const info = silentMs === null ? null : ({ silentMs } as SocketInfo);
      return { cookie: now.cookie ?? '1a2b', info } as HostSocket;
    },
    destroy: (socket) => {
      if (now?.errno !== undefined) throw new KernelRefusal('SOCK_DESTROY', now.errno);
      destroyed.push(socket.cookie);
    },
  };
  const connection = connectionOf({ cookie, silentMs: SILENT_MS });
  const outcome = end(kernel, { connection, evidence: 'silent under two asks' });
  return { outcome, destroyed };
}

describe('ending a connection', () => {
  it('takes the one that was proven dead', () => {
    expect(ended({})).toEqual({ outcome: { kind: 'closed' }, destroyed: ['1a2b'] });
    expect(ended({ silentMs: null })).toMatchObject({ outcome: { kind: 'closed' } });
    expect(ended({ silentMs: SILENT_MS })).toMatchObject({ outcome: { kind: 'closed' } });
  });

  it.each<[string, Now | undefined, ReapOutcome]>([
    ['that is gone', undefined, { kind: 'gone' }],
    ['whose addresses are another one’s now', { cookie: 'ffff' }, { kind: 'gone' }],
    ['that was heard of since', { silentMs: SILENT_MS - 1 }, { kind: 'answered' }],
  ])('touches none %s', (_, now, outcome) => {
    expect(ended(now)).toEqual({ outcome, destroyed: [] });
  });

  it('without a cookie touches none', () => {
    expect(ended({}, null)).toEqual({
      outcome: { kind: 'refused', reason: 'no cookie' },
      destroyed: [],
    });
  });

  it('says what the kernel refused, unless it was just gone', () => {
    expect(ended({ errno: 2 }).outcome).toEqual({ kind: 'gone' });
    expect(ended({ errno: 1 }).outcome).toEqual({ kind: 'refused', reason: 'SOCK_DESTROY: EPERM' });
  });

  it('is described by what was found of it', () => {
    const connection = connectionOf();
    expect(described({ connection, evidence: 'e' }, { kind: 'gone' })).toEqual({
      local: connection.local,
      peer: connection.peer,
      process: connection.process,
      cookie: connection.cookie,
      silentMs: connection.silentMs,
      evidence: 'e',
      outcome: { kind: 'gone' },
    });
  });
});
