/** What this kernel can do for us, with these rights: found by trying. */
import type { CapabilityName } from '../../core/capabilities.js';
import { isGranted, KernelRefusal, type Kernel } from '../kernel.js';
import { AF_INET } from './addresses.js';
import { tryFilter } from './drop.js';
import type { Libc } from './libc.js';
import { askSocket } from './netlink.js';
import { encodeSocketRequest, SOCK_DESTROY, SOCK_DIAG_BY_FAMILY } from './sock-diag.js';

const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;

const LOOPBACK = '127.0.0.1';
const ANY_ADDRESS = '0.0.0.0';

const EINVAL = 22;
const EADDRNOTAVAIL = 99;

/** Tries each on a throw-away socket that is not connected to anything. */
export function tryCapabilities(
  libc: Libc,
  kernel: Omit<Kernel, 'capabilities'>,
): Kernel['capabilities'] {
  const fd = libc.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  try {
    const attempts: Readonly<Record<Exclude<CapabilityName, 'namespace'>, () => unknown>> = {
      socketFilter: () => tryFilter(libc, fd),
      minTtl: () => kernel.cut(fd, 'min-ttl'),
      tcpInfo: () => kernel.tcpInfo(fd) ?? refuse(),
      keepaliveTuning: () =>
        kernel.setKeepalive(fd, { idleSeconds: 60, intervalSeconds: 10, count: 6 }),
      userTimeout: () => kernel.setUserTimeout(fd, 60_000),
      rtoMax: () => kernel.setRtoMax(fd, 60_000),
      sockDiag: () => listenerDiag(libc, fd, SOCK_DIAG_BY_FAMILY),
      sockDestroy: () => listenerDiag(libc, fd, SOCK_DESTROY),
      pidfd: () => kernel.withProcess(process.pid, (borrow) => borrow(fd, () => undefined)),
    };
    const results = Object.entries(attempts).map(([name, attempt]) => [name, isGranted(attempt)]);
    return Object.fromEntries(results) as Kernel['capabilities'];
  } finally {
    libc.close(fd);
  }
}

/** Asks sock_diag about our own socket, made a listener on a port the kernel picks. */
function listenerDiag(
  libc: Libc,
  fd: number,
  type: Parameters<typeof encodeSocketRequest>[0],
): void {
  if (libc.localAddress(fd).readUInt16BE(2) === 0) {
    bindAnywhere(libc, fd);
    libc.listen(fd);
  }
  const name = libc.localAddress(fd);
  const peer = { address: ANY_ADDRESS, port: 0 };
  const local = { address: [...name.subarray(4, 8)].join('.'), port: name.readUInt16BE(2) };
  const request = encodeSocketRequest(type, { local, peer, interfaceIndex: 0, cookie: null });
  const reply = askSocket(libc, request);
  if ('errno' in reply && reply.errno !== 0) throw new KernelRefusal('sock_diag', reply.errno);
}

/** To loopback; where somebody has taken its address away, to none. */
function bindAnywhere(libc: Libc, fd: number): void {
  try {
    libc.bind(fd, anyPortOf(LOOPBACK));
  } catch (error) {
    if (!(error instanceof KernelRefusal) || error.errno !== EADDRNOTAVAIL) throw error;
    libc.bind(fd, anyPortOf(ANY_ADDRESS));
  }
}

/** `struct sockaddr_in`: the family in the host's order, port 0, the address. */
function anyPortOf(address: string): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt8(AF_INET, 0);
  bytes.set(address.split('.').map(Number), 4);
  return bytes;
}

function refuse(): never {
  throw new KernelRefusal('TCP_INFO', EINVAL);
}
