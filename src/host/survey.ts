/**
 * What lingers on this host: the kernel's table of sockets, joined with who holds each, its options
 * and its fate. Nothing is changed; what could not be read is unknown, with its reason.
 */
import { fateReader, unansweredMs } from '../core/fate-model.js';
import { selects, selectsListener, type Selection } from '../core/selection.js';
import { isListener, type HostSocket } from '../core/socket.js';
import {
  connectionFrom,
  listenerFrom,
  summarise,
  Tally,
  worstFirst,
  type Connection,
  type Holding,
  type Listener,
  type Survey,
  type SurveyFacts,
} from '../core/survey.js';
import { surveyHost } from '../kernel/host-facts.js';
import type { Kernel } from '../kernel/kernel.js';
import { heldByWhoever, Holders } from './holders.js';
import {
  knownNamespaces,
  namespacesSeen,
  type KnownNamespace,
  type NamespaceChoice,
} from './namespaces.js';
import { readTables, tablesToCome, type Table } from './table.js';

export interface SurveyRequest {
  readonly namespaces?: NamespaceChoice | undefined;
  readonly selection: Selection;
  /** Who holds each socket, and with that its options; false: the kernel's table alone. */
  readonly owners: boolean;
  /** Also of more idle connections than are worth it. Default: no. */
  readonly everyOption?: boolean | undefined;
}

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
  const idle = tables.reduce((sum, { table }) => sum + table.idle, 0);
  const holders = request.owners
    ? new Holders(kernel, request.everyOption === true ? undefined : idle)
    : undefined;
  const tally = new Tally();
  const listeners: Listener[] = [];
  for (const { namespace, keeper, table } of tables) {
    const fateOf = fateReader(keeper);
    const judge = (socket: HostSocket, holding: Holding) => {
      if (isListener(socket)) {
        const listener = listenerFrom(socket, holding);
        if (selectsListener(request.selection, listener)) listeners.push(listener);
        return;
      }
      const fate = fateOf(socket, holding.options);
      const forMs = fate.kind === 'dying' ? unansweredMs(socket, holding.options, keeper) : null;
      const connection = connectionFrom(socket, holding, { fate, unansweredMs: forMs });
      if (!selects(request.selection, connection)) return;
      tally.add(connection);
      found(connection);
    };
    for (const socket of table.sockets) {
      if (holders === undefined) judge(socket, heldByWhoever(socket, namespace.id));
      else holders.lookUp(socket, namespace.id, judge);
    }
  }
  holders?.finish();
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
      ...(holders?.notes() ?? []),
    ],
    processes: summarise(holders?.processes() ?? [], tally, listeners),
    listeners,
  };
}

function namespaceNotes(hidden: number): readonly string[] {
  if (hidden === 0) return [];
  const namespaces = hidden === 1 ? '1 network namespace' : `${hidden} network namespaces`;
  return [`${namespaces} could not be looked into: root can`];
}
