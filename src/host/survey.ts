/**
 * What lingers on this host: the kernel's table of sockets, joined with who holds each, its options
 * and its fate. Nothing is changed; what could not be read is unknown, with its reason.
 */
import { fateReader, orLater, unansweredMs } from '../core/fate-model.js';
import { isEmpty, selects, selectsListener, type Selection } from '../core/selection.js';
import { isListener, type HostSocket, type SocketOwner } from '../core/socket.js';
import {
  connectionFrom,
  listenerFrom,
  summarise,
  Tally,
  type AlikeSink,
  type Connection,
  type ConnectionSink,
  type Holding,
  type Listener,
  type Survey,
  type SurveyFacts,
} from '../core/survey.js';
import { worstFirst } from '../core/worst-first.js';
import { surveyHost } from '../kernel/host-facts.js';
import type { Kernel } from '../kernel/kernel.js';
import type { ComingTable } from '../kernel/socket-view.js';
import { Holders, unaskedHolders, type Holds } from './holders.js';
import { IdleWalk } from './idle-walk.js';
import {
  knownNamespaces,
  namespacesSeen,
  type NamespaceChoice,
  processesOfUnknownNamespace,
} from './namespaces.js';
import { beginTables, MOST_TRIES, type Of } from './table.js';

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
    return { connections, add: (connection: Connection) => void connections.push(connection) };
  });
  return { ...facts, connections: worstFirst(into.connections) };
}

/**
 * The same of tens of thousands, none of which is kept: what is written down at once need not be
 * gathered first, and put in order it can be by `placesWorstFirst`.
 * @param start called anew when a table turns out to be torn, at its end
 */
export async function surveyInto<Into extends ConnectionSink | AlikeSink>(
  kernel: Kernel,
  request: SurveyRequest,
  start: () => Into,
): Promise<{ readonly facts: SurveyFacts; readonly into: Into }> {
  for (let tries = 1; ; tries++) {
    const into = start();
    const facts = await survey(kernel, request, into);
    if (!facts.partial || tries === MOST_TRIES) return { facts, into };
  }
}

async function survey(
  kernel: Kernel,
  request: SurveyRequest,
  into: ConnectionSink | AlikeSink,
): Promise<SurveyFacts> {
  const { selection, owners, everyOption = false } = request;
  const known = knownNamespaces(kernel);
  const tables = beginTables(kernel, known, request.namespaces);
  const takenAt = tables[0]?.table.askedAt ?? new Date();
  const holders = owners ? new Holders(kernel, everyOption) : unaskedHolders;
  const found: Found = {
    selection,
    holders,
    tally: new Tally(),
    listeners: [],
    others: [],
    into,
  };
  for (const of of tables) await walkThrough(of, takenAt, found);
  holders.finish();
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
      ...(request.namespaces === 'all' ? missedNotes(kernel, known.length - tables.length) : []),
      ...elsewhereNotes(
        kernel,
        selection.pid,
        tables.map(({ namespace }) => namespace.id),
      ),
      ...holders.notes(),
    ],
    processes: summarise(holders.processes(), found.tally, found.listeners, found.others),
    listeners: found.listeners,
  };
}

/** Where what is found goes, and what it takes to judge it. */
interface Found {
  readonly selection: Selection;
  readonly holders: Holds;
  readonly tally: Tally;
  readonly listeners: Listener[];
  /** That are not selected. */
  readonly others: Listener[];
  readonly into: ConnectionSink | AlikeSink;
}

async function walkThrough(
  { namespace, keeper, table }: Of<ComingTable>,
  takenAt: Date,
  { selection, holders, tally, listeners, others, into }: Found,
): Promise<void> {
  const fateOf = fateReader(keeper);
  let laterMs = 0;
  const judge = (socket: HostSocket, holding: Holding) => {
    const fate = orLater(fateOf(socket, holding.options), laterMs);
    const forMs = fate.kind === 'dying' ? unansweredMs(socket, holding.options, keeper) : null;
    return connectionFrom(socket, holding, { fate, unansweredMs: forMs });
  };
  const found = (socket: HostSocket, holding: Holding) => {
    if (isListener(socket)) {
      const listener = listenerFrom(socket, holding);
      (selectsListener(selection, listener) ? listeners : others).push(listener);
      return;
    }
    const connection = judge(socket, holding);
    if (!selects(selection, connection)) return;
    tally.add(connection);
    into.add(connection);
  };
  // A function of its own: V8 compiles the loop of one that waits anew, whenever it has waited.
  const lookUpEach = (sockets: Iterable<HostSocket>) => {
    for (const socket of sockets) holders.lookUp(socket, namespace.id, found);
  };
  const judgeUnread = (socket: HostSocket, owner: SocketOwner | undefined) =>
    judge(socket, holders.unread(socket, owner, namespace.id));
  const idleWalk =
    isEmpty(selection) && 'addAlike' in into
      ? new IdleWalk({ owners: holders.owners, judge: judgeUnread, tally, sink: into })
      : undefined;
  const begunMs = table.askedAt.getTime() - takenAt.getTime();
  for await (const { timed, idle, withinMs } of table) {
    const isEachRead = holders.expect(idle.length);
    laterMs = Math.ceil(begunMs + withinMs);
    lookUpEach(timed);
    if (idleWalk === undefined || isEachRead) lookUpEach(idle);
    else idleWalk.through(idle);
  }
}

/** What a process holds is most often where the process is. */
function elsewhereNotes(
  kernel: Kernel,
  pid: number | undefined,
  seen: readonly string[],
): readonly string[] {
  const id = pid === undefined ? undefined : kernel.networkNamespace(pid)?.id;
  if (id === undefined || seen.includes(id)) return [];
  return [
    `process ${pid} is in another network namespace: ls --netns ${pid} looks there, reap when it is started there (nsenter -n -t ${pid})`,
  ];
}

/** Of all namespaces those that were not looked into, and those of which we do not even know. */
function missedNotes(kernel: Kernel, closed: number): readonly string[] {
  const hidden = processesOfUnknownNamespace(kernel);
  const namespaces = closed === 1 ? '1 network namespace' : `${closed} network namespaces`;
  const processes = hidden === 1 ? '1 process' : `${hidden} processes`;
  const whoMay = process.getuid?.() === 0 ? 'here not even root may' : 'root may';
  return [
    ...(closed === 0 ? [] : [`${namespaces} could not be looked into: ${whoMay}`]),
    ...(hidden === 0
      ? []
      : [`of ${processes} of other users it is not known in which network namespace: ${whoMay}`]),
  ];
}
