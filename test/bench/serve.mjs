// `npm run bench:serve [-- --connections 18000 --vanish 200 --workers 1 --only LOAD…]`: our server beside a
// plain Node server with `socket.setTimeout`, both in as many processes, and echo throughput beside `pipe`,
// socat and ncat, in a network namespace of its own. One after the other, in the same run: ratios.
// Each load can be run alone: --only beating, --only silent, --only echo.
import { fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { setTimeout as passed } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundle } from './bundle.mjs';
import { measureEcho } from './echo.mjs';
import { inOwnNetwork } from './own-network.mjs';
import { family, usage } from './process-tree.mjs';

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '18000' },
    vanish: { type: 'string', default: '200' },
    workers: { type: 'string', default: '1' },
    only: { type: 'string', multiple: true, default: ['beating', 'silent', 'echo'] },
  },
});
const CONNECTIONS = Number(values.connections);
const VANISH = Number(values.vanish);
const WORKERS = Number(values.workers);

const HOST = '127.0.0.1';
/** Client processes: a descriptor limit of 20,000. */
const PER_CLIENT = 15_000;
/** Connections of a process of the server, of 20,000 descriptors. */
const MOST_EACH = 19_900;
const CLIENTS = Math.max(3, Math.ceil(CONNECTIONS / PER_CLIENT));

const BEAT_MS = 10_000;
const TIMEOUT_MS = 30_000;
/** How late a timer of ours may be (kernel.md: user-space timers). */
const LATE_MS = 50;

/**
 * After the last connect: V8 has collected what accepting left. It waits for 8 s of idleness, begins at another moment
 * in each process, and comes back: of 60,000 connections in six processes until 25 s after the last, of the plain
 * server until 38. Of both that took 0.9 s of CPU time in its threads alone.
 */
const SETTLE_MS = 40_000;
const WINDOW_MS = 20_000;

let ports = 7000;

const BIN = 'dist/cli.cjs';

/** Echo servers that Debian has, where they are installed: a process a connection. */
const others = {
  socat: (port) => [`TCP-LISTEN:${port},fork,reuseaddr,nodelay,backlog=512`, 'PIPE'],
  ncat: (port) => ['-l', '-k', '-m', '500', '-e', '/bin/cat', '127.0.0.1', String(port)],
};

const CLIENT = fileURLToPath(new URL('serve-clients.mjs', import.meta.url));
const PLAIN = fileURLToPath(new URL('plain-server.mjs', import.meta.url));
const LOOP_DELAY = new URL('loop-delay.mjs', import.meta.url).href;

await inOwnNetwork(async () => {
  const loads = { beating, silent, echo };
  for (const name of values.only) {
    if (loads[name] === undefined)
      throw new Error(`--only ${name}: there is ${Object.keys(loads)}`);
    await loads[name]();
  }
});

async function beating() {
  const kernelModule = await bundle('kernel/open-kernel');
  const load = { beatMs: BEAT_MS, kernelModule };
  compare('beating, heartbeat=10s:30s', [
    await observe('ours', ours('heartbeat=10s:30s'), load),
    await observe('plain', plain(`timeout=${TIMEOUT_MS}`), load),
  ]);
}

async function silent() {
  const load = { beatMs: 0 };
  compare('silent, idle-timeout=10m', [
    await observe('ours', ours('idle-timeout=10m'), load),
    await observe('plain', plain('timeout=600000'), load),
  ]);
}

