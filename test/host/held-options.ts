import type { Endpoint } from '../../src/core/endpoint.js';
import { takeInventory } from '../../src/host/inventory.js';
import { reach } from '../../src/host/reach.js';
import { findTargets } from '../../src/host/targets.js';
import type { OptionValues } from '../../src/kernel/socket-view.js';
import { kernel } from '../real-kernel.js';

/** What a running process's socket has; with no peer: its listener. Undefined: it holds none such. */
export function optionsOf(pid: number, port: number, peer?: Endpoint): OptionValues | undefined {
  const targets = findTargets(kernel, { kind: 'pid', pid }, false);
  const wanted = takeInventory(kernel, targets).sockets.filter(
    ({ socket }) => socket.local.port === port && socket.peer.port === (peer?.port ?? 0),
  );
  const [outcome] = reach(kernel, wanted, (fd) => kernel.optionValues(fd)).values();
  return outcome?.kind === 'done' ? outcome.value : undefined;
}

/** As a new socket on this host has them. */
export function untouched(): OptionValues {
  const sysctls = kernel.tcpSysctls();
  return {
    keepalive: false,
    idleSeconds: Number(sysctls.get('tcp_keepalive_time')),
    intervalSeconds: Number(sysctls.get('tcp_keepalive_intvl')),
    count: Number(sysctls.get('tcp_keepalive_probes')),
    userTimeoutMs: 0,
  };
}
