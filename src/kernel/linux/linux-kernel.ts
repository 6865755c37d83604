/** The `Kernel` of Linux: options and structures over the C library, one quirk one comment. */
import type { Endpoint } from '../../core/endpoint.js';
import type { KeepaliveSettings } from '../../core/mode.js';
import type { DropEngine } from '../../core/result.js';
import type { VanishEngine } from '../../core/vanish-log.js';
import { isGranted, KernelRefusal, type Kernel } from '../kernel.js';
import type { HostSocket, SocketOptions } from '../../core/socket.js';
import type { Datagrams, HeldProcess, Kin, ProcessEnd } from '../process-view.js';
import type {
  Borrow,
  ComingTable,
  HeldSockets,
  NetworkNamespace,
  OptionValues,
  ProcessFacts,
  RoutedConnection,
  SocketTable,
  TcpInfo,
  WayOut,
} from '../socket-view.js';
import { AF_INET } from './addresses.js';
import { tryCapabilities } from './capabilities.js';
import { beginTable } from './coming-table.js';
import { cut, heal, lose } from './drop.js';
import { readHeldSockets } from './held-sockets.js';
import { receiveDatagrams, sendDatagram } from './datagrams.js';
import { children, holdProcess, kinOf, reap, variableOf } from './family.js';
import type { Libc } from './libc.js';
import { openDescriptors, setSysctl, tcpSysctls } from './proc.js';
import { askSocket } from './netlink.js';
import {
  eachSocket,
  inNetworkNamespace,
  namedNetworkNamespaces,
  networkNamespace,
  processFacts,
  processIds,
  withProcess,
} from './processes.js';
import { encodeSocketRequest, SOCK_DESTROY, SOCK_DIAG_BY_FAMILY } from './sock-diag.js';
import {
  cookie,
  IPPROTO_TCP,
  optionsOf,
  optionValues,
  setAndReadBack,
  setKeepalive,
  setOptionValues,
  setUserTimeout,
  SOL_SOCKET,
  writeInt,
} from './socket-options.js';
import { keptTable } from './socket-table.js';
import { decodeTcpInfo, TCP_INFO_BYTES } from './tcp-info.js';
import { waysOut } from './ways-out.js';

const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;

const SO_MEMINFO = 55;
/** Index of SK_MEMINFO_DROPS in SO_MEMINFO's array of u32, linux/sock_diag.h. */
const SK_MEMINFO_DROPS = 8;

const TCP_INFO = 11;
const TCP_QUICKACK = 12;
/** From Linux 6.15 on. */
const TCP_RTO_MAX = { option: 44, name: 'TCP_RTO_MAX_MS' };

const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP = 1;
/** `struct ifreq`: 16 bytes of name, then a union of 24. */
const IFREQ_BYTES = 40;

const PR_SET_PDEATHSIG = 1;
const PR_SET_CHILD_SUBREAPER = 36;
const SIGKILL = 9;
const RLIMIT_NOFILE = 7;
/** It goes on by a tick at a time (KTIME_LOW_RES, linux/hrtimer.h). */
const CLOCK_MONOTONIC_COARSE = 6;
/** No Linux ticks faster; what only behaves like one may name a nanosecond. */
const HIGHEST_HZ = 1200;
const CLOSE_RANGE = 436;
const F_DUPFD_CLOEXEC = 1030;
const ENOENT = 2;

export class LinuxKernel implements Kernel {
  readonly capabilities: Kernel['capabilities'];
  readonly #libc: Libc;
  /** It was begun before the kernel was opened; the next is begun anew. */
  #coming: ComingTable | undefined;

  constructor(libc: Libc, coming?: ComingTable) {
    this.#libc = libc;
    this.#coming = coming;
    this.capabilities = tryCapabilities(libc, this);
  }

