/** Servers that are not ours are alive in their own protocols, and what speaks another is named. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ProbeResult } from '../../src/core/probe-result.js';
import {
  ADDRESS,
  lacksNetwork,
  lacksNetworkAndReach,
  lacksRoot,
  ownNetwork,
  type Network,
} from './network.js';
import { install, run, type Run } from './program.js';
import {
  lacksPrograms,
  memcached,
  mosquitto,
  nginx,
  nodeServer,
  redis,
  type RealServer,
} from './real-servers.js';

const WEBSOCKET_SERVER = fileURLToPath(new URL('websocket-server.mjs', import.meta.url));

const PASSWORD = 'open-sesame';

describe.skipIf(lacksNetwork || lacksPrograms('redis-server', 'nginx', 'mosquitto'))(
  'servers of anybody (need redis-server, nginx and mosquitto, and a network namespace)',
  () => {
    it('are alive in their own protocols, guessed from their ports', async () => {
      const network = await ownNetwork();
      const servers = await Promise.all([redis(network), nginx(network), mosquitto(network)]);
      const runs = await Promise.all(
        servers.map((server) => probed(network, server, ['--count', '3', '--json'])),
      );
      expect(runs.map(({ code }) => code)).toEqual([0, 0, 0]);
      const results = runs.map(({ stdout }) => JSON.parse(stdout) as ProbeResult);
      expect(results.map(({ protocol }) => protocol)).toEqual(
        ['redis', 'http', 'mqtt'].map((name) => ({ name, guessed: true })),
      );
      expect(results.map(({ verdict }) => verdict.kind)).toEqual(['alive', 'alive', 'alive']);
      expect(results.map(({ beats }) => beats.answered)).toEqual([3, 3, 3]);
    });

    it('that want a password are alive without it, and take it from a file', async () => {
      const network = await ownNetwork();
      const server = await redis(network, { requirepass: PASSWORD });
      const file = secretFile();
      const [without, within, wrong, guessed] = await Promise.all([
        probed(network, server, ['--protocol', 'redis', '--count', '1']),
        probed(network, server, ['--protocol', 'redis', '--secret-file', file, '--count', '1']),
        probed(network, server, ['--protocol', 'redis', '--count', '1'], {
          TCPALIVE_PASSWORD: 'wrong',
        }),
        probed(network, server, ['--count', '1'], { TCPALIVE_PASSWORD: 'wrong' }),
      ]);
      expect([without, within, wrong, guessed].map(({ code }) => code)).toEqual([0, 0, 3, 0]);
      expect(wrong.stderr).toMatch(/refuses to speak redis \(NO_ANSWER\)\n.*TCPALIVE_PASSWORD/);
      for (const { stdout, stderr } of [within, wrong]) {
        expect(stdout + stderr).not.toMatch(/open-sesame|wrong/);
      }
    });

    it('in another protocol are named', async () => {
      const network = await ownNetwork();
      const [store, web] = await Promise.all([redis(network), nginx(network)]);
      const asked = (server: RealServer, name: string) =>
        probed(network, server, ['--protocol', name, '--count', '1']);
      const runs = await Promise.all([
        asked(web, 'redis'),
        asked(web, 'mqtt'),
        asked(web, 'postgres'),
        asked(web, 'tcpalive'),
        asked(store, 'memcached'),
      ]);
      expect(runs.map(({ code }) => code)).toEqual([3, 3, 3, 3, 3]);
      expect(runs.map(({ stderr }) => /looks like (\w+) \((\w+)\)/.exec(stderr)?.slice(1))).toEqual(
        [
          ['HTTP', 'WRONG_PROTOCOL'],
          ['HTTP', 'WRONG_PROTOCOL'],
          ['HTTP', 'WRONG_PROTOCOL'],
          ['HTTP', 'WRONG_PROTOCOL'],
          ['Redis', 'WRONG_PROTOCOL'],
        ],
      );
    });

    it('are asked in whatever words one has', async () => {
      const network = await ownNetwork();
      const server = await redis(network);
      const words = ['--send', String.raw`PING\r\n`, '--count', '2'];
      const [right, wrong] = await Promise.all([
        probed(network, server, [...words, '--expect-reply', String.raw`/^\+PONG/`]),
        probed(network, server, [...words, '--expect-reply', 'hex:ff']),
      ]);
      expect(right.code).toBe(0);
      expect(wrong.code).toBe(3);
      expect(wrong.stderr).toMatch(/looks like Redis \(WRONG_PROTOCOL\)/);
    });
  },
);

describe.skipIf(lacksNetwork)('a websocket (needs a network namespace)', () => {
  it('is alive, and its own pings are answered with what they hold', async () => {
    const network = await ownNetwork();
    const server = await nodeServer(network, WEBSOCKET_SERVER, [ADDRESS, '8000'], 8000);
    const args = ['--protocol', 'websocket', '--mode', 'heartbeat=200ms:20s', '--count', '5'];
    const { code, stdout } = await probed(network, server, args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/5 answered/);
    await server.sees(/pong: are you there\?/);
  });
});

describe.skipIf(lacksRoot || lacksPrograms('memcached'))(
  'a server of root (needs root and memcached)',
  () => {
    it('is alive in its own protocol', async () => {
      const network = await ownNetwork();
      const { code, stdout } = await probed(network, await memcached(network), ['--count', '2']);
      expect(code).toBe(0);
      expect(stdout).toMatch(
        /\(speaks memcached: guessed from the port; --protocol takes another\)/,
      );
    });
  },
);

describe.skipIf(lacksNetworkAndReach)(
  'an unknown port (needs a network namespace, tcpInfo and minTtl)',
  () => {
    it('gets no byte, and its verdict is about the kernel alone', async () => {
      const network = await ownNetwork();
      // Whoever gets a byte that is no handshake closes: nobody sent one.
      const server = await nodeServer(network, WEBSOCKET_SERVER, [ADDRESS, '9000'], 9000);
      const { code, stdout } = await probed(network, server, ['--count', '2']);
      expect(code).toBe(0);
      expect(stdout).toMatch(/\(unknown port: only its kernel is asked; /);
      expect(stdout).toMatch(/its kernel is alive; whether the process lives was not asked/);

      const cut = await probed(network, server, ['--drop-after', '1500ms', '--json']);
      expect(cut.code).toBe(0);
      expect(JSON.parse(cut.stdout)).toMatchObject({
        protocol: null,
        verdict: { kind: 'dead', by: 'heartbeat', where: 'kernel' },
        drop: { proven: true },
      });
    });
  },
);

function probed(
  { command }: Network,
  { address, port }: RealServer,
  flags: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<Run> {
  const args = ['probe', `${address}:${port}`, ...flags];
  return run([], { command: command(process.execPath, install(), ...args), variables });
}

function secretFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tcpalive-secret-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'password');
  writeFileSync(file, `${PASSWORD}\n`);
  return file;
}
