/** A survey's connections by who holds them, or where they lead. */
import type { FateKind } from '../core/fate.js';
import { countByFate, type Connection, type ProcessSummary, type Survey } from '../core/survey.js';
import type { Grouping } from './survey-options.js';

export interface Group {
  /** `nginx[812]`, `nginx.service`, `192.0.2.7`, `443`, `to 5432`; `-` for what has none. */
  readonly name: string;
  /** That hold its connections; the one nearest its descriptor limit first. */
  readonly processes: readonly ProcessSummary[];
  readonly connections: number;
  readonly byFate: Readonly<Record<FateKind, number>>;
  /** Of those without a timer: asked, and without an answer. */
  readonly silent: number;
  /** `NamespaceSeen.id` of its connections and listeners, each once. */
  readonly namespaces: readonly string[];
}

/** From here on a process will soon have no descriptor left to accept with. */
export const NEAR_LIMIT = 0.9;

/** Of more than these only the worst are shown. */
export const GROUPS_SHOWN = 10;

/** The worst first: near a limit, then by what nobody will notice soon, then by size. */
export function groupsOf(survey: Survey, by: Grouping): readonly Group[] {
  const nameOf = namer(survey, by);
  const members = new Map<string, Connection[]>();
  const owners = new Map<string, Set<number>>();
  // A process that only listens has descriptors too.
  for (const process of by === 'process' || by === 'unit' ? survey.processes : []) {
    const name = by === 'process' ? processName(process) : (process.unit ?? NONE);
    members.set(name, []);
    addTo(owners, name, process.pid);
  }
  for (const connection of survey.connections) {
    const name = nameOf(connection);
    const others = members.get(name);
    if (others === undefined) members.set(name, [connection]);
    else others.push(connection);
    if (connection.process !== null) addTo(owners, name, connection.process.pid);
  }
  const processes = new Map(survey.processes.map((process) => [process.pid, process]));
  const listening = new Map<string, Set<string>>();
  for (const { process, unit, namespace } of survey.listeners) {
    const name = by === 'unit' ? (unit ?? NONE) : process === null ? NONE : processName(process);
    addTo(listening, name, namespace);
  }
  const groups = [...members].map(([name, connections]): Group => {
    const held = [...(owners.get(name) ?? [])].flatMap((pid) => processes.get(pid) ?? []);
    return {
      name,
      processes: held.toSorted((a, b) => descriptorUse(b) - descriptorUse(a)),
      connections: connections.length,
      byFate: countByFate(connections),
      silent: connections.filter(
        ({ fate, ask }) => fate.kind === 'forever' && ask.kind === 'silent',
      ).length,
      namespaces: [
        ...new Set([
          ...connections.map(({ namespace }) => namespace),
          ...(by === 'process' || by === 'unit' ? (listening.get(name) ?? []) : []),
        ]),
      ],
    };
  });
  return groups.toSorted(
    (a, b) =>
      Number(isNearLimit(b)) - Number(isNearLimit(a)) ||
      lingering(b) - lingering(a) ||
      b.connections - a.connections,
  );
}

export function processName({
  pid,
  name,
}: {
  readonly pid: number;
  readonly name: string;
}): string {
  return `${name}[${pid}]`;
}

/** The share of its descriptors that a process uses; 0 where it cannot be told. */
export function descriptorUse({ fds, fdLimit }: ProcessSummary): number {
  return fds === null || fdLimit === null ? 0 : fds / fdLimit;
}

/** Which end's port names the service: what is listened on, else the lower of the two. */
export function servicePort({
  listeners,
  processes,
}: Survey): (connection: Connection) => ServicePort {
  // What is listed of a process is more than the filters let through.
  const listened = new Set([
    ...listeners.map(({ local }) => local.port),
    ...processes.flatMap(({ ports }) => ports),
  ]);
  return ({ local, peer }) =>
    listened.has(local.port) || local.port <= peer.port
      ? { port: local.port, isLocal: true }
      : { port: peer.port, isLocal: false };
}

export interface ServicePort {
  readonly port: number;
  readonly isLocal: boolean;
}

const NONE = '-';

function namer(survey: Survey, by: Grouping): (connection: Connection) => string {
  switch (by) {
    case 'process':
      return ({ process }) => (process === null ? NONE : processName(process));
    case 'unit':
      return ({ unit }) => unit ?? NONE;
    case 'peer':
      return ({ peer }) => peer.address;
    case 'port': {
      const portOf = servicePort(survey);
      return (connection) => {
        const { port, isLocal } = portOf(connection);
        return isLocal ? `${port}` : `to ${port}`;
      };
    }
  }
}

function addTo<Member>(sets: Map<string, Set<Member>>, name: string, member: Member): void {
  const known = sets.get(name);
  if (known === undefined) sets.set(name, new Set([member]));
  else known.add(member);
}

function isNearLimit({ processes: [fullest] }: Group): boolean {
  return fullest !== undefined && descriptorUse(fullest) >= NEAR_LIMIT;
}

function lingering({ byFate }: Group): number {
  return byFate.forever + byFate.leaked + byFate.dying;
}
