// `npm run bench:strangers [-- NAME…]`: what strangers do to a server in full size, one after the other, each
// three times, in a network namespace of its own: what it counts, and that nothing of it is left. And the
// storm: 200 who connect and vanish each second, for a minute, at a server of 256 descriptors.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { inOwnNetwork } from './own-network.mjs';

const BIN = 'dist/cli.cjs';
const STRANGERS = fileURLToPath(new URL('../e2e/strangers.mjs', import.meta.url));
const HEAP = fileURLToPath(new URL('heap.mjs', import.meta.url));
const ROUNDS = 3;

let ports = 7000;
const children = new Set();

/** Between the first round and the last: next to nothing for each of the thousands that came and went. */
const MOST_GROWTH_BYTES = 512 * 1024;

/** By their role and how many: how the server is started, and what it must have counted of each round. */
const faults = {
  'slow header': {
    strangers: ['slow', 500],
    serve: ['--frame-timeout', '3s'],
    counts: ({ endedBy }) => ({ 'frame-timeout': endedBy['frame-timeout'] }),
    expected: { 'frame-timeout': 500 },
  },
  'connect and say nothing': {
    strangers: ['mute', 5000],
    serve: ['--first-frame-timeout', '3s', '--max-connections', '6000'],
    counts: ({ endedBy }) => ({ 'first-frame-timeout': endedBy['first-frame-timeout'] }),
    expected: { 'first-frame-timeout': 5000 },
  },
  'a frame byte after byte': {
    strangers: ['bytewise', 1],
    serve: ['--max-frame', '65535'],
    counts: ({ frames, beats }) => ({ frames: frames - beats }),
    expected: { frames: 1 },
  },
  '10,000 frames in one piece': {
    strangers: ['glued', 20],
    serve: [],
    counts: ({ frames, beats }) => ({ frames: frames - beats }),
    expected: { frames: 200_000 },
  },
  'lengths at the limit': {
    strangers: ['lengths', 500],
    serve: ['--max-frame', '1000'],
    counts: ({ frames, beats, endedBy }) => ({
      frames: frames - beats,
      violation: endedBy.violation,
    }),
    expected: { frames: 500, violation: 1000 },
  },
  'never reads': {
    strangers: ['deaf', 1000],
    serve: ['--stall-timeout', '2s', '--max-connections', '2000'],
    counts: ({ endedBy }) => ({ stalled: endedBy.stalled }),
    expected: { stalled: 1000 },
  },
  'resets at once': {
    strangers: ['reset', 25_000],
    serve: [],
    // Some are gone before anybody has come to them: they are never anybody's.
    counts: ({ accepted, endedBy }) => ({ left: accepted - (endedBy.ECONNRESET ?? 0) }),
    expected: { left: 0 },
  },
};

await inOwnNetwork(async () => {
  // Small buffers: a thousand peers that do not read would fill gigabytes of the kernel's memory.
  for (const name of ['tcp_rmem', 'tcp_wmem']) {
    writeFileSync(`/proc/sys/net/ipv4/${name}`, '4096 8192 16384');
  }
  const wanted = process.argv.slice(2);
  const isWanted = (name) => wanted.length === 0 || wanted.includes(name);
  for (const [name, fault] of Object.entries(faults)) {
    if (isWanted(name)) await measure(name, fault);
  }
  if (isWanted('storm')) await storm([]);
  if (isWanted('storm --evict')) await storm(['--evict']);
});

async function measure(name, { strangers: words, serve, counts, expected }) {
  await serving(serve, [], async (server) => {
    const friend = await server.healthy();
    const before = await server.status();
    const heaps = [];
    const tookMs = [];
    let seen = counts(before.counts);
    for (let round = 0; round < ROUNDS; round++) {
      const begun = performance.now();
      await strangers(server, ...words).sees(/all gone/);
      tookMs.push(performance.now() - begun);
      const after = await server.settled(before);
      const now = counts(after.counts);
      const moved = Object.fromEntries(
        Object.entries(now).map(([key, count]) => [key, count - (seen[key] ?? 0)]),
      );
      seen = now;
      check(name, 'counted', JSON.stringify(moved), JSON.stringify(expected));
      heaps.push(await server.heap());
      await friend.stillIs();
    }
    const growth = heaps.at(-1) - heaps[0];
    check(name, 'memory flat', growth <= MOST_GROWTH_BYTES, true);
    const [role, count] = words;
    const ms = Math.min(...tookMs);
    console.log(
      `${name}: ${role} × ${count}, ${ROUNDS} times: ${JSON.stringify(expected)} each; ` +
        `descriptors ${before.descriptors.open} before and after; heap ${(heaps[0] / 1e6).toFixed(2)} MB ` +
        `after the first, ${(growth / 1024).toFixed(0)} KiB more after the last; healthy one unharmed; ` +
        `${(ms / 1000).toFixed(1)} s a round, ${((count / ms) * 1000).toFixed(0)} a second`,
    );
  });
}

