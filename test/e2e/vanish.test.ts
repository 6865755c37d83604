/** Servers that are not ours, audited from outside: by root and by nobody, on their host and behind a router. */
import { describe, expect, it } from 'vitest';
import { formatEndpoint } from '../../src/core/endpoint.js';
import type { Estimate } from '../../src/core/vanish-inference.js';
import type { VanishEngine } from '../../src/core/vanish-log.js';
import type { VanishResult } from '../../src/core/vanish-result.js';
import { lacksRoot, type Network } from './network.js';
import { install, start, type Run } from './program.js';
import { lacksPrograms, nginx, redis, setSysctls, sshd, type RealServer } from './real-servers.js';
import {
  routedNetwork,
  SERVER_ADDRESS,
  SERVER_ADDRESS6,
  type RoutedNetwork,
} from './routed-network.js';

/** What a server was told, and what is to be found out about it. */
interface Case {
  readonly name: string;
  readonly server: RealServer;
  readonly args?: readonly string[];
  readonly mechanism: 'keepalive' | 'idle-timeout' | 'retransmission';
  readonly idleMs?: number;
  /** Beyond it: a server that looks for idle clients only now and then. */
  readonly lateMs?: number;
  /** It counts from when it was connected to, and not from the last word. */
  readonly isAge?: boolean;
  readonly intervalMs?: number;
  readonly count?: number;
}

/** Where a client is, and who. */
interface Place {
  readonly name: string;
  readonly network: Network;
  readonly words: readonly string[];
  readonly engine: VanishEngine;
}

/** Two for each processor of a small machine: half of them try an engine, which is waiting too. */
const STARTING_AT_ONCE = 4;

const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

/** Ten servers, each with settings that nobody else has. */
async function casesIn({ server: network }: RoutedNetwork): Promise<readonly Case[]> {
  const at = (port: number) => ({ address: SERVER_ADDRESS, port });
  setSysctls(network, {
    tcp_keepalive_time: 4,
    tcp_keepalive_intvl: 1,
    tcp_keepalive_probes: 2,
    // 6.8 s for a reply in flight instead of a quarter of an hour.
    tcp_retries2: 3,
  });
  const patient = { client_header_timeout: '300s' };
  const hasty = { client_header_timeout: '3s' };
  const probing = { TCPKeepAlive: 'yes', LoginGraceTime: 0 };
  const strict = { TCPKeepAlive: 'no', LoginGraceTime: 4 };
  return [
    {
      name: 'redis with a reply in flight',
      server: await redis(network, { 'tcp-keepalive': 3 }, at(6382)),
      args: ['--load', 'write', '--protocol', 'redis'],
      mechanism: 'retransmission',
    },
    {
      name: 'redis with tcp-keepalive 3',
      server: await redis(network, { 'tcp-keepalive': 3 }, at(6379)),
      ...{ mechanism: 'keepalive', idleMs: 3000, intervalMs: 1000, count: 3 },
    },
    {
      name: 'redis with tcp-keepalive 2, on IPv6',
      server: await redis(
        network,
        { 'tcp-keepalive': 2 },
        { address: SERVER_ADDRESS6, port: 6381 },
      ),
      ...{ mechanism: 'keepalive', idleMs: 2000, intervalMs: 1000, count: 3 },
    },
    {
      name: 'redis with timeout 3',
      server: await redis(network, { 'tcp-keepalive': 0, timeout: 3 }, at(6380)),
      // Idle for more than three whole seconds, looked for once a second (clientsCron).
      ...{ mechanism: 'idle-timeout', idleMs: 3000, lateMs: 2000 },
    },
    {
      name: 'nginx with so_keepalive=2s:1s:3',
      server: await nginx(network, { listen: 'so_keepalive=2s:1s:3', http: patient }, at(8001)),
      ...{ mechanism: 'keepalive', idleMs: 2000, intervalMs: 1000, count: 3 },
    },
    {
      name: 'nginx with so_keepalive=1s:2s:2',
      server: await nginx(network, { listen: 'so_keepalive=1s:2s:2', http: patient }, at(8002)),
      ...{ mechanism: 'keepalive', idleMs: 1000, intervalMs: 2000, count: 2 },
    },
    {
      name: 'nginx with client_header_timeout 3s',
      server: await nginx(network, { http: hasty }, at(8003)),
      ...{ mechanism: 'idle-timeout', idleMs: 3000 },
    },
    {
      name: 'nginx with keepalive_timeout 3s, once it has answered',
      server: await nginx(network, { http: { keepalive_timeout: '3s' } }, at(8004)),
      args: ['--protocol', 'http'],
      ...{ mechanism: 'idle-timeout', idleMs: 3000 },
    },
    {
      name: "sshd with its kernel's keepalive, 4 1 2",
      server: await sshd(network, probing, at(2201)),
      ...{ mechanism: 'keepalive', idleMs: 4000, intervalMs: 1000, count: 2 },
    },
    {
      name: 'sshd with LoginGraceTime 4',
      server: await sshd(network, strict, at(2202)),
      ...{ mechanism: 'idle-timeout', idleMs: 4000, isAge: true },
    },
  ];
}

