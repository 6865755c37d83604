/** The `Kernel` of Linux: options and structures over the C library, one quirk one comment. */
import type { CapabilityName } from '../../core/capabilities.js';
import type { Endpoint } from '../../core/endpoint.js';
import type { KeepaliveSettings } from '../../core/mode.js';
import type { DropEngine } from '../../core/result.js';
import { KernelRefusal, type Kernel } from '../kernel.js';
import type { SocketDiag, TcpInfo } from '../socket-view.js';
import type { Libc } from './libc.js';
import { descriptorLimit, openDescriptors, setSysctl, tcpSysctls, ticksPerSecond } from './proc.js';
import {
  decodeSocketReply,
  encodeSocketRequest,
  SOCK_DESTROY,
  SOCK_DIAG_BY_FAMILY,
} from './sock-diag.js';
import { DROP_ALL, dropShare, filterProgram, PASS_ALL } from './socket-filter.js';
import { decodeTcpInfo, TCP_INFO_BYTES } from './tcp-info.js';

const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const SOCK_STREAM = 1;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_SOCK_DIAG = 4;

const SOL_SOCKET = 1;
const SO_KEEPALIVE = 9;
const SO_ATTACH_FILTER = 26;
const SO_DETACH_FILTER = 27;
const SO_DOMAIN = 39;
const SO_MEMINFO = 55;
/** Index of SK_MEMINFO_DROPS in SO_MEMINFO's array of u32, linux/sock_diag.h. */
const SK_MEMINFO_DROPS = 8;

const IPPROTO_IP = 0;
const IP_MINTTL = 21;
const IPPROTO_IPV6 = 41;
const IPV6_MINHOPCOUNT = 73;
/** Loopback and every router in between send less; only a neighbour that means to sends 255. */
const LARGEST_TTL = 255;

const IPPROTO_TCP = 6;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const TCP_INFO = 11;
const TCP_USER_TIMEOUT = 18;
/** From Linux 6.15 on. */
const TCP_RTO_MAX_MS = 44;

const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP = 1;
/** `struct ifreq`: 16 bytes of name, then a union of 24. */
const IFREQ_BYTES = 40;

