/** Node alone: heartbeats and idle timeouts work everywhere; whatever needs the kernel is refused. */
import { TcpaliveError } from '../errors.js';
import type { Kernel } from './kernel.js';

export const portableKernel: Kernel = {
  capabilities: {
    socketFilter: false,
    minTtl: false,
    tcpInfo: false,
    keepaliveTuning: false,
    userTimeout: false,
    rtoMax: false,
    sockDiag: false,
    sockDestroy: false,
    pidfd: false,
  },
  setKeepalive: () => refuse('keepalive times'),
  setUserTimeout: () => refuse('a user timeout'),
  setRtoMax: () => refuse('a longest retransmission pause'),
  delayAcknowledgements: () => refuse('a delayed acknowledgement'),
  tcpInfo: () => undefined,
  drops: () => 0,
  socketDiag: () => undefined,
  tcpSockets: () => refuse("the kernel's table of sockets"),
  comingTcpSockets: () => refuse("the kernel's table of sockets"),
  destroy: () => refuse('ending a connection from outside'),
  cut: () => refuse('a silent drop'),
  heal: () => refuse('a silent drop'),
  lose: () => refuse('random loss'),
  dieWithParent: () => undefined,
  bringLoopbackUp: () => undefined,
  limitDescriptors: () => refuse('a descriptor limit'),
  descriptorLimit: () => undefined,
  openDescriptors: () => undefined,
  processIds: () => [],
  processFacts: () => undefined,
  heldSockets: () => ({ numbers: new Uint32Array(), hidden: 0 }),
  eachSocket: () => false,
  withProcess: () => refuse("another process's socket"),
  kinOf: () => undefined,
  variableOf: () => undefined,
  holdProcess: () => undefined,
  adoptOrphans: () => refuse('the adoption of orphans'),
  children: () => [],
  reap: () => undefined,
  receiveDatagrams: () => refuse('a datagram socket'),
  sendDatagram: () => refuse('a datagram socket'),
  cookie: () => undefined,
  optionsOf: () => refuse("a socket's options"),
  optionValues: () => refuse("a socket's options"),
  setOptionValues: () => refuse("a socket's options"),
  networkNamespace: () => undefined,
  namedNetworkNamespaces: () => new Map(),
  inNetworkNamespace: () => refuse('another network namespace'),
  tcpSysctls: () => new Map(),
  setSysctl: () => false,
  ticksPerSecond: () => undefined,
};

function refuse(what: string): never {
  throw new TcpaliveError('NO_CAPABILITY', `${what} cannot be had here: it needs Linux and koffi`, {
    hint: 'heartbeat and idle-timeout work everywhere; tcpalive doctor lists what this machine can do',
  });
}