  setKeepalive(fd: number, settings: KeepaliveSettings | 'system'): KeepaliveSettings {
    return setKeepalive(this.#libc, fd, settings);
  }

  setUserTimeout(fd: number, timeoutMs: number): number {
    return setUserTimeout(this.#libc, fd, timeoutMs);
  }

  setRtoMax(fd: number, rtoMaxMs: number): number {
    return setAndReadBack(this.#libc, fd, TCP_RTO_MAX, rtoMaxMs);
  }

  delayAcknowledgements(fd: number): void {
    writeInt(this.#libc, fd, IPPROTO_TCP, TCP_QUICKACK, 0);
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

  socketDiag(local: Endpoint, remote: Endpoint, interfaceIndex = 0): HostSocket | undefined {
    const address = { local, peer: remote, interfaceIndex, cookie: null };
    const reply = askSocket(this.#libc, encodeSocketRequest(SOCK_DIAG_BY_FAMILY, address));
    if ('errno' in reply && reply.errno !== 0 && reply.errno !== ENOENT) {
      throw new KernelRefusal('sock_diag', reply.errno);
    }
    // Where the connection is gone the kernel answers with the listener that would take it.
    return 'errno' in reply || reply.state === 'LISTEN' ? undefined : reply;
  }

  tcpSockets(): SocketTable {
    return keptTable(this.#libc);
  }

  comingTcpSockets(): ComingTable {
    const begun = this.#coming;
    this.#coming = undefined;
    return begun ?? beginTable(this.#libc);
  }

  waysOut(connections: readonly RoutedConnection[], askRouters: boolean): readonly WayOut[] {
    return waysOut(this.#libc, connections, askRouters);
  }

  destroy(socket: Parameters<Kernel['destroy']>[0]): void {
    const reply = askSocket(this.#libc, encodeSocketRequest(SOCK_DESTROY, socket));
    if ('errno' in reply && reply.errno !== 0) throw new KernelRefusal('SOCK_DESTROY', reply.errno);
  }

  cut(fd: number, engine: DropEngine | VanishEngine): void {
    cut(this.#libc, fd, engine);
  }

  heal(fd: number, engine: DropEngine | VanishEngine): void {
    heal(this.#libc, fd, engine);
  }

  lose(fd: number, share: number): void {
    lose(this.#libc, fd, share);
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
    isGranted(() => this.#libc.syscall('close_range', CLOSE_RANGE, limit, 0xffff_ffff, 0));
  }

  descriptorLimit(): number | undefined {
    return this.#libc.getrlimit(RLIMIT_NOFILE);
  }

  openDescriptors(pid: number): number | undefined {
    return openDescriptors(pid);
  }

  processIds(): readonly number[] {
    return processIds();
  }

  processFacts(pid: number): ProcessFacts | undefined {
    return processFacts(pid);
  }

  heldSockets(): HeldSockets {
    return readHeldSockets(this.#libc);
  }

  eachSocket(pid: number, found: (inode: number, fd: number) => void): boolean {
    return eachSocket(this.#libc, pid, found);
  }

  withProcess<T>(pid: number, work: (borrow: Borrow) => T): T {
    return withProcess(this.#libc, pid, work);
  }

  kinOf(pid: number): Kin | undefined {
    return kinOf(pid);
  }

  variableOf(pid: number, name: string): string | undefined {
    return variableOf(pid, name);
  }

  holdProcess(pid: number): HeldProcess | undefined {
    return holdProcess(this.#libc, pid);
  }

  adoptOrphans(adopt: boolean): void {
    this.#libc.prctl(PR_SET_CHILD_SUBREAPER, adopt ? 1 : 0);
  }

  children(): readonly number[] {
    return children();
  }

  reap(pid: number): ProcessEnd | undefined {
    return reap(this.#libc, pid);
  }

  receiveDatagrams(path: string): Datagrams {
    return receiveDatagrams(this.#libc, path);
  }

  sendDatagram(path: string, message: Uint8Array): void {
    sendDatagram(this.#libc, path, message);
  }

  duplicate(fd: number): number | undefined {
    try {
      return this.#libc.fcntl(fd, F_DUPFD_CLOEXEC, 0);
    } catch (error) {
      if (error instanceof KernelRefusal) return undefined;
      throw error;
    }
  }

  sendNow(fd: number, bytes: Uint8Array): number {
    return this.#libc.sendNow(fd, bytes);
  }

  cookie(fd: number): string | undefined {
    return cookie(this.#libc, fd);
  }

  optionsOf(fd: number): SocketOptions {
    return optionsOf(this.#libc, fd);
  }

  optionValues(fd: number): OptionValues {
    return optionValues(this.#libc, fd);
  }

  setOptionValues(fd: number, values: OptionValues): void {
    setOptionValues(this.#libc, fd, values);
  }

  networkNamespace(pid: number): NetworkNamespace | undefined {
    return networkNamespace(pid);
  }

  namedNetworkNamespaces(): ReadonlyMap<string, NetworkNamespace> {
    return namedNetworkNamespaces();
  }

  inNetworkNamespace<T>(path: string, work: () => T): T {
    return inNetworkNamespace(this.#libc, path, work);
  }

  tcpSysctls(): ReadonlyMap<string, string> {
    return tcpSysctls();
  }

  setSysctl(name: string, value: string): boolean {
    return setSysctl(name, value);
  }

  ticksPerSecond(): number | undefined {
    const hz = Math.round(1e9 / this.#libc.resolutionOf(CLOCK_MONOTONIC_COARSE));
    return hz >= 1 && hz <= HIGHEST_HZ ? hz : undefined;
  }
}
