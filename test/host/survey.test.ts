/** One of each in a namespace of its own: what the kernel has, and what a survey makes of it. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Connection, Survey } from '../../src/core/survey.js';
import type { Selection } from '../../src/core/selection.js';
import { takeSurvey } from '../../src/host/survey.js';
import { monotonicNow } from '../../src/kernel/clock.js';
import { kernel, lacks, SOON_MS } from '../real-kernel.js';
import { until } from '../until.js';
import { lacksNamespace, privateNamespace, type PrivateNamespace } from './private-namespace.js';
import { localEnd, Sockets, type Listening, type Pair } from './sockets.js';

const NOBODY = 65_534;
const KEEPALIVE = { idleSeconds: 61, intervalSeconds: 11, count: 7 };
const KNOWN = { kind: 'known', ...KEEPALIVE } as const;
const OFF = { kind: 'off' } as const;
const NEVER = { kind: 'never' } as const;

/** What their making takes, and a survey. */
const ON_THE_WAY_MS = 5000;

const isSkipped =
  lacksNamespace || lacks('socketFilter', 'pidfd', 'userTimeout', 'keepaliveTuning', 'tcpInfo');

describe.skipIf(isSkipped)('one of each (needs root)', { timeout: 30_000 }, () => {
  const sockets = new Sockets();
  const ports = new Map<string, number>();
  let namespace: PrivateNamespace;
  let survey: Survey;
  let silentFrom = 0;
  let full: Listening;
  let held: number;

  beforeAll(async () => {
    namespace = await privateNamespace();
    const { inside } = namespace;
    const pair = (listenOn?: string, connectTo?: string) =>
      sockets.pair(inside, listenOn, connectTo);
    const called = (name: string, fd: number) => ports.set(name, localEnd(fd).port);
    const plain = async (name: string, ...on: readonly string[]): Promise<Pair> => {
      const made = await pair(...on);
      called(name, made.connected);
      return made;
    };
    silentFrom = monotonicNow();

    ({ connected: held } = await plain('idle'));
    kernel.setKeepalive((await plain('keepalive')).connected, KEEPALIVE);
    kernel.setUserTimeout((await plain('user timeout')).connected, 30_000);
    const both = await plain('keepalive and user timeout');
    kernel.setKeepalive(both.connected, KEEPALIVE);
    kernel.setUserTimeout(both.connected, 30_000);
    await plain('IPv6', '::1');
    await plain('mapped', '::', '127.0.0.1');
    const probed = await plain('probed');
    cut(probed.accepted);
    kernel.setKeepalive(probed.connected, { idleSeconds: 1, intervalSeconds: 60, count: 3 });

    const written = await plain('retransmitting');
    cut(written.accepted);
    sockets.send(written.connected);

    const slow = await plain('zero window');
    const dead = await plain('zero window, dead');
    [slow, dead].forEach(({ connected }) => sockets.fill(connected));
    await until(() => (kernel.tcpInfo(dead.connected)?.backoff ?? 0) >= 2, SOON_MS);
    cut(dead.accepted);

    const deaf = inside(() => sockets.listen());
    cut(deaf.fd);
    called(
      'connecting',
      inside(() => sockets.connect(deaf.at)),
    );
    const half = inside(() => sockets.listen());
    inside(() => sockets.connect(half.at, cut));
    cut(half.fd);
    called('half open', half.fd);

    const leaving = await plain('half closed');
    ports.set('told goodbye', localEnd(leaving.accepted).port);
    sockets.shutdown(leaving.connected);
    const orphan = await plain('orphan that was answered');
    sockets.close(orphan.connected);
    const lost = await plain('orphan that was not');
    cut(lost.accepted);
    sockets.close(lost.connected);
    const over = await plain('over');
    sockets.close(over.connected);
    await until(() => kernel.tcpInfo(over.accepted)?.state === 'CLOSE-WAIT', SOON_MS);
    sockets.close(over.accepted);

    full = inside(() => sockets.listen('127.0.0.1', 1));
    kernel.setKeepalive(full.fd, KEEPALIVE);
    inside(() => [1, 2].forEach(() => sockets.connect(full.at)));

    const stranger = inside(() =>
      spawn(
        'setpriv',
        [
          ...['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups'],
          ...['--pdeathsig', 'KILL', process.execPath, '-e', STRANGER],
        ],
        { stdio: ['pipe', 'pipe', 'inherit'] },
      ),
    );
    children.push(stranger);
    let printed = '';
    stranger.stdout.on('data', (text) => (printed += String(text)));
    await until(() => printed.includes('\n'), SOON_MS);
    ports.set('of another user', Number(printed));

    const isReady = async () => {
      survey = await takeSurvey(kernel, {
        namespaces: String(namespace.pid),
        selection: {},
        owners: true,
      });
      return ['probed', 'zero window, dead', 'retransmitting', 'orphan that was not'].every(
        (name) =>
          ['dying', 'closing'].includes(one(name).fate.kind) && one(name).retransmissions > 0,
      );
    };
    await until(isReady, SOON_MS);
  }, 30_000);

  const children: ReturnType<typeof spawn>[] = [];
  afterAll(() => {
    children.forEach((child) => child.kill('SIGKILL'));
    sockets.closeAll();
    namespace.close();
  });

  function cut(fd: number): void {
    kernel.cut(fd, 'socket-filter');
  }

  /** Exactly one connection has it as its local port: nothing is shown twice. */
  function one(name: string): Connection {
    const port = ports.get(name);
    const found = survey.connections.filter(({ local }) => local.port === port);
    const [connection] = found;
    if (connection === undefined || found.length > 1) {
      throw new Error(`${name}: ${found.length} of port ${port}`);
    }
    return connection;
  }

  it.each([
    ['idle', 'ESTABLISHED', 'none', { kind: 'forever', busy: { kind: 'within' } }],
    [
      'keepalive',
      'ESTABLISHED',
      'keepalive',
      { kind: 'armed', idle: { kind: 'within', ms: { min: 77_000 } }, busy: { kind: 'within' } },
    ],
    [
      'user timeout',
      'ESTABLISHED',
      'none',
      { kind: 'forever', busy: { kind: 'within', ms: { min: 30_404 } } },
    ],
    [
      'keepalive and user timeout',
      'ESTABLISHED',
      'keepalive',
      { kind: 'armed', idle: { kind: 'within' }, busy: { kind: 'within', ms: { min: 30_404 } } },
    ],
    ['IPv6', 'ESTABLISHED', 'none', { kind: 'forever' }],
    ['mapped', 'ESTABLISHED', 'none', { kind: 'forever' }],
    ['of another user', 'ESTABLISHED', 'keepalive', { kind: 'armed' }],
    ['probed', 'ESTABLISHED', 'keepalive', { kind: 'dying', ends: { kind: 'within' } }],
    ['retransmitting', 'ESTABLISHED', 'retransmit', { kind: 'dying', ends: { kind: 'within' } }],
    ['zero window', 'ESTABLISHED', 'zero-window', { kind: 'slow', ends: NEVER }],
    [
      'zero window, dead',
      'ESTABLISHED',
      'zero-window',
      { kind: 'dying', ends: { kind: 'within' } },
    ],
    ['connecting', 'SYN-SENT', 'retransmit', { kind: 'dying', ends: { kind: 'within' } }],
    ['half open', 'SYN-RECV', 'retransmit', { kind: 'dying', ends: { kind: 'within' } }],
    ['half closed', 'FIN-WAIT-2', 'none', { kind: 'leaked' }],
    ['told goodbye', 'CLOSE-WAIT', 'none', { kind: 'leaked' }],
    [
      'orphan that was answered',
      'FIN-WAIT-2',
      'time-wait',
      { kind: 'closing', ends: { kind: 'within' } },
    ],
    [
      'orphan that was not',
      'FIN-WAIT-1',
      'retransmit',
      { kind: 'closing', ends: { kind: 'assumed', assuming: 'no user timeout' } },
    ],
    ['over', 'TIME-WAIT', 'time-wait', { kind: 'closing', ends: { kind: 'within' } }],
  ])('%s: %s, timer %s', (name, state, timer, fate) => {
    expect(one(name)).toMatchObject({ state, timer: { kind: timer }, fate });
  });

  it('tells what keeps them, and for how long they were silent', () => {
    expect(one('keepalive').keepalive).toEqual(KNOWN);
    expect(one('keepalive and user timeout')).toMatchObject({
      keepalive: KNOWN,
      userTimeoutMs: 30_000,
    });
    expect(one('idle')).toMatchObject({ keepalive: OFF, userTimeoutMs: 0 });
    expect(one('of another user')).toMatchObject({
      keepalive: { kind: 'known', idleSeconds: 600 },
      userTimeoutMs: 0,
      userId: NOBODY,
    });
    const sinceMs = monotonicNow() - silentFrom;
    for (const name of ['idle', 'keepalive', 'IPv6', 'mapped', 'retransmitting']) {
      const { silentMs } = one(name);
      expect(silentMs).toBeGreaterThan(500); // so long it took until the last was retransmitting
      expect(silentMs).toBeLessThanOrEqual(sinceMs + 10);
    }
    // It answers probes.
    expect(one('zero window').silentMs).toBeLessThan(ON_THE_WAY_MS);
    expect(one('zero window').sendQueueBytes).toBeGreaterThan(0);
    expect(one('over')).toMatchObject({ silentMs: null, process: null });
  });

  it('tells who holds them', () => {
    const name = readFileSync('/proc/self/comm', 'utf8').trim();
    const { cgroupOwner } = { cgroupOwner: one('idle').unit };
    expect(one('idle').process).toEqual({ pid: process.pid, name, fd: held });
    const [child] = children;
    expect(one('of another user').process).toMatchObject({ pid: child?.pid });
    expect(one('orphan that was not').process).toBeNull();
    expect(survey.processes.find(({ pid }) => pid === process.pid)).toMatchObject({
      name,
      unit: cgroupOwner,
      fds: expect.any(Number) as number,
    });
    expect(survey.notes).toEqual([]);
    expect(survey.partial).toBe(false);
  });

  it('shows a mapped connection as IPv4', () => {
    expect(one('mapped')).toMatchObject({
      local: { address: '127.0.0.1' },
      peer: { address: '127.0.0.1' },
    });
    const { peer } = one('mapped');
    const other = survey.connections.filter(({ local }) => local.port === peer.port);
    expect(other.map(({ local }) => local.address)).toEqual(['127.0.0.1']);
    expect(one('IPv6').peer.address).toBe('::1');
  });

  it('shows a listener whose queue is full, and who waits in it', () => {
    expect(survey.listeners.find(({ local }) => local.port === full.at.port)).toMatchObject({
      waiting: 2,
      backlog: 1,
      keepalive: KNOWN,
      process: { pid: process.pid, fd: full.fd },
    });
    const queued = survey.connections.filter(({ local }) => local.port === full.at.port);
    expect(queued.map(({ process: owner, fate }) => [owner, fate.kind])).toEqual([
      [null, 'armed'],
      [null, 'armed'],
    ]);
    expect(queued[0]?.keepalive).toEqual({
      kind: 'unknown',
      reason: 'no process has accepted it yet',
    });
  });

  it('selects by namespace, fate, process and silence', async () => {
    const some = await takeSurvey(kernel, {
      namespaces: namespace.path,
      selection: { fates: ['leaked'], pid: process.pid, silentMs: 100 },
      owners: true,
    });
    expect(some.connections.map(({ state }) => state).toSorted()).toEqual(
      expect.arrayContaining(['CLOSE-WAIT', 'FIN-WAIT-2']),
    );
    expect(some.listeners).toEqual([]);
    // Whoever asks for what is leaked wants to know who serves which port.
    expect(some.processes.map(({ pid }) => pid)).toEqual([process.pid]);
    expect(some.processes[0]?.ports).toContain(full.at.port);
    expect(some.namespaces.filter(({ shown }) => shown)).toEqual([
      expect.objectContaining({ id: namespace.id }),
    ]);
    expect(some.namespaces.length).toBeGreaterThan(1);
  });

  it('shows no process that only listens where no listener is meant', async () => {
    const listenersOf = async (selection: Selection) => {
      const namespaces = namespace.path;
      const { processes } = await takeSurvey(kernel, { namespaces, selection, owners: true });
      return processes.map(({ pid }) => pid);
    };
    expect(await listenersOf({ port: full.at.port, pid: process.pid })).toEqual([process.pid]);
    expect(await listenersOf({ port: full.at.port, fates: ['slow'] })).toEqual([]);
  });

  it('without owners knows the timers alone, and says so', async () => {
    const bare = await takeSurvey(kernel, {
      namespaces: String(namespace.pid),
      selection: { states: ['ESTABLISHED'] },
      owners: false,
    });
    const byPort = (name: string) =>
      bare.connections.find(({ local }) => local.port === ports.get(name));
    expect(byPort('idle')).toMatchObject({ process: null, keepalive: OFF, userTimeoutMs: null });
    expect(byPort('keepalive')).toMatchObject({
      keepalive: { kind: 'unknown', reason: 'not asked who holds it (--no-owners)' },
      fate: { kind: 'armed', idle: { kind: 'unknown' }, busy: { kind: 'assumed' } },
    });
    expect(bare.processes).toEqual([]);
  });
});

/** Holds both ends of a connection, of which one has keepalive; prints that one's port. */
const STRANGER = `
const net = require('node:net');
const server = net.createServer((socket) => socket.resume()).listen(0, '127.0.0.1', () => {
  const socket = net.connect(server.address().port, '127.0.0.1', () => {
    socket.setKeepAlive(true, 600_000);
    console.log(socket.localPort);
  });
});
`;
