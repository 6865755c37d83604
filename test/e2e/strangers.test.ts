/** What strangers do to a server, and how little of it is left: counted by the server, seen from outside. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ServeEntry } from '../../src/core/serve-log.js';
import type { ServeStatus } from '../../src/core/serve-status.js';
import { addMs } from '../../src/core/time.js';
import { monotonicNow } from '../../src/kernel/clock.js';
import { until } from '../until.js';
import { holdNetwork, lacksNetwork, SOON_MS, type Network } from './network.js';
import { start, type Running } from './program.js';

const PROGRAM = fileURLToPath(new URL('strangers.mjs', import.meta.url));

/** As it was built: nobody else has to read it. */
const BIN = 'dist/cli.cjs';

const lacksStrace = spawnSync('strace', ['-V']).error !== undefined;

/** Small buffers: a thousand peers that do not read would fill gigabytes of the kernel's memory. */
const SET_UP =
  'ip link set lo up && cd /proc/sys/net/ipv4 && echo 4096 8192 16384 > tcp_rmem && ' +
  'echo 4096 8192 16384 > tcp_wmem';

/** A canary flies no longer (net/canary.ts). */
const LASTING_MS = 1000;

interface Server extends Running {
  readonly pid: number;
  readonly network: Network;
  readonly port: number;
  status(): Promise<ServeStatus>;
  /** What it answers there, whatever the status. */
  told(path: string): Promise<string>;
}

/** With its status on the next port; `prefix` starts it. */
async function served(
  network: Network,
  port: number,
  args: readonly string[],
  prefix: readonly string[] = [],
): Promise<Server> {
  const status = `127.0.0.1:${port + 1}`;
  const command = network.command(
    ...[...prefix, process.execPath, BIN, 'serve', '--port', `${port}`],
    ...['--status', status, '--quiet', ...args],
  );
  const running = start([], { command, bin: BIN });
  await running.sees(/status +http/);
  const told = async (path: string) => {
    const script = `fetch('http://${status}${path}').then((r) => r.text()).then((t) => process.stdout.write(t))`;
    const [command = '', ...rest] = network.command(process.execPath, '-e', script);
    return (await promisify(execFile)(command, rest)).stdout;
  };
  return {
    ...running,
    pid: running.child.pid ?? 0,
    network,
    port,
    told,
    status: async () => JSON.parse(await told('/status')) as ServeStatus,
  };
}

function strangers({ network, port }: Server, role: string, count = 0): Running {
  const at = role === 'watch' ? port + 1 : port;
  const words = [PROGRAM, role, '127.0.0.1', `${at}`, `${count}`];
  return start([], { command: network.command(process.execPath, ...words), bin: BIN });
}

/** Whoever was there before, and stays: none of its beats may stay unanswered. */
async function healthy(server: Server): Promise<{ stillIs(): Promise<void> }> {
  const client = strangers(server, 'healthy');
  await client.sees(/answered 2\n/);
  const answered = () => Number(/answered (\d+)\n$/.exec(client.printed())?.[1]);
  return {
    async stillIs() {
      const before = answered();
      await until(() => answered() > before + 2, SOON_MS);
    },
  };
}

/** Only the healthy one is left, and no descriptor of the others. */
async function isAsBefore(server: Server, before: ServeStatus): Promise<ServeStatus> {
  const most = before.descriptors.open ?? 0;
  const deadline = performance.now() + SOON_MS;
  let now = await server.status();
  while ((now.descriptors.open ?? 0) > most && performance.now() < deadline) {
    now = await server.status();
  }
  expect(now.descriptors.open).toBeLessThanOrEqual(most);
  expect(now).toMatchObject({
    problems: [],
    connections: { open: 1 },
    unsentBytes: 0,
    accept: { kind: 'works' },
  });
  return now;
}

