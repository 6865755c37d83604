/**
 * The C library through koffi: the only file that knows it. Sizes and structures are the callers'.
 * Everything here but `receiveMany` is synchronous and takes microseconds; nothing may block.
 */
import { createRequire } from 'node:module';
import type koffiModule from 'koffi';
import type { LibraryHandle } from 'koffi';
import { KernelRefusal } from '../kernel.js';

export interface Libc {
  getsockopt(fd: number, level: number, option: number, room: number): Buffer | undefined;
  /** An option that is one int; without allocating, for tens of thousands. */
  getInt(fd: number, level: number, option: number): number | undefined;
  /** @throws KernelRefusal */
  setsockopt(fd: number, level: number, option: number, value: Buffer): void;
  /** @throws KernelRefusal; `room` is filled by the kernel. */
  ioctl(fd: number, request: number, room: Buffer): void;
  /** @throws KernelRefusal */
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Buffer): void;
  listen(fd: number): void;
  /** getsockname: a `struct sockaddr`. */
  localAddress(fd: number): Buffer;
  send(fd: number, message: Buffer): void;
  /** Without waiting for room: how many bytes there was room for. @throws KernelRefusal */
  sendNow(fd: number, bytes: Uint8Array): number;
  /** Without a connection, and without waiting for room. @throws KernelRefusal */
  sendTo(fd: number, message: Uint8Array, address: Buffer): void;
  /** One message, in `room`. For sockets whose answer is already there, such as netlink's. */
  receive(fd: number, room: Buffer): Buffer;
  /** recvmsg(2) into a `struct msghdr`, without waiting; undefined: nothing is there. @throws KernelRefusal */
  receiveMessage(fd: number, header: Buffer): number | undefined;
  /**
   * recvmmsg(2) into an array of `struct mmsghdr`, by another thread, without waiting for what has not come.
   * @returns how many messages came; 0: none, or it failed
   */
  receiveMany(fd: number, headers: Buffer, count: number): Promise<number>;
  /** @throws KernelRefusal */
  fcntl(fd: number, command: number, value: number): number;
  /** Whether a read would not wait; of a pidfd: whether its process has ended. */
  isReadable(fd: number): boolean;
  close(fd: number): void;
  /** Of a link in an open folder, into `room`; how many bytes it has, 0: no such link. */
  readlinkAt(folder: number, name: string, room: Buffer): number;
  /** A raw system call with up to four integers or addresses. @throws KernelRefusal */
  syscall(name: string, number: number, ...args: readonly (number | bigint)[]): number;
  prctl(option: number, value: number): void;
  /** The status of a child that has ended, which is gone then (waitpid(2)); undefined: it has not, or is none. */
  reap(pid: number): number | undefined;
  /** Of the calling thread. @throws KernelRefusal */
  setns(fd: number, kind: number): void;
  setrlimit(resource: number, soft: number, hard: number): void;
  /** The soft limit. @throws KernelRefusal */
  getrlimit(resource: number): number;
  /** Of a clock, in nanoseconds (clock_getres(2)). @throws KernelRefusal */
  resolutionOf(clock: number): number;
  addressOf(bytes: Buffer): bigint;
  /** A file where the kernel has it, for as long as this process runs; undefined where it takes reading. */
  mapped(fd: number, bytes: number): Buffer | undefined;
  /** Asks for large pages, of which there are few to clear and to give back; what comes of it is not told. */
  wantLargePages(bytes: Buffer): void;
}

/** Undefined where koffi is not installed or has no build for this machine. */
export function loadLibc(): Libc | undefined {
  const koffi = tryKoffi();
  return koffi === undefined ? undefined : libcThrough(koffi);
}

/** Node's loader of ES modules would take 5 ms more. */
function tryKoffi(): typeof koffiModule | undefined {
  try {
    return createRequire(import.meta.url)('koffi') as typeof koffiModule;
  } catch {
    return undefined;
  }
}

