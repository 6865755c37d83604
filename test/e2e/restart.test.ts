/** A restart that nobody notices, and new versions that never come to serve. */
import { randomUUID } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ServeEntry } from '../../src/core/serve-log.js';
import type { ServeStatus } from '../../src/core/serve-status.js';
import { until } from '../until.js';
import { killMarked, MARK, marked } from './marked.js';
import { cutOff, lacksNetworkAndReach } from './network.js';
import { freePort } from '../free-port.js';
import { install, run, serve, start, type Run, type Running } from './program.js';
import { lacksPrograms } from './real-servers.js';

/** For processes to start and end on a busy machine. */
const SOON_MS = 30_000;
const TEST_MS = 120_000;

/** After so long a worker that takes nothing is passed over (net/delivery.ts), and some. */
const STUCK_MS = 1100;

const SESSIONS = fileURLToPath(new URL('sessions.mjs', import.meta.url));

const HELLO = Buffer.from([0, 2, 0x68, 0x69]);

describe('a restart under load', () => {
  it(
    'three times, with workers and without: nobody is refused or reset, and every frame is answered',
    async () => {
      await Promise.all([restartsUnderLoad(), restartsUnderLoad('--workers', '2')]);
    },
    TEST_MS,
  );
});

describe('whoever does not read what is told', () => {
  it(
    'holds nobody up, after a restart neither',
    async () => {
      await Promise.all([isNotHeldUp(), isNotHeldUp('--workers', '2')]);
    },
    TEST_MS,
  );
});

describe('whoever fails or hangs', () => {
  it(
    'a new version: the old one serves on, and the next restart goes well; a worker: the others serve on',
    async () => {
      await Promise.all([
        servesOn('throw new Error("no");', /it ended early \(exit 1\)/),
        servesOn('process.exit(0);', /it ended early \(exit 0\)/),
        servesOn('for (;;);', /was not ready in time/),
        servesOn('process.kill(process.pid, "SIGSTOP");', /was not ready in time/),
        servesOn('setInterval(() => undefined, 1000);', /was not ready in time/),
        drainsBesideHangingWorker(),
      ]);
    },
    TEST_MS,
  );
});

describe('two restarts at once', () => {
  it(
    'one wins, by SIGUSR2 or by --replace, and the other is told',
    async () => {
      await Promise.all([
        winsOver(async (server, status) => {
          process.kill(server.pid, 'SIGUSR2');
          await server.entry('restarting');
          const late = await replace(status);
          expect(late.stdout).toBe(
            `refused: process ${server.pid} goes on, another restart is under way\n`,
          );
          expect(late.code).toBe(1);
        }),
        winsOver(async (server, status, ready) => {
          const first = replace(status);
          await server.entry('restarting');
          process.kill(server.pid, 'SIGUSR2');
          await server.entry('restart-refused');
          ready();
          expect(await first).toMatchObject({
            code: 0,
            stdout: expect.stringContaining(`replaced: process `) as unknown,
          });
        }),
      ]);
    },
    TEST_MS,
  );
});

describe('a supervisor that listens itself', () => {
  it.skipIf(lacksPrograms('systemd-socket-activate'))(
    'hands both sockets over (needs systemd-socket-activate), and a restart hands them on',
    async () => {
      const port = await freePort();
      const [status, third] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
      const mark = randomUUID();
      onTestFinished(() => killMarked(mark));
      // It hands on the variables that are named, and starts the command when somebody connects.
      const listening = [`127.0.0.1:${port}`, status, third].flatMap((each) => ['-l', each]);
      const args = [...listening, '-E', `${MARK}=${mark}`];
      // What is handed over wins over these.
      const flags = ['--port', '1', '--status', '127.0.0.1:1', '--json', '--drain-timeout', '1s'];
      const command = [process.execPath, install(), 'serve', ...flags];
      const activated = start([], { command: ['systemd-socket-activate', ...args, ...command] });
      await activated.sees(/(Listening on .*\n.*){3}/);
      const client = await joined(port);
      expect(await exchange(client)).toEqual(HELLO);
      await activated.sees(/^warning: of the 3 sockets in LISTEN_FDS 2 can be used: /m);
      const told = entriesIn(activated.printed());
      // It has execed: LISTEN_PID is its own number.
      const pid = activated.child.pid ?? 0;
      expect(told[0]).toMatchObject({ event: 'listening', address: `127.0.0.1:${port}`, pid });
      expect(await pidsAt(status)).toEqual([pid]);

      const replaced = await replace(status, '--json');
      expect(JSON.parse(replaced.stdout)).toMatchObject({ pid, outcome: { kind: 'replaced' } });
      expect(await exchange(client)).toEqual(HELLO);
      expect(await exchange(await joined(port))).toEqual(HELLO);
      await until(() => marked(mark).every((each) => each.pid !== `${pid}`), SOON_MS);
      expect(await exchange(await joined(port))).toEqual(HELLO);
    },
    TEST_MS,
  );

  it('that meant another process is not heeded, which is said', async () => {
    const variables = { LISTEN_FDS: '2', LISTEN_PID: '1' };
    const server = await serve([], { variables });
    expect(await exchange(await joined(server.port))).toEqual(HELLO);
    await server.sees(/^warning: LISTEN_PID 1 is another process: .*$/m);
  });
});

