/** The processes that `protect` is meant for. */
import { groupBy } from '../core/group-by.js';
import { everySocket } from '../core/idle-sockets.js';
import { isUnit } from '../core/selection.js';
import { unitOf } from '../core/unit.js';
import { TcpaliveError } from '../errors.js';
import type { Kernel } from '../kernel/kernel.js';
import type { ProcessFacts } from '../kernel/socket-view.js';

export type TargetChoice =
  | { readonly kind: 'pid'; readonly pid: number }
  /** Whoever holds a listener or connection with that local port, in this network namespace. */
  | { readonly kind: 'port'; readonly port: number }
  | { readonly kind: 'unit'; readonly unit: string };

export interface TargetProcess extends Pick<ProcessFacts, 'name' | 'startedAtTicks'> {
  readonly pid: number;
  readonly unit: string | null;
}

/**
 * @param tree with all their descendants
 * @throws TcpaliveError NO_TARGET where there is nobody, NO_CAPABILITY where who it is cannot be seen
 */
export function findTargets(
  kernel: Kernel,
  choice: TargetChoice,
  tree: boolean,
): readonly TargetProcess[] {
  const found = processesOf(kernel, chosenPids(kernel, choice), tree);
  if (found.length > 0) return found;
  switch (choice.kind) {
    case 'pid':
      throw whyNotProcess(kernel, choice.pid);
    case 'unit':
      throw new TcpaliveError('NO_TARGET', `no process runs in a unit '${choice.unit}'`, {
        hint: 'a systemd unit or container as tcpalive ls names it, such as nginx.service',
      });
    case 'port':
      throw whyNotPort(kernel, choice.port);
  }
}

/** Some time later: those that are left, whoever else is meant by now, and nobody is no failure. */
export function targetsAgain(
  kernel: Kernel,
  known: readonly TargetProcess[],
  choice: TargetChoice,
  tree: boolean,
): readonly TargetProcess[] {
  const left = known.filter(
    ({ pid, startedAtTicks }) => kernel.processFacts(pid)?.startedAtTicks === startedAtTicks,
  );
  const roots = left.map(({ pid }) => pid);
  // A process number may be another program's by now; a port or unit is what it is.
  if (choice.kind !== 'pid') roots.push(...chosenPids(kernel, choice));
  return processesOf(kernel, roots, tree);
}

function processesOf(
  kernel: Kernel,
  roots: readonly number[],
  tree: boolean,
): readonly TargetProcess[] {
  const pids = tree ? withDescendants(kernel, roots) : new Set(roots);
  return [...pids].flatMap((pid) => {
    const facts = kernel.processFacts(pid);
    if (facts === undefined || facts.isKernelThread) return [];
    const { name, startedAtTicks, cgroup } = facts;
    return [{ pid, name, startedAtTicks, unit: unitOf(cgroup) }];
  });
}

function chosenPids(kernel: Kernel, choice: TargetChoice): readonly number[] {
  switch (choice.kind) {
    case 'pid':
      return [choice.pid];
    case 'unit':
      return kernel.processIds().filter((pid) => {
        const facts = kernel.processFacts(pid);
        return facts !== undefined && isUnit(unitOf(facts.cgroup), choice.unit);
      });
    case 'port':
      return holdersOf(kernel, inodesOn(kernel, choice.port));
  }
}

/** Of local sockets on that port; 0 for those that no process holds. */
function inodesOn(kernel: Kernel, port: number): ReadonlySet<number> {
  const sockets = [...everySocket(kernel.tcpSockets())];
  return new Set(sockets.filter(({ local }) => local.port === port).map(({ inode }) => inode));
}

function holdersOf(kernel: Kernel, inodes: ReadonlySet<number>): readonly number[] {
  if (inodes.size === 0) return [];
  const holders = new Set<number>();
  for (const pid of kernel.processIds()) {
    kernel.eachSocket(pid, (inode) => {
      if (inodes.has(inode)) holders.add(pid);
    });
  }
  return [...holders];
}

function withDescendants(kernel: Kernel, roots: readonly number[]): ReadonlySet<number> {
  const children = groupBy(kernel.processIds(), (pid) => kernel.processFacts(pid)?.parentPid);
  const found = new Set(roots);
  // A set visits what is added to it on the way.
  for (const pid of found) children.get(pid)?.forEach((child) => found.add(child));
  return found;
}

function whyNotProcess(kernel: Kernel, pid: number): TcpaliveError {
  const facts = kernel.processFacts(pid);
  return facts?.isKernelThread === true
    ? new TcpaliveError(
        'NO_TARGET',
        `process ${pid} (${facts.name}) is a thread of the kernel: it holds no sockets that a program could lose`,
      )
    : new TcpaliveError('NO_TARGET', `there is no process ${pid}`, {
        hint: 'tcpalive ls shows who holds connections; --port and --unit find a program too',
      });
}

function whyNotPort(kernel: Kernel, port: number): TcpaliveError {
  const inodes = inodesOn(kernel, port);
  if (inodes.size === 0) {
    return new TcpaliveError('NO_TARGET', `no TCP socket here has the local port ${port}`, {
      hint: 'in another network namespace: give the process number, or look from inside with nsenter -n',
    });
  }
  return [...inodes].every((inode) => inode === 0)
    ? new TcpaliveError('NO_TARGET', `no process holds what is left on the local port ${port}`)
    : new TcpaliveError(
        'NO_CAPABILITY',
        `who holds the local port ${port} may not be looked into by this user`,
        { hint: OTHERS_HINT },
      );
}

export const OTHERS_HINT =
  'with sudo any process can be reached; without, those of the same user where the sysctl ' +
  'kernel.yama.ptrace_scope is 0; in a container with --cap-add SYS_PTRACE';
