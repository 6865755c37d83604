/**
 * What lingers on this host: the kernel's table of sockets, joined with who holds each, its options
 * and its fate. Nothing is changed; what could not be read is unknown, with its reason.
 */
import { fateReader, orLater, unansweredMs } from '../core/fate-model.js';
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
import { knownNamespaces, namespacesSeen, type NamespaceChoice } from './namespaces.js';
import { beginTables, MOST_TRIES } from './table.js';

export interface SurveyRequest {
  readonly namespaces?: NamespaceChoice | undefined;
  readonly selection: Selection;
  /** Who holds each socket, and with that its options; false: the kernel's table alone. */
  readonly owners: boolean;
  /** Also of more idle connections than are worth it. Default: no. */
  readonly everyOption?: boolean | undefined;
}

/** @throws TcpaliveError NO_TARGET for a namespace that cannot be looked into; KernelRefusal */
export async function takeSurvey(kernel: Kernel, request: SurveyRequest): Promise<Survey> {
  const { facts, into } = await surveyInto(kernel, request, () => {
    const connections: Connection[] = [];
    return { connections, add: (connection) => connections.push(connection) };
  });
  return { ...facts, connections: worstFirst(into.connections) };
}

/**
 * The same of tens of thousands, none of which is kept: what is written down at once need not be
 * gathered first, and put in order it can be by its `Ranking`.
 * @param start called anew when a table turns out to be torn, at its end
 */
export async function surveyInto<Into extends { add(connection: Connection): void }>(
  kernel: Kernel,
  request: SurveyRequest,
  start: () => Into,
): Promise<{ readonly facts: SurveyFacts; readonly into: Into }> {
  for (let tries = 1; ; tries++) {
    const into = start();
    const facts = await survey(kernel, request, (connection) => into.add(connection));
    if (!facts.partial || tries === MOST_TRIES) return { facts, into };
  }
}

async function survey(
  kernel: Kernel,
  request: SurveyRequest,
  found: (connection: Connection) => void,
): Promise<SurveyFacts> {
  const known = knownNamespaces(kernel);
  const tables = beginTables(kernel, known, request.namespaces);
  const takenAt = tables[0]?.table.askedAt ?? new Date();
  const holders = request.owners ? new Holders(kernel, request.everyOption ?? false) : undefined;
  const tally = new Tally();
  const listeners: Listener[] = [];
  for (const { namespace, keeper, table } of tables) {
    const fateOf = fateReader(keeper);
    let laterMs = 0;
    const judge = (socket: HostSocket, holding: Holding) => {
      if (isListener(socket)) {
        const listener = listenerFrom(socket, holding);
        if (selectsListener(request.selection, listener)) listeners.push(listener);
        return;
      }
      const fate = orLater(fateOf(socket, holding.options), laterMs);
      const forMs = fate.kind === 'dying' ? unansweredMs(socket, holding.options, keeper) : null;
      const connection = connectionFrom(socket, holding, { fate, unansweredMs: forMs });
      if (!selects(request.selection, connection)) return;
      tally.add(connection);
      found(connection);
    };
    const begunMs = table.askedAt.getTime() - takenAt.getTime();
    // A function of its own: V8 compiles the loop of one that waits anew, whenever it has waited.
    const judgeEach = (sockets: Iterable<HostSocket>) => {
      for (const socket of sockets) {
        if (holders === undefined) judge(socket, heldByWhoever(socket, namespace.id));
        else holders.lookUp(socket, namespace.id, judge);
      }
    };
    for await (const { sockets, idle, withinMs } of table) {
      holders?.expect(idle);
      laterMs = Math.ceil(begunMs + withinMs);
      judgeEach(sockets);
    }
  }
  holders?.finish();
  return {
    schema: 'tcpalive/ls/1',
    complete: true,
    takenAt: takenAt.toISOString(),
    host: surveyHost(kernel),
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