/** `struct sockaddr_in`: the family in the host's order, port 0, 127.0.0.1. */
const LOOPBACK_ANY_PORT = Buffer.from([AF_INET, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);

const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;
const RLIMIT_NOFILE = 7;
const PIDFD_OPEN = 434;
const PIDFD_GETFD = 438;
const CLOSE_RANGE = 436;
const EINVAL = 22;

export class LinuxKernel implements Kernel {
  readonly capabilities: Kernel['capabilities'];
  readonly #libc: Libc;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.capabilities = this.#tryCapabilities();
  }

  setKeepalive(fd: number, settings: KeepaliveSettings | 'system'): KeepaliveSettings {
    this.#setInt(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    if (settings !== 'system') {
      this.#setInt(fd, IPPROTO_TCP, TCP_KEEPINTVL, settings.intervalSeconds);
      this.#setInt(fd, IPPROTO_TCP, TCP_KEEPCNT, settings.count);
      // Last: setting the idle time re-arms a running timer, which must find the other two.
      this.#setInt(fd, IPPROTO_TCP, TCP_KEEPIDLE, settings.idleSeconds);
    }
    const actual = {
      idleSeconds: this.#int(fd, IPPROTO_TCP, TCP_KEEPIDLE),
      intervalSeconds: this.#int(fd, IPPROTO_TCP, TCP_KEEPINTVL),
      count: this.#int(fd, IPPROTO_TCP, TCP_KEEPCNT),
    };
    const taken =
      this.#int(fd, SOL_SOCKET, SO_KEEPALIVE) !== 0 &&
      (settings === 'system' ||
        (actual.idleSeconds === settings.idleSeconds &&
          actual.intervalSeconds === settings.intervalSeconds &&
          actual.count === settings.count));
    if (!taken) throw new KernelRefusal('keepalive read back differently', EINVAL);
    return actual;
  }

  setUserTimeout(fd: number, timeoutMs: number): number {
    return this.#setAndReadBack(fd, TCP_USER_TIMEOUT, timeoutMs, 'TCP_USER_TIMEOUT');
  }

  setRtoMax(fd: number, rtoMaxMs: number): number {
    return this.#setAndReadBack(fd, TCP_RTO_MAX_MS, rtoMaxMs, 'TCP_RTO_MAX_MS');
  }

  tcpInfo(fd: number): TcpInfo | undefined {
    const bytes = this.#libc.getsockopt(fd, IPPROTO_TCP, TCP_INFO, TCP_INFO_BYTES);
    return bytes === undefined ? undefined : decodeTcpInfo(bytes);
  }

  drops(fd: number): number {
    const bytes = this.#libc.getsockopt(fd, SOL_SOCKET, SO_MEMINFO, 64);
    const at = SK_MEMINFO_DROPS * 4;
    return bytes === undefined || bytes.length < at + 4 ? 0 : bytes.readUInt32LE(at);
  }

  socketDiag(local: Endpoint, remote: Endpoint): SocketDiag | undefined {
    const reply = this.#askSockDiag(encodeSocketRequest(SOCK_DIAG_BY_FAMILY, local, remote));
    // Where the connection is gone the kernel answers with the listener that would take it.
    return 'errno' in reply || reply.state === 'LISTEN' ? undefined : reply;
  }

  cut(fd: number, engine: DropEngine): void {
    if (engine === 'socket-filter') this.#attach(fd, DROP_ALL);
    else this.#setMinTtl(fd, LARGEST_TTL);
  }

  heal(fd: number, engine: DropEngine): void {
    if (engine === 'socket-filter') this.#setInt(fd, SOL_SOCKET, SO_DETACH_FILTER, 0);
    else this.#setMinTtl(fd, 0);
  }

  lose(fd: number, share: number): void {
    this.#attach(fd, dropShare(share));
  }

  dieWithParent(): void {
    this.#libc.prctl(PR_SET_PDEATHSIG, SIGKILL);
  }

  bringLoopbackUp(): void {
    const fd = this.#libc.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    try {
      const request = Buffer.alloc(IFREQ_BYTES);
      request.write('lo', 'latin1');
      this.#libc.ioctl(fd, SIOCGIFFLAGS, request);
      request.writeInt16LE(request.readInt16LE(16) | IFF_UP, 16);
      this.#libc.ioctl(fd, SIOCSIFFLAGS, request);
    } finally {
      this.#libc.close(fd);
    }
  }

  limitDescriptors(limit: number): void {
    this.#libc.setrlimit(RLIMIT_NOFILE, limit, limit);
    // The limit is on a descriptor's number: one inherited from further up would be counted beside it.
    works(() => this.#libc.syscall('close_range', CLOSE_RANGE, limit, 0xffff_ffff, 0));
  }

  descriptorLimit(): number | undefined {
    return descriptorLimit();
  }

  openDescriptors(pid: number): number | undefined {
    return openDescriptors(pid);
  }

  tcpSysctls(): ReadonlyMap<string, string> {
    return tcpSysctls();
  }

  setSysctl(name: string, value: string): boolean {
    return setSysctl(name, value);
  }

  ticksPerSecond(): number | undefined {
    return ticksPerSecond();
  }

  /** Tries each on a throw-away socket that is not connected to anything. */
  #tryCapabilities(): Kernel['capabilities'] {
    const fd = this.#libc.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    try {
      const attempts: Readonly<Record<Exclude<CapabilityName, 'namespace'>, () => unknown>> = {
        socketFilter: () => {
          this.#attach(fd, PASS_ALL);
          this.heal(fd, 'socket-filter');
        },
        minTtl: () => this.#setMinTtl(fd, LARGEST_TTL),
        tcpInfo: () => this.tcpInfo(fd) ?? refuse(),
        keepaliveTuning: () =>
          this.setKeepalive(fd, { idleSeconds: 60, intervalSeconds: 10, count: 6 }),
        userTimeout: () => this.setUserTimeout(fd, 60_000),
        rtoMax: () => this.setRtoMax(fd, 60_000),
        sockDiag: () => this.#listenerDiag(fd, SOCK_DIAG_BY_FAMILY),
        sockDestroy: () => this.#listenerDiag(fd, SOCK_DESTROY),
        pidfd: () => this.#duplicateOwn(fd),
      };
      const results = Object.entries(attempts).map(([name, attempt]) => [name, works(attempt)]);
      return Object.fromEntries(results) as Kernel['capabilities'];
    } finally {
      this.#libc.close(fd);
    }
  }

  /** Asks sock_diag about our own socket, made a loopback listener on a port the kernel picks. */
  #listenerDiag(fd: number, type: number): void {
    if (this.#libc.localAddress(fd).readUInt16BE(2) === 0) {
      this.#libc.bind(fd, LOOPBACK_ANY_PORT);
      this.#libc.listen(fd);
    }
    const name = this.#libc.localAddress(fd);
    const nobody = { address: '0.0.0.0', port: 0 };
    const local = { address: '127.0.0.1', port: name.readUInt16BE(2) };
    const reply = this.#askSockDiag(encodeSocketRequest(type, local, nobody));
    if ('errno' in reply && reply.errno !== 0) throw new KernelRefusal('sock_diag', reply.errno);
  }

  #duplicateOwn(fd: number): void {
    const pidfd = this.#libc.syscall('pidfd_open', PIDFD_OPEN, process.pid, 0);
    try {
      this.#libc.close(this.#libc.syscall('pidfd_getfd', PIDFD_GETFD, pidfd, fd, 0));
    } finally {
      this.#libc.close(pidfd);
    }
  }

  #askSockDiag(request: Buffer): ReturnType<typeof decodeSocketReply> {
    const fd = this.#libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    try {
      this.#libc.send(fd, request);
      return decodeSocketReply(this.#libc.receive(fd, 8192));
    } finally {
      this.#libc.close(fd);
    }
  }

  #attach(fd: number, instructions: Buffer): void {
    const program = filterProgram(instructions, this.#libc.addressOf(instructions));
    this.#libc.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, program);
  }

  #setMinTtl(fd: number, ttl: number): void {
    if (this.#int(fd, SOL_SOCKET, SO_DOMAIN) === AF_INET6) {
      this.#setInt(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, ttl);
    }
    // Also on an IPv6 socket: it may carry a mapped IPv4 connection.
    this.#setInt(fd, IPPROTO_IP, IP_MINTTL, ttl);
  }

  #setAndReadBack(fd: number, option: number, value: number, name: string): number {
    this.#setInt(fd, IPPROTO_TCP, option, value);
    const actual = this.#int(fd, IPPROTO_TCP, option);
    if (actual !== value) throw new KernelRefusal(`${name} read back differently`, EINVAL);
    return actual;
  }

  #setInt(fd: number, level: number, option: number, value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    this.#libc.setsockopt(fd, level, option, bytes);
  }

  #int(fd: number, level: number, option: number): number {
    const bytes = this.#libc.getsockopt(fd, level, option, 4);
    if (bytes === undefined || bytes.length < 4) {
      throw new KernelRefusal(`getsockopt(${level}, ${option})`, EINVAL);
    }
    return bytes.readInt32LE(0);
  }
}

function works(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch (error) {
    if (error instanceof KernelRefusal) return false;
    throw error;
  }
}

function refuse(): never {
  throw new KernelRefusal('TCP_INFO', EINVAL);
}
