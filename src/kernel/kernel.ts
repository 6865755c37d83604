/**
 * All that tcpalive asks of an operating system, on one screen. Descriptors are plain numbers;
 * whoever asks owns them. Every option that is set is read back by the implementation, and a
 * refusal is a `KernelRefusal`, never a silent no-op.
 */
import { getSystemErrorName } from 'node:util';
import type { Capabilities } from '../core/capabilities.js';
import type { Endpoint } from '../core/endpoint.js';
import type { KeepaliveSettings } from '../core/mode.js';
import type { DropEngine } from '../core/result.js';
import type { HostSocket, SocketOptions } from '../core/socket.js';
import type { VanishEngine } from '../core/vanish-log.js';
import type { Datagrams, HeldProcess, Kin, ProcessEnd } from './process-view.js';
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
} from './socket-view.js';

export interface Kernel {
  /** Everything but `namespace`, which takes a process to try: see `canUnshare`. */
  readonly capabilities: Omit<Capabilities, 'namespace'>;

  /** Turns keepalive on, with the host's own times for `system`. Returns what the kernel then says. */
  setKeepalive(fd: number, settings: KeepaliveSettings | 'system'): KeepaliveSettings;
  /** TCP_USER_TIMEOUT. Returns what the kernel then says, in milliseconds. */
  setUserTimeout(fd: number, timeoutMs: number): number;
  /** TCP_RTO_MAX_MS. Returns what the kernel then says, in milliseconds. */
  setRtoMax(fd: number, rtoMaxMs: number): number;

  /** What arrives next is acknowledged tens of milliseconds later, or with data (TCP_QUICKACK, tcp(7)). */
  delayAcknowledgements(fd: number): void;

  /** Undefined once the descriptor is no TCP socket any more. */
  tcpInfo(fd: number): TcpInfo | undefined;
  /** Segments that this socket's filter or minimum TTL has swallowed (SK_MEMINFO_DROPS). */
  drops(fd: number): number;
  /** The sock_diag entry of one connection, by its addresses; undefined when it is gone. */
  socketDiag(local: Endpoint, remote: Endpoint, interfaceIndex?: number): HostSocket | undefined;
  /** Every TCP socket of this network namespace, IPv4 and IPv6. @throws KernelRefusal */
  tcpSockets(): SocketTable;
  /** The same, read from now on. @throws KernelRefusal also on the way */
  comingTcpSockets(): ComingTable;
  /**
   * Of each of these connections of this network namespace, whether what is sent can leave this host.
   * @param askRouters has the kernel ask them, where it may, whether they are still there: look again
   */
  waysOut(connections: readonly RoutedConnection[], askRouters: boolean): readonly WayOut[];
  /** Ends a connection from outside, with an RST to both ends (SOCK_DESTROY). @throws KernelRefusal */
  destroy(
    socket: Pick<HostSocket, 'local' | 'peer' | 'interfaceIndex'> & { readonly cookie: string },
  ): void;

  /**
   * From now on everything that arrives for this socket is silently dropped, until `heal`; what the
   * engines of a vanishing let through is said with their names.
   */
  cut(fd: number, engine: DropEngine | VanishEngine): void;
  heal(fd: number, engine: DropEngine | VanishEngine): void;
  /** From now on that share (0 to 1) of what arrives is dropped at random; takes a socket filter. */
  lose(fd: number, share: number): void;

  /** The kernel kills this process as soon as its parent is gone (PR_SET_PDEATHSIG). */
  dieWithParent(): void;
  /** Brings the loopback interface of a fresh network namespace up. */
  bringLoopbackUp(): void;
  /** RLIMIT_NOFILE of this process, soft and hard; what is open beyond it is closed. */
  limitDescriptors(limit: number): void;
  /** Of this process, soft (RLIMIT_NOFILE); undefined where the system does not tell. */
  descriptorLimit(): number | undefined;
  /** How many descriptors a process of ours holds; undefined when it is gone. */
  openDescriptors(pid: number): number | undefined;

