/**
 * What lingers on this host: the kernel's table of sockets, joined with who holds each, its options
 * and its fate. Nothing is changed; what could not be read is unknown, with its reason.
 */
import { fateReader, unansweredMs } from '../core/fate-model.js';
import { selects, selectsListener, type Selection } from '../core/selection.js';
import { isListener, unreadOptions, type HostSocket, type SocketOptions } from '../core/socket.js';
import {
  connectionFrom,
  listenerFrom,
  summarise,
  Tally,
  worstFirst,
  type Connection,
  type Holding,
  type Listener,
  type ProcessNote,
  type Survey,
  type SurveyFacts,
} from '../core/survey.js';
import { unitOf } from '../core/unit.js';
import { surveyHost } from '../kernel/host-facts.js';
import type { Kernel } from '../kernel/kernel.js';
import type { ProcessFacts } from '../kernel/socket-view.js';
import {
  knownNamespaces,
  namespacesSeen,
  type KnownNamespace,
  type NamespaceChoice,
} from './namespaces.js';
import { readOptions } from './options.js';
import { readOwners, type Owners } from './owners.js';
import type { Reachable } from './reach.js';
import { readTables, tablesToCome, type Table } from './table.js';

export interface SurveyRequest {
  readonly namespaces?: NamespaceChoice | undefined;
  readonly selection: Selection;
  /** Who holds each socket, and with that its options; false: the kernel's table alone. */
  readonly owners: boolean;
  /** Also of more idle connections than `MOST_IDLE_READ`. Default: no. */
  readonly everyOption?: boolean | undefined;
}

/** What an idle connection's user timeout would do later on is not worth half of the time of a survey. */
const MOST_IDLE_READ = 10_000;

/** @throws TcpaliveError NO_TARGET for a namespace that cannot be looked into; KernelRefusal */
export function takeSurvey(kernel: Kernel, request: SurveyRequest): Survey {
  const connections: Connection[] = [];
  const known = knownNamespaces(kernel);
  const tables = readTables(kernel, known, request.namespaces);
  const keep = (connection: Connection) => connections.push(connection);
  const facts = surveyTables(kernel, request, { known, tables }, keep);
  return { ...facts, connections: worstFirst(connections) };
}

/**
 * The same of tens of thousands, none of which is kept: what is written down at once need not be
 * gathered first, and put in order it can be by its `Ranking`. A table may turn out to be torn, and is
 * not asked for again.
 */
export function surveyEach(
  kernel: Kernel,
  request: SurveyRequest,
  found: (connection: Connection) => void,
): SurveyFacts {
  const known = knownNamespaces(kernel);
  const choice = request.namespaces;
  // Who holds them is looked up of all, before the first is told.
  const tables = request.owners
    ? readTables(kernel, known, choice)
    : tablesToCome(kernel, known, choice);
  return surveyTables(kernel, request, { known, tables }, found);
}

interface Tables {
  readonly known: readonly KnownNamespace[];
  readonly tables: readonly Table[];
}

function surveyTables(
  kernel: Kernel,
  request: SurveyRequest,
  { known, tables }: Tables,
  found: (connection: Connection) => void,
): SurveyFacts {
  const takenAt = new Date().toISOString();
  const holders = request.owners ? readHolders(kernel, tables, request) : undefined;
  const tally = new Tally();
  const listeners: Listener[] = [];
  for (const { namespace, keeper, table } of tables) {
    const fateOf = fateReader(keeper);
    for (const socket of table.sockets) {
      const holding = holdingOf(socket, holders, namespace);
      if (isListener(socket)) {
        const listener = listenerFrom(socket, holding);
        if (selectsListener(request.selection, listener)) listeners.push(listener);
        continue;
      }
      const fate = fateOf(socket, holding.options);
      const forMs = fate.kind === 'dying' ? unansweredMs(socket, holding.options, keeper) : null;
      const connection = connectionFrom(socket, holding, { fate, unansweredMs: forMs });
      if (!selects(request.selection, connection)) continue;
      tally.add(connection);
      found(connection);
    }
  }
  return {
    schema: 'tcpalive/ls/1',
    complete: true,
    takenAt,
    host: surveyHost(),
    namespaces: namespacesSeen(
      known,
      tables.map(({ namespace }) => namespace),
    ),
    partial: tables.some(({ table }) => table.torn),
    notes: [
      ...namespaceNotes(request.namespaces === 'all' ? known.length - tables.length : 0),
      ...(holders === undefined ? [] : notesOf(holders)),
    ],
    processes: summarise(
      holders === undefined ? [] : processNotes(kernel, holders),
      tally,
      listeners,
    ),
    listeners,
  };
}

