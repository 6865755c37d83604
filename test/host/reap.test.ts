import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ReapResult } from '../../src/core/reap.js';
import type { HostSocket } from '../../src/core/socket.js';
import { reap } from '../../src/host/reap.js';
import { KernelRefusal, type Kernel } from '../../src/kernel/kernel.js';
import { portableKernel } from '../../src/kernel/portable.js';
import type { WayOut } from '../../src/kernel/socket-view.js';
import { dying, tableOf } from './fake-table.js';

const ENOENT = 2;
const EPERM = 1;

interface World {
  /** What is found just before it is ended; undefined: nothing. */
  readonly then?: HostSocket | undefined;
  readonly refusal?: KernelRefusal;
  /** Default: open. */
  readonly way?: WayOut;
}

class FakeKernel {
  readonly ended: Parameters<Kernel['destroy']>[0][] = [];
  readonly kernel: Kernel;

  constructor(world: World) {
    const namespace = { id: 'net:[1]', path: '/proc/self/ns/net' };
    this.kernel = {
      ...portableKernel,
      networkNamespace: () => namespace,
      ...tableOf([dying]),
      waysOut: (connections) => connections.map(() => world.way ?? { kind: 'open', link: '2 1' }),
      socketDiag: () => ('then' in world ? world.then : dying),
      destroy: (socket) => {
        if (world.refusal !== undefined) throw world.refusal;
        this.ended.push(socket);
      },
    };
  }
}

interface Order {
  readonly yes?: boolean;
  readonly afterMs?: number;
  readonly interrupted?: boolean;
}

async function reaped(
  world: World,
  { yes = true, afterMs = 5000, interrupted = false }: Order = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'tcpalive-reap-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const recordFile = join(folder, 'record.jsonl');
  const fake = new FakeKernel(world);
  const result = await reap(fake.kernel, {
    selection: {},
    rules: { afterMs, session: { peers: [], pids: new Set() } },
    askWaitMs: undefined,
    recordFile: yes ? recordFile : undefined,
    variables: { XDG_STATE_HOME: folder },
    interruption: interrupted ? AbortSignal.abort() : new AbortController().signal,
    tell: () => undefined,
  });
  const record = existsSync(recordFile) ? readFileSync(recordFile, 'utf8').trimEnd() : '';
  return { result, ended: fake.ended, record };
}

function outcomes({ connections }: ReapResult) {
  return connections.map(({ outcome }) => outcome);
}

describe('ending a connection', () => {
  it('takes the one that was proven dead, bound to its interface, with its cookie', async () => {
    const { result, ended, record } = await reaped({});
    expect(ended).toEqual([
      { local: dying.local, peer: dying.peer, interfaceIndex: 3, cookie: '1a2b' },
    ]);
    expect(outcomes(result)).toEqual([{ kind: 'ended' }]);
    expect(result.connections[0]).toMatchObject({
      evidence: '6s without answer, retransmissions: 4',
      unansweredMs: 6100,
      silentMs: 90_000,
    });
    const lines = record.split('\n').map((line) => JSON.parse(line) as object);
    expect(lines).toMatchObject([{ to: 'end' }, { did: 'ended' }]);
    expect(lines).toHaveLength(2);
    expect(result.notes).toEqual([expect.stringMatching(/^1 by what was last sent up to 2m ago/)]);
  });

  it('is not enough that it was merely silent for that long before', async () => {
    const { result, ended } = await reaped({}, { afterMs: 7000 });
    expect(ended).toEqual([]);
    expect(result.kept).toEqual([{ reason: 'unanswered-too-briefly', connections: 1 }]);
    expect(result).toMatchObject({ recordFile: null, notes: [] });
  });

  it('is nothing that is done to who cannot have heard us', async () => {
    const reason = 'eth0 has no carrier';
    const { result, ended } = await reaped({ way: { kind: 'shut', link: null, reason } });
    expect([ended, result.connections, result.recordFile]).toEqual([[], [], null]);
    expect(result.kept).toEqual([{ reason: 'no-way-out', connections: 1 }]);
    expect(result.notes).toContain('1 not called dead: eth0 has no carrier');
  });

  it('changes nothing in a dry run, and writes nothing', async () => {
    const { result, ended, record } = await reaped({}, { yes: false });
    expect([ended, record, result.dryRun]).toEqual([[], '', true]);
    expect(outcomes(result)).toEqual([{ kind: 'would-end' }]);
  });

  it.each([
    ['that is gone', { then: undefined }, { kind: 'gone' }],
    [
      'whose addresses are those of another one now',
      { then: { ...dying, cookie: '1a2c' } },
      { kind: 'gone' },
    ],
    [
      'that was heard of since',
      {
        then: {
          ...dying,
          info: { probes: 0, backoff: 0, rtoMs: 204, rttMs: 0, silentMs: 40, windowBytes: 0 },
        },
      },
      { kind: 'answered' },
    ],
    [
      'of which nothing is known any more',
      { then: { ...dying, info: null } },
      { kind: 'refused', reason: 'nothing is known of it any more' },
    ],
  ] as const)('touches none %s', async (_, world, outcome) => {
    const { result, ended } = await reaped(world);
    expect(ended).toEqual([]);
    expect(outcomes(result)).toEqual([outcome]);
  });

  it('says what the kernel refused, unless it was just gone', async () => {
    const refused = await reaped({ refusal: new KernelRefusal('SOCK_DESTROY', EPERM) });
    expect(outcomes(refused.result)).toEqual([{ kind: 'refused', reason: 'SOCK_DESTROY: EPERM' }]);
    const gone = await reaped({ refusal: new KernelRefusal('SOCK_DESTROY', ENOENT) });
    expect(outcomes(gone.result)).toEqual([{ kind: 'gone' }]);
  });

  it('ends nothing more once it is interrupted', async () => {
    const { result, ended, record } = await reaped({}, { interrupted: true });
    expect([ended, record, result.complete]).toEqual([[], '', false]);
    expect(outcomes(result)).toEqual([{ kind: 'interrupted' }]);
  });
});