describe('a drain', () => {
  it.skipIf(lacksNetworkAndReach)(
    'is not held up by half-open peers (needs an engine, pidfd, tcpInfo)',
    async () => {
      const server = await serving('--drain-timeout', '10m');
      const clients = await Promise.all(Array.from({ length: 20 }, () => joined(server.port)));
      for (const client of clients) expect(await exchange(client)).toEqual(HELLO);
      cutOff(server.pid, clients.length);
      process.kill(server.pid, 'SIGTERM');
      await server.ends(server.pid);
      const summary = await server.entry('summary');
      expect(summary.endedBy).toEqual({ probe: clients.length });
      expect(summary.durationMs).toBeLessThan(SOON_MS);
    },
    TEST_MS,
  );

  it('ends now with a second SIGTERM', async () => {
    const server = await serving('--drain-timeout', '10m');
    await exchange(await joined(server.port));
    process.kill(server.pid, 'SIGTERM');
    await server.entry('draining');
    process.kill(server.pid, 'SIGTERM');
    expect((await server.ended).code).toBe(143);
  });
});

describe('workers', () => {
  it(
    'share the connections; one that is lost is told and replaced, and the others serve on',
    async () => {
      const status = `127.0.0.1:${await freePort()}`;
      const server = await serving('--workers', '3', '--drain-timeout', '1s', '--status', status);
      const pids = server.all('worker-started').map(({ pid }) => pid);
      expect((await pidsAt(status)).toSorted()).toEqual(pids.toSorted());
      const clients: Socket[] = [];
      for (let each = 0; each < 30; each++) clients.push(await joined(server.port));
      for (const client of clients) expect(await exchange(client)).toEqual(HELLO);
      // An answer may come before the line of its connection.
      await until(() => server.all('opened').length === 30, SOON_MS);
      const dealt = server.all('opened').map(({ worker }) => worker);
      expect([1, 2, 3].map((worker) => dealt.filter((each) => each === worker).length)).toEqual([
        10, 10, 10,
      ]);
      const lost = clients.filter((client) => portsOf(server, 2).includes(client.localPort));
      const gone = lost.map((client) => once(client, 'close'));
      process.kill(pidOf(server, 2), 'SIGKILL');
      expect(await server.entry('worker-lost')).toMatchObject({ worker: 2, connections: 10 });
      await Promise.all(gone);
      await until(() => server.all('worker-started').length === 4, SOON_MS);
      for (const client of clients.filter((each) => !lost.includes(each))) {
        expect(await exchange(client)).toEqual(HELLO);
      }
      for (let each = 0; each < 10; each++) {
        expect(await exchange(await joined(server.port))).toEqual(HELLO);
      }
      await until(() => server.all('opened').length === 40, SOON_MS);
      expect(server.all('opened').filter(({ worker }) => worker === 2)).toHaveLength(20);
      process.kill(server.pid, 'SIGINT');
      expect((await server.ended).code).toBe(130);
      expect((await server.entry('summary')).endedBy).toMatchObject({ worker: 10, local: 30 });
      expect(marked(server.mark)).toEqual([]);
    },
    TEST_MS,
  );

  it('end with their primary, however that ends', async () => {
    const server = await serving('--workers', '2');
    expect(marked(server.mark)).toHaveLength(3);
    process.kill(server.pid, 'SIGKILL');
    await until(() => marked(server.mark).length === 0, SOON_MS);
  });
});

/** `--replace`, as a user types it. */
function replace(status: string, ...args: readonly string[]): Promise<Run> {
  return run(['serve', '--replace', '--status', status, ...args], { bin: 'dist/cli.cjs' });
}

