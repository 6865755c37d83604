/** Who may change something by asking; what is told to whoever looks: serve.test.ts. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { serveStatus } from '../../src/commands/serve-status.js';
import type { RestartEntry } from '../../src/core/serve-log.js';
import type { Kernel } from '../../src/kernel/kernel.js';
import { portableKernel } from '../../src/kernel/portable.js';

const OTHER_USER = 65_533;
const NO_TIMER = { kind: 'none', expiresInMs: null } as const;

const of = { time: '2026-11-20T14:02:07.123Z', pid: 4711 };
const restarting = { event: 'restarting', ...of, successor: 4712, readyTimeoutMs: 1 } as const;
const restarted = { event: 'restarted', ...of, successor: 4712 } as const;
const refused = { event: 'restart-refused', ...of, reason: 'this process is ending' } as const;

interface Answered {
  readonly status: number;
  readonly body: string;
  /** How often a restart was asked for. */
  readonly asked: number;
}

/** POST /replace, for which that user asks. @param entries what comes of it */
async function replace(userId: number, entries: readonly RestartEntry[]): Promise<Answered> {
  let asked = 0;
  const ask = (hear: (entry: RestartEntry) => void) => {
    asked++;
    for (const entry of entries) hear(entry);
  };
  const server = await serveStatus(
    { address: '127.0.0.1', port: 0 },
    {
      status: () => expect.unreachable('nobody asks for it'),
      restart: { ask },
      kernel: kernelThatTells(userId),
    },
    { onBug: (bug) => expect.unreachable(String(bug)) },
  );
  onTestFinished(() => server.close());
  const at = `http://127.0.0.1:${server.address.port}/replace`;
  const response = await fetch(at, { method: 'POST', headers: { tcpalive: '1' } });
  return { status: response.status, body: await response.text(), asked };
}

function kernelThatTells(userId: number): Kernel {
  return {
    ...portableKernel,
    capabilities: { ...portableKernel.capabilities, sockDiag: true },
    socketDiag: (local, peer) => ({
      ...{ local, peer, state: 'ESTABLISHED', timer: NO_TIMER, retransmissions: 0 },
      ...{ sendQueueBytes: 0, receiveQueueBytes: 0, inode: 7, userId, cookie: '1' },
      ...{ interfaceIndex: 0, info: null },
    }),
  };
}

describe('POST /replace', () => {
  it('starts nothing for another user, and says why', async () => {
    expect(await replace(OTHER_USER, [restarting, restarted])).toEqual({
      status: 403,
      body: `user ${OTHER_USER} asks, and this process is another user's\n`,
      asked: 0,
    });
  });

  it.each<[number, readonly RestartEntry[]]>([
    [202, [restarting, restarted]],
    [409, [refused]],
  ])('answers this user with %i, and what came of it, a line each', async (status, entries) => {
    expect(await replace(process.getuid?.() ?? 0, entries)).toEqual({
      status,
      body: entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''),
      asked: 1,
    });
  });
});