describe.skipIf(lacksNetwork)('strangers (needs: network namespace)', () => {
  it('who say nothing, do not read, or reset cost what they may, and nobody else anything', async () => {
    const network = await holdNetwork(SET_UP);

    const mute = async () => {
      const args = ['--mode', 'idle-timeout=3s', '--max-connections', '208'];
      const server = await served(network, 7000, args);
      // What happens then was said beforehand: they come faster.
      await server.sees(/limit .* stays 3\.00s: more than 69 a second lock everybody out/);
      const friend = await healthy(server);
      const before = await server.status();
      const watch = strangers(server, 'watch');
      await watch.sees(/^200 ok\n/);
      await strangers(server, 'paced', 600).sees(/all gone/);
      await watch.sees(/\n503 process \d+ is full: 208 of 208 connections are open\n200 ok\n/);
      watch.child.kill('SIGKILL');
      const { counts } = await isAsBefore(server, before);
      const silent = counts.endedBy['idle-timeout'] ?? 0;
      expect(silent).toBeGreaterThanOrEqual(207);
      expect(counts.rejected.connections).toBeGreaterThan(0);
      expect(silent + counts.rejected.connections).toBe(600);
      await friend.stillIs();
    };

    const evicted = async () => {
      const prefix = ['prlimit', '--nofile=256:256'];
      const server = await served(network, 7010, ['--evict'], prefix);
      const friend = await healthy(server);
      const before = await server.status();
      const crowd = strangers(server, 'paced', 600);
      await crowd.sees(/all connected/);
      const { connections, counts, problems } = await server.status();
      expect({ open: connections.open, problems }).toEqual({ open: 208, problems: [] });
      expect(counts).toMatchObject({ endedBy: { evicted: 393 }, rejected: { connections: 0 } });
      crowd.child.kill('SIGKILL');
      await isAsBefore(server, before);
      await friend.stillIs();
    };

    const deaf = async () => {
      const server = await served(network, 7020, [
        ...['--stall-timeout', '1s', '--max-unsent', '4000000'],
      ]);
      const friend = await healthy(server);
      const before = await server.status();
      await strangers(server, 'deaf', 500).sees(/all gone/);
      const { counts } = await isAsBefore(server, before);
      expect(counts.endedBy).toEqual({ stalled: 500 });
      await friend.stillIs();
    };

    const resetting = async () => {
      const server = await served(network, 7030, []);
      const friend = await healthy(server);
      const before = await server.status();
      await strangers(server, 'reset', 5000).sees(/all gone/);
      const { counts } = await isAsBefore(server, before);
      const reset = counts.endedBy['ECONNRESET'] ?? 0;
      expect(reset).toBeGreaterThan(0);
      // Some are gone before anybody has come to them: they are never anybody's.
      expect(counts.accepted).toBe(1 + reset);
      await friend.stillIs();
    };

    await Promise.all([mute(), evicted(), deaf(), resetting()]);
  });
});

describe.skipIf(lacksNetwork)('a saturated server (needs: network namespace)', () => {
  it('tells all that it knows, to whoever asks, while nobody gets in any more', async () => {
    const network = await holdNetwork(SET_UP);
    const server = await served(network, 7000, [], ['prlimit', '--nofile=256:256']);
    const friend = await healthy(server);
    const before = await server.status();
    const flood = strangers(server, 'flood');
    await flood.sees(/begun/);
    const crowd = strangers(server, 'mute', 300);
    await crowd.sees(/all connected/);
    const watch = strangers(server, 'watch');
    await watch.sees(/^503 process \d+ is full: 208 of 208/m);
    const resets = strangers(server, 'reset', 1_000_000);
    for (let round = 0; round < 5; round++) {
      const [status, metrics, health] = await Promise.all([
        server.status(),
        server.told('/metrics'),
        server.told('/healthz'),
      ]);
      expect(status.connections.open).toBe(208);
      expect(status.counts.rejected.connections).toBeGreaterThan(0);
      expect(metrics).toMatch(/^tcpalive_healthy 0$/m);
      expect(metrics).toMatch(/^tcpalive_rejected_connections_total\{cause="connections"\} [1-9]/m);
      expect(health).toMatch(/^process \d+ is full: 208 of 208 connections are open$/m);
    }
    await friend.stillIs();
    for (const { child } of [resets, flood, crowd]) child.kill('SIGKILL');
    await watch.sees(/503[^]*\n200 ok\n$/);
    watch.child.kill('SIGKILL');
    await isAsBefore(server, before);
  });
});