/** @param ask is called with a server whose next version is not ready before it is told to be */
async function winsOver(
  ask: (server: Serving, status: string, ready: () => void) => Promise<void>,
): Promise<void> {
  const status = `127.0.0.1:${await freePort()}`;
  const bin = install();
  const server = await servingFrom(bin, '--drain-timeout', '1s', '--status', status);
  const go = join(dirname(bin), 'go');
  const wait = `while (!require('node:fs').existsSync(${JSON.stringify(go)}))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);`;
  writeFileSync(bin, readFileSync(bin, 'utf8').replace('\n', `\n${wait}\n`));
  const ready = () => writeFileSync(go, '');
  await ask(server, status, ready);
  ready();
  const { successor } = await server.entry('restarted');
  expect((await server.entry('restart-refused')).reason).toBe('another restart is under way');
  await server.ends(server.pid);
  expect(await pidsAt(status)).toEqual([successor]);
  process.kill(successor, 'SIGINT');
  await until(() => marked(server.mark).length === 0, SOON_MS);
  expect(server.all('restarting')).toHaveLength(1);
}

/** Its siblings take what comes, and the drain does not wait for it for ever. */
async function drainsBesideHangingWorker(): Promise<void> {
  const server = await serving('--workers', '2', '--drain-timeout', '1s');
  process.kill(pidOf(server, 1), 'SIGSTOP');
  let answered = 0;
  const early = await Promise.all(Array.from({ length: 20 }, () => joined(server.port)));
  for (const client of early) client.once('data', () => answered++).write(HELLO);
  await until(() => answered === early.length / 2, SOON_MS);
  // Nothing tells when the primary knows.
  const known = performance.now() + STUCK_MS;
  await until(() => performance.now() > known, SOON_MS);
  for (let each = 0; each < 20; each++) {
    expect(await exchange(await joined(server.port))).toEqual(HELLO);
  }
  process.kill(server.pid, 'SIGTERM');
  await until(() => marked(server.mark).length === 0, SOON_MS);
  expect((await server.ended).code).toBe(143);
}

async function restartsUnderLoad(...args: readonly string[]): Promise<void> {
  const status = `127.0.0.1:${await freePort()}`;
  const server = await serving('--drain-timeout', '6s', '--quiet', '--status', status, ...args);
  const sessions = await talking(server.port, { loops: 8, idle: 100, busy: 20 });
  const pids = [server.pid];
  for (let restart = 1; restart <= 3; restart++) {
    // The answer comes from one that has sessions to the end of its drain.
    if (restart === 2) expect(await replace(status)).toMatchObject({ code: 0 });
    else process.kill(pids.at(-1) ?? 0, 'SIGUSR2');
    await until(() => server.all('restarted').length === restart, SOON_MS).catch(
      (cause: unknown) => {
        throw new Error(`not restarted ${restart} times\n${server.printed()}`, { cause });
      },
    );
    pids.push(server.all('restarted').at(-1)?.successor ?? 0);
  }
  for (const old of pids.slice(0, -1)) await server.ends(old);
  const { connects, goodbyes, trouble } = await sessions.stop();
  expect(trouble).toEqual({});
  expect(connects).toBeGreaterThan(500);
  // The idle ones stayed to the end of who served them, three times over.
  expect(goodbyes).toBeGreaterThanOrEqual(100);
  process.kill(pids.at(-1) ?? 0, 'SIGTERM');
  await until(() => marked(server.mark).length === 0, SOON_MS);
  await server.ended;
  const summaries = server.all('summary');
  expect(summaries.map(({ refused }) => refused)).toEqual(pids.map(() => 0));
  const served = summaries.reduce((sum, { connections }) => sum + connections, 0);
  expect(served).toBe(connects);
}

/** More lines than the pipe holds, and than wait for it. */
async function isNotHeldUp(...args: readonly string[]): Promise<void> {
  const server = await serving('--drain-timeout', '1s', ...args);
  process.kill(server.pid, 'SIGUSR2');
  const { successor } = await server.entry('restarted');
  await server.ends(server.pid);
  server.child.stdout.pause();
  const client = await joined(server.port);
  const frames = Buffer.concat(Array.from({ length: 5000 }, () => HELLO));
  let answered = 0;
  client.on('data', ({ length }) => (answered += length));
  for (let round = 1; round <= 3; round++) {
    client.write(frames);
    await until(() => answered === round * frames.length, SOON_MS);
  }
  server.child.stdout.resume();
  expect((await server.entry('untold')).entries).toBeGreaterThan(0);
  process.kill(successor, 'SIGINT');
  await until(() => marked(server.mark).length === 0, SOON_MS);
}

