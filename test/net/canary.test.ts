import { createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AcceptHealth } from '../../src/core/serve-status.js';
import { Canary } from '../../src/net/canary.js';
import { listen } from '../../src/net/listen.js';
import { givesDescriptorsBack, lacksDescriptorCount, SOON_MS, TEST_MS } from '../real-kernel.js';
import { until } from '../until.js';
import { isHealthy, served, stranger } from './served.js';

const ALONE = () => true;

const OFTEN = { everyMs: 20, patienceMs: 300 };

describe('a canary', { timeout: TEST_MS }, () => {
  it.each(['127.0.0.1', '::1', '0.0.0.0', '::'])(
    'is accepted where a server listens on %s, and nobody else is told',
    async (address) => {
      const strangers: Socket[] = [];
      let flights = 0;
      const server = createServer((socket) => {
        if (canary.takes(socket)) flights++;
        else strangers.push(socket.destroy());
      });
      onTestFinished(() => void server.close());
      const changes: AcceptHealth[] = [];
      const at = await listen(server, { address, port: 0 });
      const canary = new Canary(at, (health) => changes.push(health), ALONE, OFTEN);
      onTestFinished(() => canary.close());
      await until(() => flights > 2, SOON_MS);
      expect(canary.health).toEqual({ kind: 'works', reason: null, failures: 0 });
      expect({ changes, strangers }).toEqual({ changes: [], strangers: [] });
    },
  );

  it('tells once that nobody is accepted, and once that it works again', async () => {
    let isDeaf = true;
    const server = createServer((socket) => {
      if (isDeaf || !canary.takes(socket)) socket.destroy();
    });
    onTestFinished(() => void server.close());
    const changes: AcceptHealth[] = [];
    const at = await listen(server, { address: '127.0.0.1', port: 0 });
    const canary = new Canary(at, (health) => changes.push(health), ALONE, OFTEN);
    onTestFinished(() => canary.close());
    await until(() => canary.health.failures > 2, SOON_MS);
    isDeaf = false;
    await until(() => canary.health.kind === 'works', SOON_MS);
    expect(changes).toMatchObject([
      { kind: 'fails', reason: 'the kernel let it in, and it was closed before it was accepted' },
      { kind: 'works', reason: null },
    ]);
  });

  it('flies only while nobody else may accept there', async () => {
    let [isAlone, asked, strangers, flights] = [false, 0, 0, 0];
    const server = createServer((socket) => {
      if (canary.takes(socket)) flights++;
      else strangers++;
    });
    onTestFinished(() => void server.close());
    const at = await listen(server, { address: '127.0.0.1', port: 0 });
    const alone = () => {
      asked++;
      return isAlone;
    };
    const canary = new Canary(at, () => undefined, alone, OFTEN);
    onTestFinished(() => canary.close());
    await until(() => asked > 3, SOON_MS);
    expect({ flights, strangers, kind: canary.health.kind }).toEqual({
      flights: 0,
      strangers: 0,
      kind: 'unknown',
    });
    isAlone = true;
    await until(() => flights > 0, SOON_MS);
    expect(strangers).toBe(0);
  });

  it('says why it cannot even connect', async () => {
    const server = createServer();
    const at = await listen(server, { address: '127.0.0.1', port: 0 });
    await new Promise((resolve) => server.close(resolve));
    const canary = new Canary(at, () => undefined, ALONE, OFTEN);
    onTestFinished(() => canary.close());
    await until(() => canary.health.failures > 0, SOON_MS);
    expect(canary.health).toMatchObject({ kind: 'fails', reason: 'ECONNREFUSED' });
  });

  it.skipIf(lacksDescriptorCount)('leaves nothing behind (needs Linux)', async () => {
    await givesDescriptorsBack(async () => {
      const run = await served({ watchAccept: ALONE });
      await until(() => run.server.accept.kind === 'works', SOON_MS);
      await isHealthy(await stranger(run));
      expect(run.server.counts.accepted).toBe(1);
      await run.server.close();
    });
  });
});
