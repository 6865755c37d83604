/** A network namespace of a test's own, with whoever talks in it. Nothing of it is left after the test. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { Capabilities } from '../../src/core/capabilities.js';
import type { DoctorResult } from '../../src/core/doctor.js';
import type { OptionValues, TcpInfo } from '../../src/kernel/socket-view.js';
import { unshareCommand } from '../../src/kernel/namespace.js';
import { engine, kernel } from '../real-kernel.js';
import { until } from '../until.js';
import { start, type Running } from './program.js';

const isRoot = process.getuid?.() === 0;

/** What a run of CI as root has and may not skip: a green test that skipped itself proves nothing. */
const mayNotSkip = process.env['CI'] !== undefined && isRoot;

/** Real root keeps its rights over other users' processes, the root of a user namespace has none. */
const UNSHARE: readonly string[] = isRoot ? ['unshare', '--net'] : unshareCommand;
const ENTER = isRoot ? [] : ['--user', '--preserve-credentials'];

export const lacksNetwork = !mayNotSkip && !canHaveOne();

export const lacksNetworkAndReach =
  lacksNetwork ||
  (!mayNotSkip &&
    !(['pidfd', 'tcpInfo', 'sockDiag', 'minTtl'] as const).every(
      (name) => kernel.capabilities[name],
    ));

/** Asked in there, where every user is root. */
export const lacksDestroy =
  lacksNetworkAndReach || (!mayNotSkip && !capabilitiesThere().sockDestroy);

export const lacksRoot = !mayNotSkip && !isRoot;

/** For processes to come and go on a busy machine. */
export const SOON_MS = 30_000;

/** Of its loopback interface; all of 192.0.2.0/24 is (RFC 5737: an address that is nobody's). */
export const ADDRESS = '192.0.2.1';

export interface Network {
  /** `net:[4026532201]` */
  readonly id: string;
  /** Of a process in it. */
  readonly pid: number;
  /** The same command, in there. */
  readonly command: (...words: readonly string[]) => readonly string[];
}

export function ownNetwork(): Promise<Network> {
  return holdNetwork(`ip link set lo up && ip addr add ${ADDRESS}/24 dev lo`);
}

/**
 * @param setUp a shell's commands, in there
 * @param owner with whose rights: of a user namespace of its own, if need be, or of that network's
 */
export async function holdNetwork(setUp: string, owner?: Network): Promise<Network> {
  const unshare = owner === undefined ? UNSHARE : owner.command('unshare', '--net');
  const [command = '', ...options] = unshare;
  const holder = spawn(command, [...options, 'sh', '-c', `${setUp} && echo up && exec cat`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const pid = holder.pid ?? 0;
  let id = '';
  onTestFinished(async () => {
    holder.kill('SIGKILL');
    // What was started in it was ended before: finished tests end the last thing first.
    await until(() => !processesIn().has(id), SOON_MS);
  });
  await once(holder.stdout, 'data');
  id = readlinkSync(`/proc/${pid}/ns/net`);
  return {
    id,
    pid,
    command: (...words) => ['nsenter', '--target', `${pid}`, ...ENTER, '--net', ...words],
  };
}

export interface Crowd extends Running {
  readonly pid: number;
}

const CROWD = fileURLToPath(new URL('crowd.mjs', import.meta.url));

/** `crowd.mjs`, with what `nofile` may hold it to. */
export function crowd(
  network: Network,
  args: readonly string[],
  { nofile, name }: { readonly nofile?: number; readonly name?: string } = {},
): Crowd {
  const limit = nofile === undefined ? [] : ['prlimit', `--nofile=${nofile}:${nofile}`];
  const running = start([], {
    command: network.command(...limit, process.execPath, CROWD, ...args),
    variables: name === undefined ? {} : { CROWD_NAME: name },
  });
  return { ...running, pid: running.child.pid ?? 0 };
}

export async function listening(
  network: Network,
  port: number,
  options?: Parameters<typeof crowd>[2],
): Promise<Crowd> {
  const server = crowd(network, ['listen', `${port}`], options);
  await server.sees(/listening/);
  return server;
}

/** `count` clients in one process, all accepted. */
export async function connected(
  network: Network,
  port: number,
  count: number,
  { to = ADDRESS, from = to }: { readonly to?: string; readonly from?: string } = {},
): Promise<Crowd> {
  const clients = crowd(network, ['connect', to, `${port}`, `${count}`, from]);
  await clients.sees(new RegExp(`greeted ${count}\n`));
  return clients;
}

export interface Held {
  readonly fd: number;
  readonly info: TcpInfo;
  readonly values: OptionValues;
}

/** The connections that a process holds, in the order of their descriptors, read from outside. */
export function connectionsOf(pid: number): readonly Held[] {
  const fds: number[] = [];
  kernel.eachSocket(pid, (_, fd) => fds.push(fd));
  return kernel.withProcess(pid, (borrow) =>
    fds
      .toSorted((a, b) => a - b)
      .flatMap((fd) =>
        borrow(fd, (duplicate) => {
          const info = kernel.tcpInfo(duplicate);
          if (info === undefined || info.state === 'LISTEN') return [];
          return [{ fd, info, values: kernel.optionValues(duplicate) }];
        }),
      ),
  );
}

/** Resolves when all it has said is acknowledged: until then each has a timer. */
export async function settled(pid: number): Promise<void> {
  await until(() => connectionsOf(pid).every(({ info }) => info.unacked === 0), SOON_MS);
}

/** Cuts that many of them off: they hear nothing any more, and nobody hears them. */
export function cutOff(pid: number, count: number): void {
  const fds = connectionsOf(pid)
    .slice(0, count)
    .map(({ fd }) => fd);
  kernel.withProcess(pid, (borrow) => {
    for (const fd of fds) borrow(fd, (duplicate) => kernel.cut(duplicate, engine));
  });
}

/** Which network namespaces there are processes in, of those that we may look at. */
function processesIn(): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      ids.add(readlinkSync(`/proc/${pid}/ns/net`));
    } catch {
      // It has just ended, or is somebody else's.
    }
  }
  return ids;
}

function canHaveOne(): boolean {
  const [command = '', ...options] = UNSHARE;
  try {
    execFileSync(command, [...options, 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function capabilitiesThere(): Capabilities {
  const [command = '', ...options] = UNSHARE;
  const doctor = [...options, process.execPath, 'dist/cli.cjs', 'doctor', '--json'];
  const result = JSON.parse(execFileSync(command, doctor, { encoding: 'utf8' })) as DoctorResult;
  return result.capabilities;
}