/** @param version what the bin is when it is started again */
async function servesOn(version: string, reason: RegExp): Promise<void> {
  const bin = install();
  const status = `127.0.0.1:${await freePort()}`;
  const limits = ['--ready-timeout', '6s', '--drain-timeout', '1s'];
  const server = await servingFrom(bin, '--status', status, ...limits);
  const client = await joined(server.port);
  const good = readFileSync(bin);
  writeFileSync(bin, version);
  const asked = await replace(status);
  const { successor } = await server.entry('restarting');
  expect((await server.entry('restart-failed')).reason).toMatch(reason);
  expect({ code: asked.code, said: asked.stdout }).toEqual({
    code: 1,
    said: expect.stringMatching(reason) as unknown,
  });
  await until(() => !marked(server.mark).some(({ pid }) => pid === `${successor}`), SOON_MS);
  expect(await exchange(client)).toEqual(HELLO);
  expect(await exchange(await joined(server.port))).toEqual(HELLO);

  writeFileSync(bin, good);
  process.kill(server.pid, 'SIGUSR2');
  const restarted = await server.entry('restarted');
  await server.ends(server.pid);
  expect(await exchange(await joined(server.port))).toEqual(HELLO);
  process.kill(restarted.successor, 'SIGINT');
  await until(() => marked(server.mark).length === 0, SOON_MS);
}

function pidOf(server: Serving, worker: number): number {
  const started = server.all('worker-started').find((each) => each.worker === worker);
  if (started === undefined) throw new Error(`no worker ${worker}`);
  return started.pid;
}

/** Of the processes that the status tells of. */
async function pidsAt(status: string): Promise<readonly number[]> {
  const response = await fetch(`http://${status}/status`);
  const { workers } = (await response.json()) as ServeStatus;
  return workers.map(({ pid }) => pid);
}

/** The clients' of a worker's connections. */
function portsOf(server: Serving, worker: number): readonly (number | undefined)[] {
  return server
    .all('opened')
    .filter((each) => each.worker === worker)
    .map(({ peer }) => Number(peer.split(':')[1]));
}

type Event = ServeEntry['event'];
type EntryOf<E extends Event> = Extract<ServeEntry, { readonly event: E }>;

interface Serving extends Running {
  readonly port: number;
  readonly pid: number;
  /** On every process of it. */
  readonly mark: string;
  /** What all of them have told so far, in order. */
  all(): readonly ServeEntry[];
  all<E extends Event>(event: E): readonly EntryOf<E>[];
  /** The first such one, once it is there. */
  entry<E extends Event>(event: E): Promise<EntryOf<E>>;
  /** Resolves when that process of it is gone. */
  ends(pid: number): Promise<unknown>;
}

function serving(...args: readonly string[]): Promise<Serving> {
  return servingFrom(install(), ...args);
}

async function servingFrom(bin: string, ...args: readonly string[]): Promise<Serving> {
  const mark = randomUUID();
  const running = await serve(['--json', ...args], { bin, variables: { [MARK]: mark } });
  onTestFinished(() => killMarked(mark));
  const all = (event?: Event) =>
    entriesIn(running.printed()).filter((entry) => event === undefined || entry.event === event);
  return {
    ...running,
    pid: running.child.pid ?? 0,
    mark,
    all,
    entry: (event) =>
      until(() => all(event)[0], SOON_MS).catch((cause: unknown) => {
        throw new Error(`not told: ${event}\n${running.printed()}`, { cause });
      }) as Promise<EntryOf<typeof event>>,
    ends: (pid) => until(() => !marked(mark).some((each) => each.pid === `${pid}`), SOON_MS),
  };
}

function entriesIn(printed: string): readonly ServeEntry[] {
  return (
    printed
      .split('\n')
      // A new version that crashes says more.
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as ServeEntry)
  );
}

interface Talk {
  readonly connects: number;
  readonly answered: number;
  readonly goodbyes: number;
  readonly trouble: Readonly<Record<string, number>>;
}

async function talking(
  port: number,
  { loops, idle, busy }: { readonly loops: number; readonly idle: number; readonly busy: number },
): Promise<{ stop(): Promise<Talk> }> {
  const args = [SESSIONS, port, loops, idle, busy].map(String);
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  await until(() => printed.startsWith('ready\n'), SOON_MS);
  return {
    async stop() {
      child.stdin.end();
      await once(child, 'close');
      return JSON.parse(printed.slice('ready\n'.length)) as Talk;
    },
  };
}

async function joined(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.on('error', () => undefined); // it may be reset at the end
  return socket;
}

async function exchange(socket: Socket): Promise<Buffer> {
  const answer = once(socket, 'data', { signal: AbortSignal.timeout(SOON_MS) });
  socket.write(HELLO);
  const [chunk] = (await answer) as [Buffer];
  return chunk;
}
