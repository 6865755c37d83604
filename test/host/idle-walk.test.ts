/** Idle connections that are judged by others of their like are what they are when each is judged. */
import { describe, expect, it } from 'vitest';
import type { HostSocket } from '../../src/core/socket.js';
import { takeSurvey, surveyInto } from '../../src/host/survey.js';
import type { Kernel } from '../../src/kernel/kernel.js';
import { portableKernel } from '../../src/kernel/portable.js';
import { surveyJson } from '../../src/report/survey-json.js';
import { SurveyLines } from '../../src/report/survey-lines.js';
import { TEST_MS } from '../real-kernel.js';
import { dying, putAside, tableOf } from './fake-table.js';

const MANY = 10_001;
/** Of two parts. */
const FIRST = MANY + 500;

/** Of three processes, the last of which ends before it is looked at, and of nobody. */
const HOLDERS = [7, 8, 9];

function idleSocket(at: number): HostSocket {
  return {
    local: { address: at % 3 === 0 ? '::1' : '10.0.0.5', port: 443 },
    peer: { address: `192.0.2.${at % 7}`, port: 40_000 + (at % 20_000) },
    state: at % 11 === 0 ? 'CLOSE-WAIT' : 'ESTABLISHED',
    timer: { kind: 'none', expiresInMs: null },
    retransmissions: 0,
    sendQueueBytes: 0,
    receiveQueueBytes: at % 5 === 0 ? 12 : 0,
    inode: at % 13 === 0 ? 0 : at + 1,
    userId: at % 2,
    cookie: (at === 5 ? 2n ** 64n - 5n : BigInt(at * 37)).toString(16),
    interfaceIndex: 0,
    info: {
      probes: at % 19 === 0 ? 1 : 0,
      backoff: 0,
      rtoMs: 204,
      rttMs: (at % 4) * 20,
      silentMs: (at * 7919) % 100_000,
      windowBytes: 0,
    },
  };
}

function kernelWith(sockets: readonly HostSocket[]): Kernel {
  const held = sockets.flatMap(({ inode }, at) =>
    inode === 0 || at % 17 === 0 ? [] : [[HOLDERS[at % HOLDERS.length] ?? 0, at + 3, inode]],
  );
  const numbers = Uint32Array.from(held.toSorted(([a = 0], [b = 0]) => a - b).flat());
  return {
    ...portableKernel,
    ...tableOf([]),
    comingTcpSockets: () => ({
      askedAt: new Date(),
      torn: false,
      async *[Symbol.asyncIterator]() {
        const idle = putAside(sockets.slice(0, FIRST));
        yield await Promise.resolve({ timed: [dying], idle, withinMs: 1 });
        putAside(sockets.slice(FIRST), idle);
        yield await Promise.resolve({ timed: [], idle, withinMs: 2 });
      },
    }),
    networkNamespace: () => ({ id: 'net:[1]', path: '/proc/self/ns/net' }),
    namedNetworkNamespaces: () => new Map(),
    processIds: () => [],
    heldSockets: () => ({ numbers, hidden: 0 }),
    processFacts: (pid) =>
      pid === HOLDERS.at(-1)
        ? undefined
        : {
            name: `holder ${pid}`,
            parentPid: 1,
            isKernelThread: false,
            startedAtTicks: 0,
            cgroup: '0::/system.slice/a.service',
            descriptorLimit: 20_000,
          },
    openDescriptors: () => 12,
    withProcess: () => {
      throw new Error('none is read');
    },
  };
}

const sockets = Array.from({ length: MANY + 2000 }, (_, at) => idleSocket(at));

describe.each([
  ['held by somebody', true],
  ['whose holder was not asked for', false],
])('idle connections %s', (_, owners) => {
  it('are written as what they are', { timeout: TEST_MS }, async () => {
    const request = { selection: {}, owners };
    const kernel = kernelWith(sockets);
    const { connections, ...facts } = await takeSurvey(kernel, request);
    expect(connections).toHaveLength(sockets.length + 1);
    const { facts: atOnce, into } = await surveyInto(
      kernel,
      request,
      () => new SurveyLines('json'),
    );
    const { takenAt } = facts;
    expect({ ...atOnce, takenAt }).toEqual(facts);
    const text = (pieces: Iterable<Uint8Array>) =>
      Buffer.concat([...pieces].map((piece) => Buffer.from(piece))).toString('latin1');
    const lines = (whole: string) => whole.split('\n');
    const each = lines(text(surveyJson({ ...facts, connections })));
    const alike = lines(text(into.worstFirst({ ...atOnce, takenAt })));
    // What is as bad and as silent stands in the order in which it came.
    const plain = (line: string) => line.replace(/,$/, '');
    expect(alike.map(plain).toSorted()).toEqual(each.map(plain).toSorted());
    const silences = (of: readonly string[]) =>
      of.map((line) => /"silentMs":(\w+)/.exec(line)?.[1]);
    expect(silences(alike)).toEqual(silences(each));
  });
});
