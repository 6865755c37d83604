/**
 * What `ss -tneoi` of iproute2 prints, from a machine where nothing may be installed: inet_show_sock,
 * tcp_stats_print and print_ms_timer, misc/ss.c. With or without -H, -i, -O, -a, -p and -m. A line
 * that cannot be read whole is left out and counted: half a socket would have the wrong fate.
 */
import { addressBytes, formatAddress } from './address.js';
import type { Endpoint } from './endpoint.js';
import type { TimerName } from './result.js';
import type { HostSocket, SocketInfo, SocketTimer } from './socket.js';
import type { Owner } from './survey.js';

export interface SsReading {
  readonly sockets: readonly SsSocket[];
  /** False: it was printed without -o, so that every timer is `unknown`. */
  readonly timersTold: boolean;
  readonly unread: {
    readonly count: number;
    /** The first of them. */
    readonly lines: readonly UnreadLine[];
  };
}

export interface SsSocket {
  /** `inode` and `userId` are -1 where ss was not asked for them (-e). */
  readonly socket: HostSocket;
  /** Null: none, or ss was not asked (-p), or might not look. */
  readonly owner: Owner | null;
  /** `/system.slice/nginx.service`; null: not printed. */
  readonly cgroup: string | null;
  /** ss cuts off what it finds too small to print: the timer may have that much longer to run. */
  readonly expiresLaterMs: number;
}

export interface UnreadLine {
  /** From 1. */
  readonly line: number;
  /** Holds text from outside. */
  readonly reason: string;
}

const MOST_UNREAD_LINES = 20;

export function parseSs(text: string): SsReading {
  const entries = entriesOf(text);
  const timersTold = entries.some((entry) => 'told' in entry && tellsTimers(entry.told));
  const sockets: SsSocket[] = [];
  const unread: UnreadLine[] = [];
  for (const entry of entries) {
    const read = 'told' in entry ? socketOf(entry) : entry.reason;
    if (typeof read === 'string') unread.push({ line: entry.line, reason: read });
    else sockets.push(timersTold ? read : withoutTimer(read));
  }
  const lines = unread.slice(0, MOST_UNREAD_LINES);
  return { sockets, timersTold, unread: { count: unread.length, lines } };
}

/** The sockets, each of one line or two, and what is none. */
function entriesOf(text: string): readonly (Entry | UnreadLine)[] {
  const entries: (Entry | UnreadLine)[] = [];
  for (const [at, whole] of text.split('\n').entries()) {
    const content = whole.trim();
    if (content === '' || whole.startsWith('#') || HEADER.test(content)) continue;
    const line = at + 1;
    const head = headOf(content);
    const last = entries.at(-1);
    if (typeof head === 'string') entries.push({ line, reason: head });
    else if (head !== undefined) entries.push({ ...head, line });
    else if (last === undefined || !(/^\s/.test(whole) || SECOND_LINE.test(content))) {
      entries.push({ line, reason: 'nothing that ss -tneoi prints' });
    } else if ('told' in last) tell(last.told, content);
  }
  return entries;
}

/** sstate_name in misc/ss.c, and what the kernel calls it. */
const STATES: ReadonlyMap<string, string> = new Map([
  ['ESTAB', 'ESTABLISHED'],
  ['SYN-SENT', 'SYN-SENT'],
  ['SYN-RECV', 'SYN-RECV'],
  ['FIN-WAIT-1', 'FIN-WAIT-1'],
  ['FIN-WAIT-2', 'FIN-WAIT-2'],
  ['TIME-WAIT', 'TIME-WAIT'],
  ['UNCONN', 'CLOSE'],
  ['CLOSE-WAIT', 'CLOSE-WAIT'],
  ['LAST-ACK', 'LAST-ACK'],
  ['LISTEN', 'LISTEN'],
  ['CLOSING', 'CLOSING'],
]);

/** tmr_name in misc/ss.c. */
const TIMERS: ReadonlyMap<string, TimerName> = new Map([
  ['on', 'retransmit'],
  ['keepalive', 'keepalive'],
  ['timewait', 'time-wait'],
  ['persist', 'zero-window'],
  ['unknown', 'other'],
]);

/** What lives without a process when it was closed: whether it does decides its fate. */
const CLOSING_STATES: ReadonlySet<string> = new Set([
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'CLOSING',
  'LAST-ACK',
]);

/** No connection yet: of silence the kernel tells the time since it started. */
const STATES_WITHOUT_INFO: ReadonlySet<string> = new Set(['LISTEN', 'SYN-SENT']);

/** tcp_stats_print leaves out a retransmission timeout of exactly three seconds. */
const UNPRINTED_RTO = '3000';

const UNTOLD = -1;

/** What is printed as `name:value`, or as a name alone; the first of each. */
type Told = Map<string, string>;

interface Head {
  readonly state: string;
  readonly receiveQueueBytes: number;
  readonly sendQueueBytes: number;
  readonly local: Endpoint;
  readonly peer: Endpoint;
  readonly owner: Owner | null;
  readonly told: Told;
}