interface Holders extends Owners {
  readonly processes: ReadonlyMap<number, HoldingProcess>;
  /** By cookie. */
  readonly options: ReadonlyMap<string, SocketOptions>;
  /** Of idle connections the options were not read: there are too many. */
  readonly leftOut: boolean;
}

interface HoldingProcess extends Pick<ProcessFacts, 'name' | 'descriptorLimit'> {
  readonly unit: string | null;
}

/** No timer is armed: its keepalive is off, and its user timeout decides nothing yet. */
function isIdle(socket: HostSocket): boolean {
  return socket.timer.kind === 'none' && !isListener(socket);
}

function readHolders(
  kernel: Kernel,
  tables: readonly Table[],
  { everyOption = false }: SurveyRequest,
): Holders {
  const owners = readOwners(kernel);
  const busy: Reachable[] = [];
  const idle: Reachable[] = [];
  const pids = new Set<number>();
  for (const { table } of tables) {
    for (const socket of table.sockets) {
      const owner = owners.byInode.get(socket.inode);
      if (owner === undefined) continue;
      const { pid, fd } = owner;
      pids.add(pid);
      (isIdle(socket) ? idle : busy).push({ pid, fd, cookie: socket.cookie });
    }
  }
  const processes = new Map<number, HoldingProcess>();
  for (const pid of pids) {
    const facts = kernel.processFacts(pid);
    if (facts === undefined) continue;
    const { name, descriptorLimit, cgroup } = facts;
    processes.set(pid, { name, descriptorLimit, unit: unitOf(cgroup) });
  }
  const leftOut = idle.length > MOST_IDLE_READ && !everyOption;
  const options = readOptions(kernel, leftOut ? busy : [...busy, ...idle]);
  return { ...owners, processes, options, leftOut };
}

function holdingOf(
  socket: HostSocket,
  holders: Holders | undefined,
  namespace: KnownNamespace,
): Holding {
  const owner = holders?.byInode.get(socket.inode);
  const known = owner === undefined ? undefined : holders?.processes.get(owner.pid);
  const options = holders?.options.get(socket.cookie ?? '');
  const unread = options === undefined ? whyUnread(socket, holders) : null;
  return {
    process:
      owner === undefined || known === undefined
        ? null
        : { pid: owner.pid, name: known.name, fd: owner.fd },
    unit: known?.unit ?? null,
    options: options ?? unreadOptions(socket, unread ?? ''),
    unread,
    namespace: namespace.id,
  };
}

function whyUnread(socket: HostSocket, holders: Holders | undefined): string {
  const { inode, state } = socket;
  if (holders === undefined) return 'not asked who holds it (--no-owners)';
  if (inode === 0) {
    const isQueued = state === 'ESTABLISHED' || state === 'CLOSE-WAIT' || state === 'SYN-RECV';
    return isQueued ? 'no process has accepted it yet' : 'no process holds it any more';
  }
  if (holders.leftOut && isIdle(socket)) return 'too many idle connections: --options reads them';
  if (holders.byInode.has(inode)) return 'its process may not be traced by this user: root can';
  return holders.hidden === 0
    ? 'no process was found that holds it'
    : 'its process may not be looked into by this user: root can';
}

function namespaceNotes(hidden: number): readonly string[] {
  if (hidden === 0) return [];
  const namespaces = hidden === 1 ? '1 network namespace' : `${hidden} network namespaces`;
  return [`${namespaces} could not be looked into: root can`];
}

function notesOf({ hidden, leftOut }: Holders): readonly string[] {
  const processes = hidden === 1 ? '1 process' : `${hidden} processes`;
  return [
    ...(hidden === 0
      ? []
      : [`${processes} of other users could not be looked into: root sees who holds the rest`]),
    ...(leftOut
      ? [`more than ${MOST_IDLE_READ} idle connections: their user timeouts only with --options`]
      : []),
  ];
}

function processNotes(kernel: Kernel, { processes }: Holders): readonly ProcessNote[] {
  return [...processes].map(([pid, { name, unit, descriptorLimit }]) => ({
    pid,
    name,
    unit,
    fds: kernel.openDescriptors(pid) ?? null,
    fdLimit: descriptorLimit,
  }));
}
