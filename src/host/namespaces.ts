/** Network namespaces: sock_diag sees one at a time. */
import type { NamespaceSeen } from '../core/survey.js';
import { TcpaliveError } from '../errors.js';
import { KernelRefusal, type Kernel } from '../kernel/kernel.js';
import type { NetworkNamespace } from '../kernel/socket-view.js';

/** As a person writes it: `all`, a process's number, a name of ip-netns(8), or a path. */
export type NamespaceChoice = string;

export interface KnownNamespace extends NetworkNamespace {
  readonly name: string;
}

/** Every one that a process or a name leads to; the one that we are in first. */
export function knownNamespaces(kernel: Kernel): readonly KnownNamespace[] {
  const known = new Map<string, KnownNamespace>();
  const add = (namespace: NetworkNamespace | undefined, name: string) => {
    if (namespace !== undefined && !known.has(namespace.id)) {
      known.set(namespace.id, { ...namespace, name });
    }
  };
  const initial = kernel.networkNamespace(1);
  const own = kernel.networkNamespace(process.pid);
  add(own, own?.id === initial?.id ? HOST : 'this');
  add(initial, HOST);
  for (const [name, namespace] of kernel.namedNetworkNamespaces()) add(namespace, name);
  for (const pid of kernel.processIds()) add(kernel.networkNamespace(pid), `process ${pid}'s`);
  return [...known.values()];
}

const HOST = 'host';

/** Others' that we may not look into: there may be more namespaces than we know of. */
export function processesOfUnknownNamespace(kernel: Kernel): number {
  const unknown = kernel
    .processIds()
    .filter((pid) => kernel.networkNamespace(pid) === undefined)
    // What has ended meanwhile is in none.
    .filter((pid) => kernel.processFacts(pid)?.isKernelThread === false);
  return unknown.length;
}

/** @throws TcpaliveError NO_TARGET where there is none of that name */
export function chosenNamespaces(
  kernel: Kernel,
  known: readonly KnownNamespace[],
  choice: NamespaceChoice | undefined,
): readonly KnownNamespace[] {
  if (choice === undefined) return known.slice(0, 1);
  if (choice === 'all') return known;
  const found = /^\d+$/.test(choice)
    ? kernel.networkNamespace(Number(choice))
    : choice.includes('/')
      ? namespaceAt(kernel, choice)
      : kernel.namedNetworkNamespaces().get(choice);
  if (found === undefined) throw noNamespace(choice);
  const named = known.find(({ id }) => id === found.id);
  return [named ?? { ...found, name: choice }];
}

/** Into another namespace there is no way, or not for us; what fails inside is another matter. */
export function isOfEntering({ call }: KernelRefusal): boolean {
  return call === 'setns' || call.startsWith('open ');
}

/** NO_CAPABILITY where it is there, and this user may not enter it. */
export function noNamespace(name: string, cause?: KernelRefusal): TcpaliveError {
  if (cause?.errno === EPERM || cause?.errno === EACCES) {
    return new TcpaliveError('NO_CAPABILITY', `this user may not look into '${name}'`, {
      hint: 'it takes root: sudo tcpalive ls --netns ...',
      cause,
    });
  }
  return new TcpaliveError('NO_TARGET', `no network namespace '${name}' that we may look into`, {
    hint: 'a process number, a name of ip netns list, a path such as /proc/1/ns/net, or all; for others it takes root',
    cause,
  });
}

const EPERM = 1;
const EACCES = 13;

/** What a path leads to is seen from inside alone. */
function namespaceAt(kernel: Kernel, path: string): NetworkNamespace | undefined {
  try {
    const inside = kernel.inNetworkNamespace(path, () => kernel.networkNamespace(process.pid));
    return inside === undefined ? undefined : { id: inside.id, path };
  } catch (error) {
    if (error instanceof KernelRefusal) throw noNamespace(path, error);
    throw error;
  }
}

export function namespacesSeen(
  known: readonly KnownNamespace[],
  shown: readonly KnownNamespace[],
): readonly NamespaceSeen[] {
  const ids = new Set(shown.map(({ id }) => id));
  const others = known.filter(({ id }) => !ids.has(id));
  return [
    ...shown.map(({ id, name }) => ({ id, name, shown: true })),
    ...others.map(({ id, name }) => ({ id, name, shown: false })),
  ];
}