interface Entry extends Head {
  readonly line: number;
}

/** Where pasting has lost its indentation. */
const SECOND_LINE = /(?:^|\s)(?:cwnd|skmem):/;

const HEADER = /^(?:Netid\s|State\s|Recv-Q\s)/;
const HEAD = /^(?:([a-z]\w*)\s+)?([A-Z][-A-Z12]*)\s+(\d{1,10})\s+(\d{1,10})\s+(\S+)\s+(\S+)/;
const STATELESS_HEAD = /^\d+\s+\d+\s+\S+\s+\S/;

/** Undefined: no first line of a socket; text: why it cannot be read. */
function headOf(content: string): Head | string | undefined {
  const match = HEAD.exec(content);
  if (match === null) {
    if (STATELESS_HEAD.test(content)) return 'no state: give ss no filter on states';
    const [first = '', second = ''] = content.split(/\s+/, 2);
    return STATES.has(first) || STATES.has(second) ? `'${excerpt(content)}' is cut off` : undefined;
  }
  const [whole, netid = 'tcp', word = '', receive, send, local = '', peer = ''] = match;
  const state = STATES.get(word);
  if (netid !== 'tcp') return `${netid} is not TCP`;
  if (state === undefined) return `state '${excerpt(word)}'`;
  const localEnd = endpointOf(local);
  if (typeof localEnd === 'string') return localEnd;
  const peerEnd = endpointOf(peer);
  if (typeof peerEnd === 'string') return peerEnd;
  const users = usersOf(content, whole.length);
  if (users === undefined) return `'${excerpt(content.slice(whole.length).trim())}' is cut off`;
  const told: Told = new Map();
  tell(told, content.slice(users.end));
  return {
    state,
    receiveQueueBytes: Number(receive),
    sendQueueBytes: Number(send),
    local: localEnd,
    peer: peerEnd,
    owner: users.owner,
    told,
  };
}

/** `127.0.0.1%lo:80`, `[fe80::1]%eth0:80`, `*:80`, and `:::80` as old versions print it. */
function endpointOf(text: string): Endpoint | string {
  const colon = text.lastIndexOf(':');
  const port = text.slice(colon + 1);
  const [plain = ''] = text.slice(0, Math.max(0, colon)).replace(/[[\]]/g, '').split('%');
  const bytes = plain === '*' ? new Uint8Array(16) : addressBytes(plain);
  if (bytes === undefined) return `'${excerpt(text)}' is no address and port`;
  if (port !== '*' && !(/^\d{1,5}$/.test(port) && Number(port) <= 65_535)) {
    return `port '${excerpt(port)}': print numbers, with ss -n`;
  }
  return { address: formatAddress(bytes), port: port === '*' ? 0 : Number(port) };
}

const USERS = /\s+users:\(/y;
const USER_END = /",pid=(\d{1,10}),(?:[^"()]*,)?fd=(\d{1,10})\)/y;

/** TASK_COMM_LEN without its end, include/linux/sched.h. */
const MOST_NAME = 15;

/**
 * `users:(("nginx",pid=1,fd=2),("nginx",pid=3,fd=2))`. A name is printed as it is: it may look like
 * what follows it, but not be longer than a name.
 */
function usersOf(
  content: string,
  from: number,
): { readonly owner: Owner | null; readonly end: number } | undefined {
  USERS.lastIndex = from;
  if (!USERS.test(content)) return { owner: null, end: from };
  let owner: Owner | null = null;
  for (let at = USERS.lastIndex; ; at++) {
    if (!content.startsWith('("', at)) return undefined;
    const name = at + 2;
    const quote = content.slice(name, name + MOST_NAME + '",pid='.length).lastIndexOf('",pid=');
    USER_END.lastIndex = name + quote;
    const match = quote < 0 ? null : USER_END.exec(content);
    if (match === null) return undefined;
    const [, pid, fd] = match;
    owner ??= { pid: Number(pid), name: content.slice(name, name + quote), fd: Number(fd) };
    at = USER_END.lastIndex;
    if (content.startsWith(')', at)) return { owner, end: at + 1 };
    if (!content.startsWith(',', at)) return undefined;
  }
}

/** Only with -o are the options of TCP named on the second line. */
function tellsTimers(told: Told): boolean {
  return told.has('timer') || told.has('ts') || told.has('sack');
}

function tell(told: Told, content: string): void {
  for (const word of content.split(/\s+/)) {
    const colon = word.indexOf(':');
    const name = colon < 0 ? word : word.slice(0, colon);
    if (TOLD.has(name) && !told.has(name)) told.set(name, colon < 0 ? '' : word.slice(colon + 1));
  }
}

const TOLD: ReadonlySet<string> = new Set([
  ...['timer', 'uid', 'ino', 'sk', 'cgroup'],
  ...['ts', 'sack', 'cwnd', 'rto', 'backoff', 'rtt', 'lastrcv', 'lastack', 'snd_wnd'],
]);