async function echo() {
  const folder = mkdtempSync(join(tmpdir(), 'tcpalive-bench-'));
  const servers = new Map();
  const children = [];
  const hold = (name, { child, port }) => {
    servers.set(name, { port, pid: child.pid });
    children.push(child);
  };
  try {
    hold('ours', await start(ours('heartbeat=10s:30s'), folder));
    hold('pipe', await start(plain('pipe'), folder));
    for (const [name, command] of Object.entries(others)) {
      if (spawnSync(name, ['-V']).error !== undefined) continue;
      const port = ++ports;
      hold(name, { child: spawn(name, command(port), { stdio: 'ignore' }), port });
    }
    await passed(1000);
    await measureEcho(servers);
  } finally {
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
}

/** One server from its start to its end. @param kernelModule given: some of its clients vanish */
async function observe(name, command, { beatMs, kernelModule }) {
  const folder = mkdtempSync(join(tmpdir(), 'tcpalive-bench-'));
  const server = await start(command, folder);
  const clients = Array.from({ length: CLIENTS }, () => fork(CLIENT));
  try {
    await passed(1000);
    const empty = usage(server.child.pid);
    const begun = performance.now();
    const each = Math.ceil(CONNECTIONS / CLIENTS);
    await Promise.all(
      clients.map((client, at) => {
        // Of its own: after the last run its ports are in TIME-WAIT for a minute.
        const network = `127.${server.port % 100}.${at + 1}`;
        const count = Math.min(each, CONNECTIONS - at * each);
        return ask(client, 'open', { host: HOST, ports: server.ports, network, count, beatMs });
      }),
    );
    const connectMs = performance.now() - begun;
    await passed(SETTLE_MS);
    const lost = await endedAt(clients);
    if (lost > 0)
      throw new Error(`${name}: ${lost} of ${CONNECTIONS} connections were ended before it began`);
    loopDelay(server.child.pid, folder);
    const before = usage(server.child.pid);
    await passed(WINDOW_MS);
    const after = usage(server.child.pid);
    const loop = await loopDelay(server.child.pid, folder);
    const result = {
      name,
      connectMs,
      bytesEach: ((after.rssKb - empty.rssKb) * 1024) / CONNECTIONS,
      peakEach: ((after.peakKb - empty.rssKb) * 1024) / CONNECTIONS,
      cpuPercent: ((after.cpuMs - before.cpuMs) / WINDOW_MS) * 100,
      loop,
    };
    if (kernelModule === undefined) return result;
    const right = await vanish(name, server, clients, folder, kernelModule);
    if (name === 'ours' && !right) process.exitCode = 1;
    return result;
  } finally {
    for (const client of clients) client.kill('SIGKILL');
    server.child.kill('SIGKILL');
    await once(server.child, 'exit');
    rmSync(folder, { recursive: true });
  }
}

/**
 * All that vanish must be noticed T after their last beat, no later than a timer may be on a loop as
 * busy as the server's then was; none of the others may be ended.
 */
async function vanish(name, { child, noticed }, clients, folder, kernelModule) {
  await loopDelay(child.pid, folder);
  const count = Math.ceil(VANISH / CLIENTS);
  const answers = await Promise.all(
    clients.map((client, at) =>
      ask(client, 'vanish', { count: Math.min(count, VANISH - at * count), kernelModule }),
    ),
  );
  const vanished = answers.flatMap((answer) => answer.vanished);
  const over = performance.now() + TIMEOUT_MS + 5000;
  const isOpen = ({ peer }) => !noticed.has(peer);
  while (vanished.some(isOpen) && performance.now() < over) await passed(100);
  const loop = await loopDelay(child.pid, folder);
  const lateMs = vanished
    .filter(({ peer }) => noticed.has(peer))
    .map(({ peer, lastBeatAt }) => {
      const { time, silentMs = time - lastBeatAt } = noticed.get(peer);
      return silentMs - TIMEOUT_MS;
    });
  const allowedMs = LATE_MS + loop.max;
  const inTime = lateMs.filter((ms) => ms >= -1 && ms <= allowedMs); // the clock shows whole milliseconds
  const touched = await endedAt(clients);
  console.log(
    `${name}: ${inTime.length} of ${vanished.length} that vanished noticed in time, ` +
      `${Math.min(...lateMs).toFixed(1)} to ${Math.max(...lateMs).toFixed(1)} ms after last heard + 30 s ` +
      `(${allowedMs.toFixed(0)} allowed, its loop was up to ${loop.max.toFixed(0)} late); ` +
      `${touched} of the ${CONNECTIONS - vanished.length} others ended (goal: 0)`,
  );
  return inTime.length === VANISH && touched === 0;
}

async function endedAt(clients) {
  const counts = await Promise.all(clients.map((client) => ask(client, 'count')));
  return counts.reduce((sum, { ended }) => sum + ended, 0);
}

function compare(title, [mine, peer]) {
  console.log(`${title}: ${CONNECTIONS} connections of ${CLIENTS} processes, ${WORKERS} worker(s)`);
  for (const { name, connectMs, bytesEach, peakEach, cpuPercent, loop } of [mine, peer]) {
    console.log(
      `  ${name.padEnd(6)} ${bytesEach.toFixed(0).padStart(6)} B a connection (peak ${peakEach.toFixed(0)})   CPU ${cpuPercent.toFixed(2).padStart(6)} %   ` +
        `loop delay p99 ${loop.p99.toFixed(1)} ms, max ${loop.max.toFixed(1)} ms   all connected in ${(connectMs / 1000).toFixed(1)} s`,
    );
  }
  console.log(
    `  memory ${(mine.bytesEach / peer.bytesEach).toFixed(2)} of the plain server's, ` +
      `${(mine.peakEach / peer.peakEach).toFixed(2)} at the peak (goal: 1 at most, 6 KB), ` +
      `CPU ${(mine.cpuPercent / peer.cpuPercent).toFixed(2)} (goal: under 1), loop delay p99 under 20 ms: ${mine.loop.p99 < 20}`,
  );
}

function ours(mode, ...options) {
  return (port) => [
    ...[BIN, 'serve', '--quiet', '--json', '--host', '0.0.0.0', '--port', String(port)],
    ...['--mode', mode, '--max-connections', String(MOST_EACH * WORKERS)],
    ...(WORKERS === 1 ? [] : ['--workers', String(WORKERS)]),
    ...options,
  ];
}

function plain(mode) {
  const command = (port) => [PLAIN, mode, String(port), String(WORKERS)];
  return Object.assign(command, { ports: WORKERS });
}

/** A server that listens, and whom it has noticed, at what time, by their address. */
async function start(command, folder) {
  const listeners = Array.from({ length: command.ports ?? 1 }, () => ++ports);
  const [port] = listeners;
  const child = spawn(process.execPath, command(port), {
    stdio: ['ignore', 'pipe', 'inherit'],
    // In all its processes: an argument would be handed on by the plain server alone.
    env: { ...process.env, NODE_OPTIONS: `--import=${LOOP_DELAY}`, TCPALIVE_BENCH_LOOP: folder },
  });
  const noticed = new Map();
  const listening = new Promise((resolve) => {
    createInterface(child.stdout).on('line', (line) => {
      const { event, peer, time, silentMs } = JSON.parse(line);
      if (event === 'listening') resolve();
      if (event === 'noticed') noticed.set(peer, { time: Date.parse(time), silentMs });
    });
  });
  await listening;
  return { child, port, ports: listeners, noticed };
}

/** Since it was asked before. */
async function loopDelay(pid, folder) {
  for (const each of family(pid)) process.kill(each, 'SIGWINCH');
  await passed(500);
  const told = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name))));
  return {
    p99: Math.max(...told.map(({ p99 }) => p99)),
    max: Math.max(...told.map(({ max }) => max)),
  };
}

async function ask(client, order, details = {}) {
  client.send({ order, ...details });
  const died = once(client, 'exit').then(() => Promise.reject(new Error('a client process died')));
  const [answer] = await Promise.race([once(client, 'message'), died]);
  return answer;
}