describe.skipIf(lacksRoot || lacksPrograms('redis-server', 'nginx', 'sshd'))(
  'probe --vanish (needs root, redis-server, nginx, sshd)',
  () => {
    it('finds out what each server does, whoever asks and wherever', async () => {
      const network = await routedNetwork();
      const cases = await casesIn(network);
      const bin = install();
      const places: readonly Place[] = [
        { name: 'root there', network: network.server, words: [], engine: 'goodbye-filter' },
        { name: 'nobody there', network: network.server, words: NOBODY, engine: 'min-ttl' },
        {
          name: 'root behind a router',
          network: network.client,
          words: [],
          engine: 'goodbye-filter',
        },
        {
          name: 'nobody behind a router',
          network: network.client,
          words: NOBODY,
          engine: 'hop-limit',
        },
      ];
      // A start takes the processor, the waiting that follows does not: few start at a time.
      const audits = cases.flatMap((each) => places.map((place) => ({ each, place })));
      const ends: Promise<void>[] = [];
      const startInTurn = async () => {
        for (let next = audits.shift(); next !== undefined; next = audits.shift()) {
          const { each, place } = next;
          const audit = vanish(place, bin, each);
          ends.push(audit.ended.then((run) => expectFound(each, place, run)));
          await Promise.race([audit.sees(/has vanished/), audit.ended]);
        }
      };
      await Promise.all(Array.from({ length: STARTING_AT_ONCE }, startInTurn));
      await Promise.all(ends);
    });
  },
);

function vanish({ network, words }: Place, bin: string, { server, args = [] }: Case) {
  const options = ['--vanish', '--wait', '30s', '--json', ...args];
  const line = [...words, process.execPath, bin, 'probe', formatEndpoint(server), ...options];
  return start([], { command: network.command(...line) });
}

function expectFound(each: Case, { name, engine }: Place, { code, stdout, stderr }: Run): void {
  const what = `${each.name}, by ${name}`;
  expect(code, `${what}: ${stderr}`).toBe(0);
  const result = JSON.parse(stdout) as VanishResult;
  expect(result, what).toMatchObject({
    // A goodbye that passes proves nothing, and nothing else came.
    proven: each.mechanism !== 'idle-timeout' || engine !== 'goodbye-filter',
    noticed: true,
    engine,
    mechanism: each.mechanism,
    candidates: [],
    inferred: { count: each.count ?? null },
    quiet: { kind: each.mechanism === 'idle-timeout' ? 'closed' : 'open' },
  });
  if (each.mechanism === 'retransmission') {
    // The first expiry three seconds after the first retransmission: 3.4 s, doubled.
    expect(result.noticedAfterMs?.min, what).toBeLessThan(6500);
    expect(result.noticedAfterMs?.max, what).toBeGreaterThan(6500);
  }
  if (each.idleMs !== undefined) {
    // What was not watched is what came before: the connection is as much older at most.
    const olderMs = each.isAge === true ? result.durationMs - result.watchedMs : 0;
    const { idleMs, lateMs } = each;
    expectBetween(
      result.inferred.idleMs,
      idleMs - olderMs,
      idleMs + (lateMs ?? 0),
      `${what}: idle`,
    );
  }
  if (each.intervalMs !== undefined) {
    expectBetween(
      result.inferred.intervalMs,
      each.intervalMs,
      each.intervalMs,
      `${what}: interval`,
    );
  }
}

/** Within 0.3 s and 3 %. */
function expectBetween(estimate: Estimate | null, min: number, max: number, what: string): void {
  const allowedMs = (ms: number) => 300 + 0.03 * ms;
  expect(estimate?.ms, what).toBeGreaterThanOrEqual(min - allowedMs(min));
  expect(estimate?.ms, what).toBeLessThanOrEqual(max + allowedMs(max));
}