/** Text: why it cannot be read. */
function socketOf(entry: Entry): SsSocket | string {
  const { state, told, owner } = entry;
  const timer = timerOf(told.get('timer'));
  if (timer === undefined) return `timer:${excerpt(told.get('timer') ?? '')}`;
  const isDetailed = told.has('ino');
  if (!isDetailed && owner === null && CLOSING_STATES.has(state)) {
    return `${state} without ino: whether a process holds it is printed by ss -e`;
  }
  const inode = isDetailed ? wholeNumber(told.get('ino')) : UNTOLD;
  const userId = isDetailed ? wholeNumber(told.get('uid') ?? '0') : UNTOLD;
  const cookie = told.get('sk');
  if (inode === undefined) return `ino:${excerpt(told.get('ino') ?? '')}`;
  if (userId === undefined) return `uid:${excerpt(told.get('uid') ?? '')}`;
  if (cookie !== undefined && !/^[0-9a-f]{1,16}$/i.test(cookie)) return `sk:${excerpt(cookie)}`;
  const info = infoOf(state, told, timer);
  if (typeof info === 'string') return info;
  return {
    socket: {
      local: entry.local,
      peer: entry.peer,
      state,
      timer: { kind: timer.kind, expiresInMs: timer.expiresInMs },
      retransmissions: timer.retransmissions,
      sendQueueBytes: entry.sendQueueBytes,
      receiveQueueBytes: entry.receiveQueueBytes,
      inode,
      userId,
      cookie: cookie?.toLowerCase() ?? null,
      interfaceIndex: 0,
      info,
    },
    owner,
    cgroup: told.get('cgroup') ?? null,
    expiresLaterMs: timer.laterMs,
  };
}

interface Timer extends SocketTimer {
  readonly laterMs: number;
  readonly retransmissions: number;
}

const NO_TIMER: Timer = { kind: 'none', expiresInMs: null, laterMs: 0, retransmissions: 0 };

/** `(keepalive,1min20sec,0)`. */
function timerOf(text: string | undefined): Timer | undefined {
  if (text === undefined) return NO_TIMER;
  const [, name = '', time = '', number] = /^\((\w+),([^,]*),(\d{1,3})\)$/.exec(text) ?? [];
  const kind = TIMERS.get(name);
  const left = timeOf(time);
  if (kind === undefined || left === undefined) return undefined;
  return { kind, expiresInMs: left.ms, laterMs: left.laterMs, retransmissions: Number(number) };
}

const TIME = /^(?:(\d{1,7})min)?(?:(\d{1,2})sec|(?:(\d)\.)?(\d{3})ms)?$/;

/**
 * print_ms_timer: `119min`, `1min20sec`, `51sec`, `3.108ms` for 3108 ms, `204ms`, nothing for 0. No
 * seconds from ten minutes on, no milliseconds from ten seconds on.
 */
function timeOf(text: string): { readonly ms: number; readonly laterMs: number } | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const [, minutes = '0', seconds = '0', secondsOfMs = '0', milliseconds = '0'] = match;
  const ms =
    Number(minutes) * 60_000 +
    (Number(seconds) + Number(secondsOfMs)) * 1000 +
    Number(milliseconds);
  if (ms >= 600_000) return { ms, laterMs: 59_999 };
  return { ms, laterMs: ms >= 10_000 ? 999 : 0 };
}

/** What is zero is not printed. */
function infoOf(state: string, told: Told, timer: Timer): SocketInfo | null | string {
  if (!told.has('cwnd') || STATES_WITHOUT_INFO.has(state)) return null;
  const [rtt = '0'] = (told.get('rtt') ?? '0').split('/');
  const fields = {
    rtoMs: told.get('rto') ?? UNPRINTED_RTO,
    rttMs: rtt,
    backoff: told.get('backoff') ?? '0',
    lastReceivedMs: told.get('lastrcv') ?? '0',
    lastAckMs: told.get('lastack') ?? '0',
    windowBytes: told.get('snd_wnd') ?? '0',
  };
  for (const [name, value] of Object.entries(fields)) {
    if (!NUMBER.test(value)) return `${name} '${excerpt(value)}'`;
  }
  // tcpi_probes is not printed, but is what those two timers count (inet_sk_diag_fill).
  const isProbing = timer.kind === 'keepalive' || timer.kind === 'zero-window';
  return {
    probes: isProbing ? timer.retransmissions : 0,
    backoff: Number(fields.backoff),
    rtoMs: Number(fields.rtoMs),
    rttMs: Number(fields.rttMs),
    silentMs: Math.min(Number(fields.lastReceivedMs), Number(fields.lastAckMs)),
    windowBytes: Number(fields.windowBytes),
  };
}

/** `%g` and `%u`. */
const NUMBER = /^\d{1,10}(?:\.\d{1,10})?(?:e[+-]\d{1,2})?$/;

function wholeNumber(text = ''): number | undefined {
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

function withoutTimer(read: SsSocket): SsSocket {
  return { ...read, socket: { ...read.socket, timer: { kind: 'unknown', expiresInMs: null } } };
}

function excerpt(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}