  processIds(): readonly number[];
  /** Undefined when it is gone. */
  processFacts(pid: number): ProcessFacts | undefined;
  /** The sockets of all processes. */
  heldSockets(): HeldSockets;
  /** Tells each socket that a process holds. @returns false when it is gone, or not ours to look at */
  eachSocket(pid: number, found: (inode: number, fd: number) => void): boolean;
  /**
   * Lets `work` borrow descriptors of another process, which stays the same one though its number
   * may be given away. @throws KernelRefusal, also `borrow`: it is gone or not ours
   */
  withProcess<T>(pid: number, work: (borrow: Borrow) => T): T;
  /** Who a process belongs to; undefined when it is gone, which one that waits to be reaped is not. */
  kinOf(pid: number): Kin | undefined;
  /** As it was when the program began; undefined where there is none, or it is not ours to look at. */
  variableOf(pid: number, name: string): string | undefined;
  /** Stays the same process though its number may be given away; undefined when it is gone. */
  holdProcess(pid: number): HeldProcess | undefined;
  /** Orphans among the descendants of this process become its children (PR_SET_CHILD_SUBREAPER). */
  adoptOrphans(adopt: boolean): void;
  /** Of this process, its own and those it has adopted, reaped or not. */
  children(): readonly number[];
  /** How a child ended, which is gone then. Undefined: it has not ended, or is none of ours. */
  reap(pid: number): ProcessEnd | undefined;

  /** A Unix datagram socket; SIGURG, which is ignored by default, says that something has come. @throws KernelRefusal */
  receiveDatagrams(path: string): Datagrams;
  /** Without waiting. @throws KernelRefusal: nobody listens there, or does not read */
  sendDatagram(path: string, message: Uint8Array): void;

  /** Another descriptor of the same, which is the caller's; undefined: none is left, or none can be had. */
  duplicate(fd: number): number | undefined;
  /**
   * To a stream socket, without waiting whatever its O_NONBLOCK says.
   * @returns how many bytes it took; 0: whoever is to read them does not. @throws KernelRefusal
   */
  sendNow(fd: number, bytes: Uint8Array): number;

  /** The kernel's own name for a socket, as in `HostSocket`: the same one, the same socket. */
  cookie(fd: number): string | undefined;
  /** Keepalive and user timeout in force. @throws KernelRefusal */
  optionsOf(fd: number): SocketOptions;
  /** All five, also those that are not in force: what it takes to put them back. @throws KernelRefusal */
  optionValues(fd: number): OptionValues;
  /** A running keepalive timer starts anew. @throws KernelRefusal, also when they read back differently */
  setOptionValues(fd: number, values: OptionValues): void;
  /** Of a process; undefined when it is gone or not ours to look at. */
  networkNamespace(pid: number): NetworkNamespace | undefined;
  /** Those with a name, by it (ip-netns(8)). */
  namedNetworkNamespaces(): ReadonlyMap<string, NetworkNamespace>;
  /** Comes back whatever happens. @throws KernelRefusal */
  inNetworkNamespace<T>(path: string, work: () => T): T;

  /** Everything under net.ipv4.tcp_* of this network namespace, by name. */
  tcpSysctls(): ReadonlyMap<string, string>;
  /** False when the kernel refuses: read-only, not in this namespace, or no right. */
  setSysctl(name: string, value: string): boolean;
  /** CONFIG_HZ; undefined where the system does not tell. */
  ticksPerSecond(): number | undefined;
}

/** The kernel said no. `errno` is its own number, `call` what was asked. */
export class KernelRefusal extends Error {
  override readonly name = 'KernelRefusal';
  /** As Node's errors have it: the name of `errno`. */
  readonly code: string;

  constructor(
    readonly call: string,
    readonly errno: number,
  ) {
    const code = getSystemErrorName(-errno);
    super(`${call}: ${code}`);
    this.code = code;
  }
}

/** Whether the kernel took it; whatever else goes wrong is thrown. */
export function isGranted(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch (error) {
    if (error instanceof KernelRefusal) return false;
    throw error;
  }
}
