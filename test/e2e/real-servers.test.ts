/** That servers which are not ours start as told; what is left of them the network's own end shows. */
import { describe, expect, it } from 'vitest';
import { until } from '../until.js';
import {
  connectionsOf,
  crowd,
  lacksNetwork,
  lacksNetworkAndReach,
  lacksRoot,
  ownNetwork,
  SOON_MS,
  type Crowd,
  type Held,
  type Network,
} from './network.js';
import {
  lacksPrograms,
  memcached,
  mosquitto,
  nginx,
  nodeServer,
  redis,
  setSysctls,
  sshd,
  type RealServer,
} from './real-servers.js';

const LOOPBACK_6 = '::1';

describe.skipIf(lacksNetworkAndReach || lacksPrograms('redis-server', 'nginx', 'mosquitto'))(
  'servers of anybody (need redis-server, nginx and mosquitto, and a network namespace)',
  () => {
    it('start as told, side by side, one of them on IPv6', async () => {
      const network = await ownNetwork();
      const [store, web, broker] = await Promise.all([
        redis(network, { 'tcp-keepalive': 6 }),
        nginx(network, { listen: 'so_keepalive=7s:8s:9' }, { address: LOOPBACK_6 }),
        mosquitto(network),
      ]);
      const keepalive = { keepalive: true, idleSeconds: 6, intervalSeconds: 2, count: 3 };
      expect(await held(network, store)).toMatchObject(keepalive);
      expect(await held(network, web)).toMatchObject({
        keepalive: true,
        ...{ idleSeconds: 7, intervalSeconds: 8, count: 9 },
      });
      expect(await held(network, broker)).toMatchObject({ keepalive: false });
    });
  },
);

describe.skipIf(lacksRoot || lacksPrograms('memcached', 'sshd'))(
  'servers of root (need root, memcached and sshd)',
  () => {
    it("start as told, with the network's own sysctls", async () => {
      const network = await ownNetwork();
      setSysctls(network, { tcp_keepalive_time: 11, tcp_keepalive_intvl: 12 });
      const [cache, shell] = await Promise.all([
        memcached(network),
        sshd(network, { LoginGraceTime: 60 }),
      ]);
      const values = { keepalive: true, idleSeconds: 11, intervalSeconds: 12 };
      expect(await held(network, cache)).toMatchObject(values);
      await (await client(network, shell)).sees(/greeted 1/);
    });
  },
);

describe.skipIf(lacksNetwork)("a server of a test's own (needs a network namespace)", () => {
  it('serves once it listens', async () => {
    const network = await ownNetwork();
    const server = await nodeServer(network, 'test/e2e/crowd.mjs', ['listen', '7001'], 7001);
    await (await client(network, server)).sees(/greeted 1/);
  });

  it('that ends instead says what it printed', async () => {
    const network = await ownNetwork();
    const attempt = nodeServer(network, 'test/e2e/crowd.mjs', ['listen', '70000'], 7001);
    await expect(attempt).rejects.toThrow(/ended:[^]*ERR_SOCKET_BAD_PORT/);
  });
});

async function client(network: Network, { address, port }: RealServer): Promise<Crowd> {
  const one = crowd(network, ['connect', address, `${port}`, '1', address]);
  await one.sees(/connected from/);
  return one;
}

/** What that server put on a connection to it. */
async function held(network: Network, server: RealServer): Promise<Held['values']> {
  await client(network, server);
  const connection = await until(() => connectionsOf(server.pid)[0], SOON_MS);
  if (connection === undefined) throw new Error('no connection');
  return connection.values;
}