/** Whoever vanishes stays for three seconds; live ones beat every 250 ms, and others want to get in. */
async function storm(evict) {
  const name = ['storm', ...evict].join(' ');
  const prefix = ['prlimit', '--nofile=256:256'];
  await serving(['--mode', 'heartbeat=1s:3s', ...evict], prefix, async (server) => {
    const live = strangers(server, 'live', 20);
    await live.sees(/all begun/);
    const watch = strangers({ port: server.port + 1 }, 'watch', 0);
    await watch.sees(/^200 ok\n/);
    const begun = performance.now();
    await strangers(server, 'paced', 12_000).sees(/all connected/);
    const seconds = (performance.now() - begun) / 1000;
    const { counts, descriptors, connections } = await server.status();
    const lost = live.printed().match(/lost/g)?.length ?? 0;
    const full = watch.printed().match(/503 process \d+ is full: 208 of 208/g)?.length ?? 0;
    check(name, 'live ones lost', lost, 0);
    check(name, 'said to be full', full > 0, evict.length === 0);
    check(name, 'some rejected', counts.rejected.connections > 0, evict.length === 0);
    console.log(
      `${name}: ${(12_000 / seconds).toFixed(0)} connects a second for ${seconds.toFixed(0)} s; ` +
        `beforehand: ${/limit +(.*)/.exec(server.printed())?.[1]}\n  ${lost} of 20 live ones lost; ` +
        `${counts.accepted} let in, ${counts.rejected.connections} rejected, ended by ${JSON.stringify(counts.endedBy)}; ` +
        `${connections.open} open, ${descriptors.open} of ${descriptors.limit} descriptors; ` +
        `/healthz said ${full} times that it is full`,
    );
  });
}

async function serving(args, prefix, work) {
  const folder = mkdtempSync(join(tmpdir(), 'tcpalive-bench-'));
  const heapFile = join(folder, 'heap');
  const port = (ports += 2);
  const status = `127.0.0.1:${port + 1}`;
  const server = started(
    [
      ...[...prefix, process.execPath, '--expose-gc', '--import', HEAP, BIN, 'serve'],
      ...['--port', String(port), '--status', status, '--quiet', ...args],
    ],
    { TCPALIVE_BENCH_HEAP: heapFile },
  );
  const ask = async () => (await globalThis.fetch(`http://${status}/status`)).json();
  try {
    await server.sees(/status +http/);
    await work({
      port,
      printed: server.printed,
      status: ask,
      async settled(before) {
        const most = before.descriptors.open;
        let now = await ask();
        while (now.descriptors.open > most || now.connections.open > 1) {
          await pause(100);
          now = await ask();
        }
        if (now.problems.length > 0 || now.unsentBytes > 0) throw new Error(JSON.stringify(now));
        return now;
      },
      async heap() {
        rmSync(heapFile, { force: true });
        process.kill(server.child.pid, 'SIGWINCH');
        while (!existsSync(heapFile) || readFileSync(heapFile, 'utf8') === '') await pause(20);
        return Number(readFileSync(heapFile, 'utf8'));
      },
      async healthy() {
        const client = strangers({ port }, 'healthy', 0);
        await client.sees(/answered 2\n/);
        const answered = () => Number(/answered (\d+)\n$/.exec(client.printed())?.[1]);
        return {
          async stillIs() {
            const from = answered();
            while (!(answered() > from + 2)) await pause(20);
          },
        };
      },
    });
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await Promise.all([...children].map((child) => once(child, 'exit')));
    rmSync(folder, { recursive: true });
  }
}

function strangers({ port }, role, count) {
  return started([process.execPath, STRANGERS, role, '127.0.0.1', String(port), String(count)]);
}

function started([command, ...args], variables = {}) {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NO_COLOR: '1', ...variables },
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  let text = '';
  const ended = once(child.stdout, 'end');
  child.stdout.setEncoding('utf8').on('data', (chunk) => (text += chunk));
  return {
    child,
    printed: () => text,
    async sees(pattern) {
      while (!pattern.test(text)) {
        if (child.stdout.readableEnded) throw new Error(`ended without ${pattern}: ${text}`);
        await Promise.race([once(child.stdout, 'data'), ended]);
      }
    },
  };
}

function check(name, what, got, wanted) {
  if (got === wanted) return;
  console.log(`${name}: ${what} ${got}, not ${wanted}`);
  process.exitCode = 1;
}
