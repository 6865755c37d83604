/**
 * Sockets by system call, without an event loop: made at once, in whatever network namespace the
 * thread is in, and nobody reads them, answers for them or closes them when the kernel gives them up.
 */
import { isDeepStrictEqual } from 'node:util';
import koffi from 'koffi';
import { addressBytes, formatAddress } from '../../src/core/address.js';
import type { Endpoint } from '../../src/core/endpoint.js';
import type { Connection, Survey } from '../../src/core/survey.js';
import { SOON_MS } from '../real-kernel.js';
import { until } from '../until.js';
import type { Ends } from './watch.js';

const libc = koffi.load(null);
const c = {
  socket: libc.func('int socket(int, int, int)'),
  bind: libc.func('int bind(int, void*, uint32_t)'),
  listen: libc.func('int listen(int, int)'),
  connect: libc.func('int connect(int, void*, uint32_t)'),
  accept4: libc.func('int accept4(int, void*, void*, int)'),
  getsockname: libc.func('int getsockname(int, void*, void*)'),
  send: libc.func('long send(int, void*, size_t, int)'),
  shutdown: libc.func('int shutdown(int, int)'),
  close: libc.func('int close(int)'),
};

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
const SHUT_WR = 1;
const EAGAIN = 11;
const EINPROGRESS = 115;

export interface Listening {
  readonly fd: number;
  readonly at: Endpoint;
}

export interface Pair {
  /** The end that listened. */
  readonly accepted: number;
  readonly connected: number;
}

/** Owns every descriptor that it opens. */
export class Sockets {
  readonly #open = new Set<number>();

  listen(address = '127.0.0.1', backlog = 128): Listening {
    const fd = this.#socket(address);
    call('bind', c.bind, fd, ...sockaddr({ address, port: 0 }));
    call('listen', c.listen, fd, backlog);
    return { fd, at: localEnd(fd) };
  }

  /** The SYN is sent; @param prepare the socket, before it is. */
  connect(to: Endpoint, prepare: (fd: number) => void = () => undefined): number {
    const fd = this.#socket(to.address);
    prepare(fd);
    if (Number(c.connect(fd, ...sockaddr(to))) < 0 && koffi.errno() !== EINPROGRESS) {
      throw new Error(`connect: errno ${koffi.errno()}`);
    }
    return fd;
  }

  /** Undefined: nobody waits. */
  accept({ fd }: Listening): number | undefined {
    const accepted = Number(c.accept4(fd, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (accepted < 0) {
      if (koffi.errno() === EAGAIN) return undefined;
      throw new Error(`accept4: errno ${koffi.errno()}`);
    }
    this.#open.add(accepted);
    return accepted;
  }

  /** @param inside enters the namespace that it is to be in */
  async pair(
    inside: <T>(work: () => T) => T,
    listenOn = '127.0.0.1',
    connectTo: string = listenOn,
  ): Promise<Pair> {
    const { listener, connected } = inside(() => {
      const listening = this.listen(listenOn);
      const to = { ...listening.at, address: connectTo };
      return { listener: listening, connected: this.connect(to) };
    });
    const accepted = await until(() => this.accept(listener), SOON_MS);
    if (accepted === undefined) throw new Error('nobody came');
    this.close(listener.fd);
    return { accepted, connected };
  }

  /** @returns how many bytes the kernel took; 0: it has no room */
  send(fd: number, bytes = 64): number {
    const sent = Number(c.send(fd, Buffer.alloc(bytes), bytes, MSG_NOSIGNAL));
    if (sent < 0 && koffi.errno() !== EAGAIN) throw new Error(`send: errno ${koffi.errno()}`);
    return Math.max(0, sent);
  }

  /** Until the kernel takes no more. */
  fill(fd: number): void {
    while (this.send(fd, 65_536) > 0);
  }

  /** Says goodbye and holds it. */
  shutdown(fd: number): void {
    call('shutdown', c.shutdown, fd, SHUT_WR);
  }

  close(fd: number): void {
    if (this.#open.delete(fd)) call('close', c.close, fd);
  }

  closeAll(): void {
    for (const fd of [...this.#open]) this.close(fd);
  }

  #socket(address: string): number {
    const family = addressBytes(address)?.length === 16 ? AF_INET6 : AF_INET;
    const type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    const fd = call('socket', c.socket, family, type, 0);
    this.#open.add(fd);
    return fd;
  }
}

/** Of a connection, as whoever has `fd` sees it: one of them alone may be of others too. */
export function endsOf(fd: number, other: number): Ends {
  return { local: localEnd(fd), peer: localEnd(other) };
}

export function connectionsBetween({ connections }: Survey, ends: Ends): readonly Connection[] {
  return connections.filter(({ local, peer }) => isDeepStrictEqual({ local, peer }, ends));
}

export function localEnd(fd: number): Endpoint {
  const room = Buffer.alloc(28);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(room.length);
  call('getsockname', c.getsockname, fd, room, length);
  const isIpv6 = room.readUInt16LE(0) === AF_INET6;
  return {
    address: formatAddress(isIpv6 ? room.subarray(8, 24) : room.subarray(4, 8)),
    port: room.readUInt16BE(2),
  };
}

/** `struct sockaddr_in` or `sockaddr_in6`, and its length. */
function sockaddr({ address, port }: Endpoint): [Buffer, number] {
  const bytes = addressBytes(address);
  if (bytes === undefined) throw new RangeError(address);
  const isIpv6 = bytes.length === 16;
  const name = Buffer.alloc(isIpv6 ? 28 : 16);
  name.writeUInt16LE(isIpv6 ? AF_INET6 : AF_INET, 0);
  name.writeUInt16BE(port, 2);
  name.set(bytes, isIpv6 ? 8 : 4);
  return [name, name.length];
}

type NativeFunction = (...args: readonly unknown[]) => unknown;

function call(name: string, native: NativeFunction, ...args: readonly unknown[]): number {
  const result = Number(native(...args));
  if (result < 0) throw new Error(`${name}: errno ${koffi.errno()}`);
  return result;
}