describe.skipIf(lacksNetwork)('a server that nobody gets in to (needs: network namespace)', () => {
  it('for want of descriptors tells it, and because it stood still blames nobody', async () => {
    const network = await holdNetwork(SET_UP);

    const withoutDescriptors = async (port: number, left: number, reason: RegExp) => {
      const path = join(folder(), 'events.jsonl');
      const server = await served(network, port, ['--events', path]);
      const [friend, watch] = [await healthy(server), strangers(server, 'watch')];
      await watch.sees(/^200 ok\n/);
      await leftWith(server, left);
      await watch.sees(reason);
      process.kill(server.pid, 'SIGUSR2');
      await server.sees(/restart-failed .*EMFILE/);
      if (left === 0) {
        process.kill(server.pid, 'SIGHUP');
        await server.sees(/warning: cannot write .*: EMFILE: events go on where they went/);
      }
      await friend.stillIs();
      await limited(server, 1000);
      await watch.sees(/503[^]*\n200 ok\n$/);
      expect((await server.status()).accept.failures).toBeGreaterThan(0);
      expect(acceptsIn(path)).toEqual([false, true]);
      await friend.stillIs();
    };

    const stoodStill = async () => {
      const server = await served(network, 7010, ['--mode', 'heartbeat=200ms:1s']);
      const friend = await healthy(server);
      process.kill(server.pid, 'SIGSTOP');
      const twoTimeouts = addMs(monotonicNow(), 2000);
      await until(() => monotonicNow() > twoTimeouts, SOON_MS);
      process.kill(server.pid, 'SIGCONT');
      await friend.stillIs();
      const { counts, accept } = await server.status();
      expect({ ended: counts.endedBy, failures: accept.failures }).toEqual({
        ended: {},
        failures: 0,
      });
    };

    await Promise.all([
      withoutDescriptors(7000, 0, /\n503 process \d+ accepts nobody: EMFILE\n/),
      // Then it is its own connection that takes the last one.
      withoutDescriptors(7020, 1, /\n503 process \d+ accepts nobody: the kernel let it in/),
      stoodStill(),
    ]);
  });

  it.skipIf(lacksStrace)(
    'for what no kernel should answer tells it too (needs: strace)',
    async () => {
      const network = await holdNetwork(SET_UP);
      const path = join(folder(), 'events.jsonl');
      const server = await served(network, 7000, ['--events', path]);
      const friend = await healthy(server);
      const strace = start([], {
        bin: BIN,
        command: [
          ...['strace', '-f', '-p', `${server.pid}`, '-e', 'trace=accept4'],
          ...['-e', 'inject=accept4:error=ENOMEM'],
        ],
      });
      await strace.sees(/ENOMEM/);
      await until(() => acceptsIn(path).length === 1, SOON_MS);
      await friend.stillIs();
      strace.child.kill('SIGTERM');
      await strace.ended;
      await until(() => acceptsIn(path).length === 2, SOON_MS);
      expect(acceptsIn(path)).toEqual([false, true]);
      // Not one of our own, which waited meanwhile, has passed for a client.
      expect((await server.status()).counts.accepted).toBe(1);
      await friend.stillIs();
    },
  );

  it('because its port or address cannot be had says so, and what helps', async () => {
    const off = `${SET_UP} && echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6`;
    const network = await holdNetwork(off);
    const refused = async (args: readonly string[], prefix: readonly string[] = []) => {
      const words = [...prefix, process.execPath, BIN, 'serve', ...args];
      const { code, stderr, stdout } = await start([], {
        command: network.command(...words),
        bin: BIN,
      }).ended;
      expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
      return stderr;
    };
    await served(network, 7000, []);
    const unprivileged = ['setpriv', '--bounding-set=-net_bind_service', '--inh-caps=-all'];
    const [taken, status, privileged, ipv6] = await Promise.all([
      refused(['--port', '7000']),
      refused(['--port', '7002', '--status', '127.0.0.1:7000', '--quiet']),
      refused(['--port', '80'], unprivileged),
      refused(['--host', '::1']),
    ]);
    expect(taken).toMatch(
      /^error: cannot listen on 127\.0\.0\.1:7000: the port is in use \(CANNOT/,
    );
    expect(status).toMatch(/the port is in use.*\n {2}choose another with --status/);
    expect(privileged).toMatch(/127\.0\.0\.1:80: this user may not listen on it .*\n.* 1024 up/);
    expect(ipv6).toMatch(/\[::1\]:7777: the address is not on this host/);
  });
});

/**
 * From now on it has no more than so many descriptors left. A limit bounds their numbers (open(2)), which have
 * holes: strangers take those, and the limit comes above the highest, so that libuv's spare one stays below it.
 */
async function leftWith(server: Server, left: number): Promise<void> {
  for (;;) {
    const taken = await lastingNumbersOf(server);
    const highest = Math.max(...taken);
    const holes = highest + 1 - taken.size;
    // At once: a connection that is opened again takes a number above, and leaves its hole, while it can.
    await limited(server, highest + 1 + Math.max(0, left - holes));
    if (holes <= left) return;
    await strangers(server, 'mute', holes - left).sees(/all connected/);
  }
}

/** Without what is open for a moment, such as its own canary, or whoever asks for its status. */
async function lastingNumbersOf(server: Server): Promise<ReadonlySet<number>> {
  const lasting = new Set(numbersOf(server));
  for (let look = 0; look < 50; look++) {
    await pause(LASTING_MS / 50);
    const now = numbersOf(server);
    for (const number of lasting) if (!now.has(number)) lasting.delete(number);
  }
  return lasting;
}

function numbersOf({ pid }: Server): ReadonlySet<number> {
  return new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
}

/** From now on, while it runs. */
async function limited({ pid }: Server, descriptors: number): Promise<void> {
  const limit = `--nofile=${descriptors}:1000`;
  await promisify(execFile)('prlimit', ['--pid', `${pid}`, limit]);
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'tcpalive-strangers-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

/** Whether it worked, each time that this changed. */
function acceptsIn(path: string): readonly boolean[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines
    .map((line) => JSON.parse(line) as ServeEntry)
    .flatMap((entry) => (entry.event === 'accept' ? [entry.works] : []));
}
