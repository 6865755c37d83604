/** Options of a socket by its descriptor: set, and read back, because a kernel may take less than was asked. */
import { sameKeepalive, type KeepaliveSettings } from '../../core/mode.js';
import { cookieText, type SocketOptions } from '../../core/socket.js';
import { KernelRefusal } from '../kernel.js';
import type { OptionValues } from '../socket-view.js';
import type { Libc } from './libc.js';

export const SOL_SOCKET = 1;
const SO_KEEPALIVE = 9;
export const SO_DOMAIN = 39;
const SO_COOKIE = 57;

export const IPPROTO_TCP = 6;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const TCP_USER_TIMEOUT = 18;

const EINVAL = 22;

export function setKeepalive(
  libc: Libc,
  fd: number,
  settings: KeepaliveSettings | 'system',
): KeepaliveSettings {
  writeInt(libc, fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  if (settings !== 'system') writeTimes(libc, fd, settings);
  const { keepalive, idleSeconds, intervalSeconds, count } = optionValues(libc, fd);
  const actual = { idleSeconds, intervalSeconds, count };
  if (!keepalive || (settings !== 'system' && !sameKeepalive(actual, settings))) {
    throw new KernelRefusal('keepalive read back differently', EINVAL);
  }
  return actual;
}

export function setAndReadBack(
  libc: Libc,
  fd: number,
  { option, name }: { readonly option: number; readonly name: string },
  value: number,
): number {
  writeInt(libc, fd, IPPROTO_TCP, option, value);
  const actual = readInt(libc, fd, IPPROTO_TCP, option);
  if (actual !== value) throw new KernelRefusal(`${name} read back differently`, EINVAL);
  return actual;
}

export function setUserTimeout(libc: Libc, fd: number, timeoutMs: number): number {
  const option = { option: TCP_USER_TIMEOUT, name: 'TCP_USER_TIMEOUT' };
  return setAndReadBack(libc, fd, option, timeoutMs);
}

export function optionValues(libc: Libc, fd: number): OptionValues {
  return {
    keepalive: readInt(libc, fd, SOL_SOCKET, SO_KEEPALIVE) !== 0,
    ...readTimes(libc, fd),
    userTimeoutMs: readInt(libc, fd, IPPROTO_TCP, TCP_USER_TIMEOUT),
  };
}

export function setOptionValues(libc: Libc, fd: number, values: OptionValues): void {
  // Off first, so that no probe leaves on the way; on first, so that the idle time arms the timer.
  writeInt(libc, fd, SOL_SOCKET, SO_KEEPALIVE, values.keepalive ? 1 : 0);
  // Before the times, which may make the timer fire at once: it looks at the user timeout.
  setUserTimeout(libc, fd, values.userTimeoutMs);
  writeTimes(libc, fd, values);
  const actual = optionValues(libc, fd);
  if (actual.keepalive !== values.keepalive || !sameKeepalive(actual, values)) {
    throw new KernelRefusal('keepalive read back differently', EINVAL);
  }
}

/** Two calls where keepalive is off: `ls` reads tens of thousands. */
export function optionsOf(libc: Libc, fd: number): SocketOptions {
  const isOn = readInt(libc, fd, SOL_SOCKET, SO_KEEPALIVE) !== 0;
  const userTimeoutMs = readInt(libc, fd, IPPROTO_TCP, TCP_USER_TIMEOUT);
  if (!isOn && userTimeoutMs === 0) return NO_OPTIONS;
  const keepalive = isOn
    ? { kind: 'known' as const, ...readTimes(libc, fd) }
    : NO_OPTIONS.keepalive;
  return { keepalive, userTimeoutMs };
}

const NO_OPTIONS: SocketOptions = { keepalive: { kind: 'off' }, userTimeoutMs: 0 };

/** No two sockets of a host ever have the same (sock_gen_cookie, net/core/sock_diag.c). */
export function cookie(libc: Libc, fd: number): string | undefined {
  const bytes = libc.getsockopt(fd, SOL_SOCKET, SO_COOKIE, 8);
  if (bytes?.length !== 8) return undefined;
  return cookieText(bytes.readUInt32LE(0), bytes.readUInt32LE(4));
}

export function writeInt(
  libc: Libc,
  fd: number,
  level: number,
  option: number,
  value: number,
): void {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  libc.setsockopt(fd, level, option, bytes);
}

export function readInt(libc: Libc, fd: number, level: number, option: number): number {
  const value = libc.getInt(fd, level, option);
  if (value === undefined) throw new KernelRefusal(`getsockopt(${level}, ${option})`, EINVAL);
  return value;
}

function readTimes(libc: Libc, fd: number): KeepaliveSettings {
  return {
    idleSeconds: readInt(libc, fd, IPPROTO_TCP, TCP_KEEPIDLE),
    intervalSeconds: readInt(libc, fd, IPPROTO_TCP, TCP_KEEPINTVL),
    count: readInt(libc, fd, IPPROTO_TCP, TCP_KEEPCNT),
  };
}

function writeTimes(libc: Libc, fd: number, settings: KeepaliveSettings): void {
  writeInt(libc, fd, IPPROTO_TCP, TCP_KEEPINTVL, settings.intervalSeconds);
  writeInt(libc, fd, IPPROTO_TCP, TCP_KEEPCNT, settings.count);
  // Last: setting the idle time re-arms a running timer, which must find the other two.
  writeInt(libc, fd, IPPROTO_TCP, TCP_KEEPIDLE, settings.idleSeconds);
}
