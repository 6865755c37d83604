/** Everything comes and goes while it is read: that may leave gaps, and they are told. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, describe, expect, it } from 'vitest';
import { takeInventory } from '../../src/host/inventory.js';
import { takeSurvey } from '../../src/host/survey.js';
import type { Kernel } from '../../src/kernel/kernel.js';
import { monotonicNow } from '../../src/kernel/clock.js';
import { kernel, lacks, SOON_MS, TEST_MS } from '../real-kernel.js';
import { until } from '../until.js';
import { tableOf } from './fake-table.js';
import { connectionsBetween, endsOf, Sockets } from './sockets.js';

const SURVEYS = 50;
const RATE = 2000;

describe.skipIf(lacks('sockDiag', 'pidfd', 'tcpInfo'))('while connections come and go', () => {
  const sockets = new Sockets();
  afterAll(() => sockets.closeAll());

  it(
    `takes ${SURVEYS} surveys beside ${RATE} connections a second, and loses none that stay`,
    { timeout: 3 * TEST_MS },
    async () => {
      const stays = await sockets.pair((work) => work());
      const churn = spawn('setpriv', ['--pdeathsig', 'KILL', process.execPath, '-e', CHURN], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let printed = '';
      churn.stdout.on('data', (text) => (printed += String(text)));
      const made = () => Number(printed.trim().split('\n').at(-1));
      await until(() => made() > 0, SOON_MS);
      const before = made();
      const from = monotonicNow();
      const partial: boolean[] = [];
      for (let times = 0; times < SURVEYS; times++) {
        const survey = await takeSurvey(kernel, { selection: { pid: process.pid }, owners: true });
        partial.push(survey.partial);
        const found = connectionsBetween(survey, endsOf(stays.connected, stays.accepted));
        expect(found.map(({ fate }) => fate.kind)).toEqual(['forever']);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const rate = ((made() - before) * 1000) / (monotonicNow() - from);
      churn.kill('SIGKILL');
      await once(churn, 'exit');
      expect(partial).toHaveLength(SURVEYS);
      expect(rate).toBeGreaterThan(RATE / 2);
    },
  );

  it(
    'survives processes that end in mid-read, and sockets that are closed then',
    { timeout: TEST_MS },
    async () => {
      const stays = await sockets.pair((work) => work());
      for (let times = 0; times < 10; times++) {
        const doomed = await sockets.pair((work) => work());
        const child = spawn('sleep', ['30'], { stdio: 'ignore' });
        await once(child, 'spawn');
        const ended = once(child, 'exit');
        // Between the table and who holds what, and between that and its options.
        const vanishing = changed({
          processIds: () => {
            const pids = kernel.processIds();
            child.kill('SIGKILL');
            sockets.close(doomed.accepted);
            return pids;
          },
          withProcess: (pid, work) => {
            sockets.close(doomed.connected);
            return kernel.withProcess(pid, work);
          },
        });
        const survey = await takeSurvey(vanishing, { selection: {}, owners: true });
        const found = connectionsBetween(survey, endsOf(stays.connected, stays.accepted));
        expect(found).toMatchObject([{ keepalive: { kind: 'off' }, userTimeoutMs: 0 }]);
        await ended;
      }
    },
  );
});

const OURS = { pid: process.pid, name: 'ours', unit: null, startedAtTicks: 0 };

describe('a table that is torn', () => {
  const torn = async (times: number, namespaces?: string) => {
    let reads = 0;
    const flaky = changed(tableOf([], { isTorn: () => ++reads <= times }));
    const survey = await takeSurvey(flaky, { namespaces, selection: {}, owners: false });
    return { reads, partial: survey.partial };
  };

  it.each([
    ['our own', undefined],
    ['one that was named', String(process.pid)],
  ])('is read again, and if it stays so, that is said: %s', async (_, namespaces) => {
    expect(await torn(0, namespaces)).toEqual({ reads: 1, partial: false });
    expect(await torn(2, namespaces)).toEqual({ reads: 3, partial: false });
    expect(await torn(3, namespaces)).toEqual({ reads: 3, partial: true });
    expect(await torn(99, namespaces)).toEqual({ reads: 3, partial: true });
  });

  it('is read again for who would change its sockets, too', () => {
    let reads = 0;
    const flaky = changed(tableOf([], { isTorn: () => ++reads <= 2 }));
    expect(takeInventory(flaky, [OURS]).torn).toBe(false);
    expect(reads).toBe(3);
  });
});

/** The real one, but for these. */
function changed(changes: Partial<Kernel>): Kernel {
  return new Proxy(kernel, {
    get: (target, name) => {
      const value: unknown = Reflect.get(changes, name) ?? Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** Opens and closes by reset, which leaves no TIME-WAIT behind; counts on stdout. */
const CHURN = `
const net = require('node:net');
let made = 0;
const server = net.createServer((socket) => socket.on('error', () => {}).resume());
server.listen(0, '127.0.0.1', () => {
  const open = () => {
    const socket = net.connect(server.address().port, '127.0.0.1');
    socket.on('error', () => {});
    socket.on('connect', () => { made++; socket.resetAndDestroy(); });
  };
  setInterval(() => { for (let i = 0; i < ${RATE / 100}; i++) open(); }, 10);
  setInterval(() => console.log(made), 100);
});
`;