function libcThrough(koffi: typeof koffiModule): Libc {
  // The running program itself: Node links the C library dynamically, whichever it is.
  const self = koffi.load(null);
  const c = {
    getsockopt: self.func('int getsockopt(int, int, int, void*, void*)'),
    setsockopt: self.func('int setsockopt(int, int, int, void*, uint32_t)'),
    ioctl: self.func('int ioctl(int, unsigned long, void*)'),
    socket: self.func('int socket(int, int, int)'),
    bind: self.func('int bind(int, void*, uint32_t)'),
    listen: self.func('int listen(int, int)'),
    getsockname: self.func('int getsockname(int, void*, void*)'),
    send: self.func('long send(int, void*, size_t, int)'),
    sendto: self.func('long sendto(int, void*, size_t, int, void*, uint32_t)'),
    recv: self.func('long recv(int, void*, size_t, int)'),
    recvmsg: self.func('long recvmsg(int, void*, int)'),
    recvmmsg: self.func('int recvmmsg(int, void*, unsigned int, int, void*)'),
    fcntl: self.func('int fcntl(int, int, long)'),
    poll: self.func('int poll(void*, unsigned long, int)'),
    close: self.func('int close(int)'),
    readlinkat: self.func('long readlinkat(int, const char*, void*, size_t)'),
    syscall: self.func('long syscall(long, long, long, long, long)'),
    prctl: self.func('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)'),
    waitpid: self.func('int waitpid(int, void*, int)'),
    setrlimit: self.func('int setrlimit(int, void*)'),
    getrlimit: self.func('int getrlimit(int, void*)'),
    clock_getres: self.func('int clock_getres(int, void*)'),
    mmap: self.func('void* mmap(void*, size_t, int, int, int, long)'),
    madvise: self.func('int madvise(long, size_t, int)'),
    setns: self.func('int setns(int, int)'),
  };

  const int = Buffer.alloc(4);
  const intLength = Buffer.alloc(4);

  function call(name: string, native: NativeFunction, ...args: readonly unknown[]): number {
    const result = Number(native(...args));
    if (result < 0) throw new KernelRefusal(name, koffi.errno());
    return result;
  }

  /** Of what has just been called. Undefined: it would have had to wait. */
  function unlessAgain(name: string, returned: unknown): number | undefined {
    const result = Number(returned);
    if (result >= 0) return result;
    const errno = koffi.errno();
    if (errno === EAGAIN) return undefined;
    throw new KernelRefusal(name, errno);
  }

  return {
    getsockopt(fd, level, option, room) {
      const value = Buffer.alloc(room);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(room);
      const failed = Number(c.getsockopt(fd, level, option, value, length)) < 0;
      return failed ? undefined : value.subarray(0, length.readUInt32LE());
    },
    getInt(fd, level, option) {
      intLength.writeUInt32LE(4);
      const failed = Number(c.getsockopt(fd, level, option, int, intLength)) < 0;
      return failed || intLength.readUInt32LE() < 4 ? undefined : int.readInt32LE();
    },
    setsockopt: (fd, level, option, value) =>
      void call(
        `setsockopt(${level}, ${option})`,
        c.setsockopt,
        fd,
        level,
        option,
        value,
        value.length,
      ),
    ioctl: (fd, request, room) => void call('ioctl', c.ioctl, fd, request, room),
    socket: (domain, type, protocol) => call('socket', c.socket, domain, type, protocol),
    bind: (fd, address) => void call('bind', c.bind, fd, address, address.length),
    listen: (fd) => void call('listen', c.listen, fd, 1),
    localAddress(fd) {
      const address = Buffer.alloc(SOCKADDR_BYTES);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(SOCKADDR_BYTES);
      call('getsockname', c.getsockname, fd, address, length);
      return address.subarray(0, length.readUInt32LE());
    },
    send: (fd, message) => void call('send', c.send, fd, message, message.length, 0),
    sendNow: (fd, bytes) =>
      unlessAgain('send', c.send(fd, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL)) ?? 0,
    sendTo: (fd, message, address) =>
      void call(
        'sendto',
        c.sendto,
        fd,
        message,
        message.length,
        MSG_DONTWAIT | MSG_NOSIGNAL,
        address,
        address.length,
      ),
    receive: (fd, room) =>
      room.subarray(0, call('recv', c.recv, fd, room, room.length, MSG_DONTWAIT)),
    receiveMessage: (fd, header) =>
      unlessAgain('recvmsg', c.recvmsg(fd, header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)),
    receiveMany: (fd, headers, count) =>
      new Promise((resolve) => {
        c.recvmmsg.async(fd, headers, count, MSG_DONTWAIT, null, (error: unknown, come: number) =>
          resolve(error === null ? Math.max(0, come) : 0),
        );
      }),
    fcntl: (fd, command, value) => call('fcntl', c.fcntl, fd, command, value),
    isReadable(fd) {
      const asked = Buffer.alloc(8);
      asked.writeInt32LE(fd, 0);
      asked.writeInt16LE(POLLIN, 4);
      return call('poll', c.poll, asked, 1, 0) > 0;
    },
    close: (fd) => void call('close', c.close, fd),
    readlinkAt: (folder, name, room) =>
      Math.max(0, Number(c.readlinkat(folder, name, room, room.length))),
    syscall(name, number, ...args) {
      const [a = 0, b = 0, d = 0, e = 0] = args;
      return call(name, c.syscall, number, a, b, d, e);
    },
    prctl: (option, value) => void call('prctl', c.prctl, option, value, 0, 0, 0),
    reap(pid) {
      const status = Buffer.alloc(4);
      return Number(c.waitpid(pid, status, WNOHANG)) === pid ? status.readInt32LE() : undefined;
    },
    setns: (fd, kind) => void call('setns', c.setns, fd, kind),
    setrlimit(resource, soft, hard) {
      const limits = Buffer.alloc(RLIMIT_BYTES);
      limits.writeBigUInt64LE(BigInt(soft), 0);
      limits.writeBigUInt64LE(BigInt(hard), 8);
      call('setrlimit', c.setrlimit, resource, limits);
    },
    getrlimit(resource) {
      const limits = Buffer.alloc(RLIMIT_BYTES);
      call('getrlimit', c.getrlimit, resource, limits);
      return Number(limits.readBigUInt64LE(0));
    },
    resolutionOf(clock) {
      const resolution = Buffer.alloc(TIMESPEC_BYTES);
      call('clock_getres', c.clock_getres, clock, resolution);
      return Number(resolution.readBigInt64LE(0)) * 1e9 + Number(resolution.readBigInt64LE(8));
    },
    addressOf: (bytes) => koffi.address(bytes),
    mapped(fd, bytes) {
      const at = c.mmap(null, bytes, PROT_READ, MAP_PRIVATE, fd, 0) as bigint;
      return BigInt.asIntN(64, at) === MAP_FAILED ? undefined : Buffer.from(koffi.view(at, bytes));
    },
    wantLargePages(bytes) {
      const from = koffi.address(bytes);
      const page = (from + PAGE_BYTES - 1n) & -PAGE_BYTES;
      const rest = bytes.length - Number(page - from);
      if (rest > 0) c.madvise(page, rest, MADV_HUGEPAGE);
    },
  };
}

type NativeFunction = ReturnType<LibraryHandle['func']>;

/** Room for `struct sockaddr_in6`. */
const SOCKADDR_BYTES = 28;
/** `struct rlimit`: the soft one, then the hard one. */
const RLIMIT_BYTES = 16;
/** `struct timespec`: seconds, then nanoseconds. */
const TIMESPEC_BYTES = 16;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
const EAGAIN = 11;
const POLLIN = 1;
const WNOHANG = 1;
const PROT_READ = 1;
const MAP_PRIVATE = 2;
const MAP_FAILED = -1n;
const MADV_HUGEPAGE = 14;
/** The largest that a kernel has: a multiple of the others. */
const PAGE_BYTES = 65_536n;
