/** Which sockets `protect` takes, which it leaves out and why, and what changes for them. */
import { ifVanished, type Timekeeper } from './fate-model.js';
import { groupBy } from './group-by.js';
import type {
  Direction,
  ProtectGroup,
  Protection,
  SkipReason,
  Skipped,
  Wanted,
} from './protection.js';
import { sameKeepalive } from './mode.js';
import { isListener, type HostSocket, type SocketKeepalive, type SocketOptions } from './socket.js';

/** A socket of a target, with what was read of it. */
export interface Candidate {
  readonly socket: Pick<HostSocket, 'state' | 'timer' | 'info'>;
  readonly options: SocketOptions & { readonly userTimeoutMs: number };
  /** Its local port is one that the targets listen on. */
  readonly accepted: boolean;
  readonly namespace: string;
  readonly keeper: Timekeeper;
}

export interface Terms {
  readonly wanted: Wanted;
  readonly direction: Direction;
  /** Also those that it would end. */
  readonly force: boolean;
}

/** States in which a program holds a connection and its peer may vanish unnoticed. */
const OPEN: ReadonlySet<string> = new Set([
  'SYN-SENT',
  'ESTABLISHED',
  'CLOSE-WAIT',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
]);

/** Why it is left out; undefined: it is not. */
export function reasonToSkip(
  { socket, options, accepted }: Candidate,
  { wanted, direction, force }: Terms,
): SkipReason | undefined {
  if (isListener(socket)) return undefined;
  if (!OPEN.has(socket.state)) return 'closing';
  if (direction === 'accepted' && !accepted) return 'opened';
  if (force) return undefined;
  if (endsAtOnce(socket, options, wanted)) return 'probes-unanswered';
  // Answering or not: with one probe out nobody can tell yet.
  const isBlocked = socket.timer.kind === 'zero-window';
  return isBlocked && shortens(wanted.userTimeoutMs, options.userTimeoutMs)
    ? 'slow-reader'
    : undefined;
}

/** The peer may have room again, or answer: it is to be looked at another time. */
export function isForNow(reason: SkipReason | undefined): boolean {
  return reason === 'slow-reader' || reason === 'probes-unanswered';
}

/**
 * With as many probes unanswered as there may be, or with any and a user timeout, a timer gives up without a probe
 * of its own, even where the peer is back (tcp_keepalive_timer, net/ipv4/tcp_timer.c). Anything received clears
 * the count; but it stays when keepalive is off again, as after `ls --ask`, and where it is on one may be on its
 * way: there it is for its own settings to end it, and not for shorter ones.
 */
function endsAtOnce(
  { timer, info }: Candidate['socket'],
  options: Candidate['options'],
  wanted: Wanted,
): boolean {
  const probes = info?.probes ?? 0;
  if (probes === 0) return false;
  const { keepalive, userTimeoutMs } = wanted;
  const timeoutMs = userTimeoutMs ?? options.userTimeoutMs;
  const isLast = keepalive !== null && probes >= keepalive.count;
  // A user timeout starts no timer.
  if (timer.kind === 'none') return keepalive !== null && (timeoutMs !== 0 || isLast);
  if (timer.kind !== 'keepalive') return false;
  const isForFewer = isLast && !isLastOf(options.keepalive, probes);
  return timeoutMs === 0 ? isForFewer : shortens(userTimeoutMs, options.userTimeoutMs);
}

function isLastOf(keepalive: SocketKeepalive, probes: number): boolean {
  return keepalive.kind === 'known' && probes >= keepalive.count;
}

/** @param user timeouts, 0 for none; null: it stays */
function shortens(toMs: number | null, fromMs: number): boolean {
  return toMs !== null && (fromMs === 0 || toMs < fromMs);
}

export function isAsWanted({ keepalive, userTimeoutMs }: SocketOptions, wanted: Wanted): boolean {
  return (
    (wanted.keepalive === null ||
      (keepalive.kind === 'known' && sameKeepalive(keepalive, wanted.keepalive))) &&
    (wanted.userTimeoutMs === null || wanted.userTimeoutMs === userTimeoutMs)
  );
}

/** The same for the same setting. */
export function settingKey({ keepalive, userTimeoutMs }: SocketOptions): string {
  return `${Object.values(keepalive).join(' ')} ${userTimeoutMs ?? ''}`;
}

/** Listeners first, what changes before what is as wanted, the largest before the smaller. */
export function groupsOf(
  candidates: readonly Candidate[],
  wanted: Wanted,
): readonly ProtectGroup[] {
  const groups = groupBy(
    candidates,
    ({ socket, options, namespace }) => `${isListener(socket)} ${settingKey(options)} ${namespace}`,
  );
  return [...groups.values()].map((group) => groupOf(group, wanted)).toSorted(inOrder);
}

/** How often each, the first met first. */
export function countSkipped(reasons: readonly SkipReason[]): readonly Skipped[] {
  const counts = new Map<SkipReason, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, sockets]) => ({ reason, sockets }));
}

/** What a person should know before it is done. */
export function planNotes(groups: readonly ProtectGroup[], wanted: Wanted): readonly string[] {
  const weaker = groups
    .filter(({ changes, now, after }) => changes && isSooner(now, after))
    .reduce((total, { sockets }) => total + sockets, 0);
  return [
    ...(weaker === 0 ? [] : [`${weaker} of these notice an idle peer sooner as they are now`]),
    ...(wanted.userTimeoutMs === null
      ? []
      : ['a user timeout also ends a peer that is alive and takes nothing for so long']),
    ...(groups.some(({ after }) => after.idle.kind === 'never')
      ? ['a user timeout alone never notices a peer that vanished when idle: --keepalive does']
      : []),
  ];
}

function groupOf(group: readonly Candidate[], wanted: Wanted): ProtectGroup {
  const [first] = group as readonly [Candidate];
  const { options, keeper, namespace, socket } = first;
  const after = {
    keepalive:
      wanted.keepalive === null
        ? options.keepalive
        : { kind: 'known' as const, ...wanted.keepalive },
    userTimeoutMs: wanted.userTimeoutMs ?? options.userTimeoutMs,
  };
  return {
    role: isListener(socket) ? 'listener' : 'connection',
    namespace,
    sockets: group.length,
    changes: !isAsWanted(options, wanted),
    now: protectionBy(options, keeper),
    after: protectionBy(after, keeper),
  };
}

function protectionBy(options: Candidate['options'], keeper: Timekeeper): Protection {
  const { keepalive, userTimeoutMs } = options;
  return {
    keepalive,
    userTimeoutMs,
    idle: ifVanished(options, 'idle', keeper),
    busy: ifVanished(options, 'write', keeper),
  };
}

function isSooner({ idle: a }: Protection, { idle: b }: Protection): boolean {
  return a.kind === 'within' && b.kind === 'within' && a.ms.max < b.ms.max;
}

function inOrder(a: ProtectGroup, b: ProtectGroup): number {
  const rank = ({ role, changes }: ProtectGroup) =>
    (role === 'listener' ? 0 : 2) + (changes ? 0 : 1);
  return rank(a) - rank(b) || b.sockets - a.sockets;
}
