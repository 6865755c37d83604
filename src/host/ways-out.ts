/**
 * Whether silence may be the peer's: what never left this host nobody can have answered. Each connection is
 * looked at in its own network namespace.
 */
import { groupBy } from '../core/group-by.js';
import type { Connection } from '../core/survey.js';
import { addMs, type Instant } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';
import { pause } from '../kernel/interruption.js';
import { KernelRefusal, type Kernel } from '../kernel/kernel.js';
import type { WayOut } from '../kernel/socket-view.js';
import { knownNamespaces } from './namespaces.js';

export type WaysOut = ReadonlyMap<Connection, WayOut>;

export function waysOut(
  kernel: Kernel,
  connections: readonly Connection[],
  askRouters = false,
): WaysOut {
  const ways = new Map<Connection, WayOut>();
  for (const [id, there] of groupBy(connections, ({ namespace }) => namespace)) {
    const found = inNamespace(kernel, id, there, askRouters);
    for (const [at, connection] of there.entries()) ways.set(connection, found[at] ?? UNKNOWN);
  }
  return ways;
}

/** The same, as soon as each router has been asked whether it is still there. */
export async function settledWaysOut(
  kernel: Kernel,
  connections: readonly Connection[],
  interruption: AbortSignal,
): Promise<WaysOut> {
  const ways = new Map(waysOut(kernel, connections, true));
  const until: Instant = addMs(monotonicNow(), LONGEST_UNSETTLED_MS);
  for (;;) {
    const unsettled = connections.filter((each) => ways.get(each)?.kind === 'unsettled');
    if (unsettled.length === 0 || interruption.aborted || monotonicNow() >= until) return ways;
    await pause(LOOK_AGAIN_MS, interruption);
    for (const [connection, way] of waysOut(kernel, unsettled)) ways.set(connection, way);
  }
}

/**
 * It is asked three times, a second apart; by us, or where we may not, by the kernel itself after
 * delay_first_probe_time, 5 s (arp(7)).
 */
const LONGEST_UNSETTLED_MS = 10_000;
const LOOK_AGAIN_MS = 250;

/** Why nothing can leave; undefined: something can, or will as soon as its router has answered. */
export function whyClosed(way: WayOut | undefined): string | undefined {
  return way?.kind === 'shut' && way.link === null ? way.reason : undefined;
}

/** Why nothing can be concluded from silence; undefined: what was sent in between has left. */
export function whyUnheard(
  before: WayOut | undefined,
  after: WayOut | undefined,
): string | undefined {
  // What waited for a router that did not answer may have been given up when it did again.
  for (const way of [before, after]) if (way?.kind === 'shut') return way.reason;
  if (after?.kind === 'unsettled') return 'its router has yet to answer';
  return after?.link === before?.link ? undefined : 'its way out was another one meanwhile';
}

function inNamespace(
  kernel: Kernel,
  id: string,
  connections: readonly Connection[],
  askRouters: boolean,
): readonly WayOut[] {
  const own = kernel.networkNamespace(process.pid);
  if (own === undefined || own.id === id) return kernel.waysOut(connections, askRouters);
  const path = pathOf(kernel, id, connections);
  if (path === undefined) return [];
  try {
    return kernel.inNetworkNamespace(path, () => kernel.waysOut(connections, askRouters));
  } catch (error) {
    if (error instanceof KernelRefusal) return [];
    throw error;
  }
}

/** Most often that of whoever holds them. */
function pathOf(kernel: Kernel, id: string, [first]: readonly Connection[]): string | undefined {
  const pid = first?.process?.pid;
  const held = pid === undefined ? undefined : kernel.networkNamespace(pid);
  if (held?.id === id) return held.path;
  return knownNamespaces(kernel).find((known) => known.id === id)?.path;
}

const UNKNOWN: WayOut = {
  kind: 'shut',
  link: null,
  reason: 'whether anything leaves its network namespace is not known',
};
