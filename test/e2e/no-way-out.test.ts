/** Silence that is this host's own: its link has no carrier, its router is gone. Beside it, silence that is not. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ReapResult } from '../../src/core/reap.js';
import type { Survey } from '../../src/core/survey.js';
import {
  connected,
  connectionsOf,
  cutOff,
  lacksDestroy,
  listening,
  settled,
  SOON_MS,
  type Crowd,
} from './network.js';
import { until } from '../until.js';
import { run } from './program.js';
import {
  routedNetwork,
  lacksRoutedNetwork,
  runIn,
  SERVER_ADDRESS,
  type RoutedNetwork,
} from './routed-network.js';

const PORT = 7000;
const CONNECTIONS = 20;

interface Served {
  readonly network: RoutedNetwork;
  readonly server: Crowd;
  readonly clients: Crowd;
  readonly state: string;
}

async function served(): Promise<Served> {
  const network = await routedNetwork();
  const server = await listening(network.server, PORT);
  const clients = await connected(network.client, PORT, CONNECTIONS, {
    to: SERVER_ADDRESS,
    from: '198.51.100.2',
  });
  await settled(server.pid);
  const state = mkdtempSync(join(tmpdir(), 'tcpalive-e2e-state-'));
  onTestFinished(() => rmSync(state, { recursive: true, force: true }));
  return { network, server, clients, state };
}

async function tcpalive({ network, state }: Served, ...words: readonly string[]): Promise<string> {
  const { code, stdout } = await run([], {
    command: network.server.command(process.execPath, 'dist/cli.cjs', ...words),
    variables: { XDG_STATE_HOME: state },
  });
  expect(code).toBe(0);
  return stdout;
}

async function reaped(found: Served, ...words: readonly string[]): Promise<ReapResult> {
  const args = ['reap', '--json', '--port', `${PORT}`, '--yes', ...words];
  return JSON.parse(await tcpalive(found, ...args)) as ReapResult;
}

/** Nobody was ended, and that is why. */
function expectKept(found: Served, result: ReapResult, reason: RegExp): void {
  expect(result.connections).toEqual([]);
  expect(result.kept).toEqual([{ reason: 'no-way-out', connections: CONNECTIONS }]);
  expect(result.notes).toContainEqual(expect.stringMatching(reason));
  expect(connectionsOf(found.server.pid)).toHaveLength(CONNECTIONS);
}

describe.skipIf(lacksRoutedNetwork || lacksDestroy)(
  'reap and ls --ask (need network namespaces, SOCK_DESTROY)',
  () => {
    it('end who is silent, when what was asked has left', async () => {
      const found = await served();
      cutOff(found.clients.pid, CONNECTIONS);
      const { connections, kept } = await reaped(found, '--ask=500ms');
      expect(kept).toEqual([]);
      expect(connections.map(({ outcome }) => outcome.kind)).toEqual(
        connections.map(() => 'ended'),
      );
      expect(connections).toHaveLength(CONNECTIONS);
    });

    it('keep everybody while the link has no carrier, and ask them when it has', async () => {
      const found = await served();
      const { network } = found;
      runIn(network.router, 'ip link set server down');
      expectKept(found, await reaped(found, '--ask=500ms'), /^20 not asked: path has no carrier$/);
      const asked = JSON.parse(
        await tcpalive(found, 'ls', '--json', '--port', `${PORT}`, '--ask=500ms'),
      ) as Survey;
      expect(asked.connections.map(({ ask }) => ask)).toEqual(
        asked.connections.map(() => ({ kind: 'no-way-out', reason: 'path has no carrier' })),
      );

      runIn(network.router, 'ip link set server up');
      const { connections, kept } = await reaped(found, '--ask=2s');
      expect([connections, kept]).toEqual([[], [{ reason: 'answered', connections: CONNECTIONS }]]);
    });

    it('keep everybody while the router is gone, though the link has a carrier', async () => {
      const found = await served();
      runIn(found.network.router, 'ip addr flush dev server');
      const gone = /the router 203\.0\.113\.1 does not answer on path$/;
      expectKept(found, await reaped(found, '--ask=500ms'), gone);
    });

    it('keep what retransmits in vain, while the link has no carrier', async () => {
      const found = await served();
      runIn(found.network.router, 'ip link set server down');
      found.server.child.stdin.write('write\n');
      const isLong = () => connectionsOf(found.server.pid).every(({ info }) => info.backoff >= 3);
      await until(isLong, SOON_MS);
      expectKept(found, await reaped(found, '--after', '1s'), /^20 not called dead: path has no/);
    });
  },
);
