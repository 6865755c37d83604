/** Unix datagrams (unix(7)): what systemd's protocol is made of, and Node does not have. */
import { KernelRefusal } from '../kernel.js';
import type { Datagram, Datagrams } from '../process-view.js';
import type { Libc } from './libc.js';
import { SOL_SOCKET } from './socket-options.js';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SO_PASSCRED = 16;
const SCM_CREDENTIALS = 2;
const MSG_TRUNC = 0x20;

const F_SETFL = 4;
const F_SETOWN = 8;
const F_SETSIG = 10;
const O_ASYNC = 0o20000;
/** Of all that can be had, nobody dies of it who does not listen (signal(7)). */
const SIGURG = 23;

/** sun_path, with its end where it is a path. */
const PATH_BYTES = 108;
const ENAMETOOLONG = 36;

/** NOTIFY_BUFFER_MAX of systemd: PIPE_BUF. */
const ROOM_BYTES = 4096;
const MSGHDR_BYTES = 56;
/** A `struct cmsghdr` of 16 bytes, a `struct ucred` of 12, and what aligns them. */
const CONTROL_BYTES = 32;

/** @throws KernelRefusal */
export function receiveDatagrams(libc: Libc, path: string): Datagrams {
  const address = unixAddress(path);
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  try {
    const on = Buffer.alloc(4);
    on.writeInt32LE(1);
    libc.setsockopt(fd, SOL_SOCKET, SO_PASSCRED, on);
    libc.fcntl(fd, F_SETOWN, process.pid);
    libc.fcntl(fd, F_SETSIG, SIGURG);
    libc.fcntl(fd, F_SETFL, O_ASYNC | SOCK_NONBLOCK);
    libc.bind(fd, address);
  } catch (error) {
    libc.close(fd);
    throw error;
  }
  const message = new Message(libc);
  let isOpen = true;
  return {
    receive: () => (isOpen ? message.receive(fd) : undefined),
    close() {
      if (isOpen) libc.close(fd);
      isOpen = false;
    },
  };
}

/** @throws KernelRefusal */
export function sendDatagram(libc: Libc, path: string, message: Uint8Array): void {
  const address = unixAddress(path);
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  try {
    libc.sendTo(fd, message, address);
  } finally {
    libc.close(fd);
  }
}

/** `struct sockaddr_un`; `@` in front stands for the zero byte of an abstract address. @throws KernelRefusal */
function unixAddress(path: string): Buffer {
  const isAbstract = path.startsWith('@');
  const name = Buffer.from(isAbstract ? `\0${path.slice(1)}` : `${path}\0`);
  if (name.length > PATH_BYTES) throw new KernelRefusal(`bind ${path}`, ENAMETOOLONG);
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  return Buffer.concat([family, name]);
}

/** A `struct msghdr` with what it points to, used again for each message. */
class Message {
  readonly #libc: Libc;
  readonly #room = Buffer.alloc(ROOM_BYTES);
  /**
   * For the credentials and nothing else: the kernel writes them first, and descriptors that are
   * sent along, for which there is no room, it closes (scm_recv and scm_detach_fds, net/core/scm.c).
   */
  readonly #control = Buffer.alloc(CONTROL_BYTES);
  readonly #vector = Buffer.alloc(16);
  readonly #header = Buffer.alloc(MSGHDR_BYTES);

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#vector.writeBigUInt64LE(libc.addressOf(this.#room), 0);
    this.#vector.writeBigUInt64LE(BigInt(ROOM_BYTES), 8);
    this.#header.writeBigUInt64LE(libc.addressOf(this.#vector), 16);
    this.#header.writeBigUInt64LE(1n, 24);
    this.#header.writeBigUInt64LE(libc.addressOf(this.#control), 32);
  }

  receive(fd: number): Datagram | undefined {
    this.#control.fill(0);
    this.#header.writeBigUInt64LE(BigInt(CONTROL_BYTES), 40);
    const length = this.#libc.receiveMessage(fd, this.#header);
    if (length === undefined) return undefined;
    const isLonger = (this.#header.readInt32LE(48) & MSG_TRUNC) !== 0;
    return {
      bytes: isLonger ? undefined : Buffer.from(this.#room.subarray(0, length)),
      pid: senderOf(this.#control),
    };
  }
}

/** 0: the kernel does not say. */
function senderOf(control: Buffer): number {
  const isCredentials =
    control.readInt32LE(8) === SOL_SOCKET && control.readInt32LE(12) === SCM_CREDENTIALS;
  return isCredentials ? control.readInt32LE(16) : 0;
}
