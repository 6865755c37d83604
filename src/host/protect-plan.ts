/** What `protect` would do, from looking alone. */
import {
  countSkipped,
  groupsOf,
  isAsWanted,
  isForNow,
  planNotes,
  reasonToSkip,
  type Candidate,
  type Terms,
} from '../core/protect-plan.js';
import type { ProtectResult, ProtectTarget, SkipReason } from '../core/protection.js';
import { isListener } from '../core/socket.js';
import { TcpaliveError } from '../errors.js';
import { surveyHost } from '../kernel/host-facts.js';
import type { Kernel } from '../kernel/kernel.js';
import type { OptionValues } from '../kernel/socket-view.js';
import { takeInventory, type Inventory, type OwnedSocket } from './inventory.js';
import { optionsFrom } from './options.js';
import { reach } from './reach.js';
import { findTargets, OTHERS_HINT, type TargetChoice, type TargetProcess } from './targets.js';

export interface ProtectRequest {
  readonly choice: TargetChoice;
  /** With all descendants. */
  readonly tree: boolean;
  readonly terms: Terms;
}

export interface ProtectPlan {
  readonly request: ProtectRequest;
  readonly targets: readonly TargetProcess[];
  /** Those whose setting changes. */
  readonly todo: readonly ReadSocket[];
  /** By cookie, what is not looked at again: it changes, is as wanted, or cannot be had. */
  readonly settled: ReadonlySet<string>;
  readonly skipped: readonly SkipReason[];
  readonly result: ProtectResult;
}

export interface ReadSocket extends OwnedSocket {
  readonly values: OptionValues;
}

/**
 * @throws TcpaliveError NO_TARGET where there is no process or socket, NO_CAPABILITY where none of
 * them may be reached
 */
export function planProtection(kernel: Kernel, request: ProtectRequest): ProtectPlan {
  const { choice, tree, terms } = request;
  const startedAt = new Date().toISOString();
  const targets = findTargets(kernel, choice, tree);
  const inventory = takeInventory(kernel, targets);
  if (inventory.sockets.length === 0) throw whyNoSockets(targets, inventory, tree);
  const { taken, skipped, refusal } = sortOut(kernel, inventory.sockets, terms);
  if (refusal !== undefined && taken.length === 0) throw unreachable(targets, refusal);
  const groups = groupsOf(taken.map(candidateOf), terms.wanted);
  const todo = taken.filter(({ values }) => !isAsWanted(optionsFrom(values), terms.wanted));
  return {
    request,
    targets,
    todo,
    settled: settledOf(inventory, skipped),
    skipped: [...skipped.values()],
    result: {
      schema: 'tcpalive/protect/1',
      complete: true,
      dryRun: true,
      startedAt,
      host: surveyHost(kernel),
      wanted: terms.wanted,
      targets: targets.map((target) => withCounts(target, inventory)),
      groups,
      changed: 0,
      skipped: countSkipped([...skipped.values()]),
      followed: null,
      undoFile: null,
      notes: [...planNotes(groups, terms.wanted), ...inventoryNotes(inventory)],
    },
  };
}

export interface SortedOut {
  readonly taken: readonly ReadSocket[];
  readonly skipped: ReadonlyMap<OwnedSocket, SkipReason>;
  /** In the kernel's words; undefined: nothing was refused. */
  readonly refusal: string | undefined;
}

/** Reads what each has, and says of those that are left out why. */
export function sortOut(kernel: Kernel, sockets: readonly OwnedSocket[], terms: Terms): SortedOut {
  const taken: ReadSocket[] = [];
  const skipped = new Map<OwnedSocket, SkipReason>();
  let refusal: string | undefined;
  for (const [socket, outcome] of reach(kernel, sockets, (fd) => kernel.optionValues(fd))) {
    if (outcome.kind !== 'done') {
      skipped.set(socket, outcome.kind);
      if (outcome.kind === 'refused') refusal ??= outcome.reason;
      continue;
    }
    const read = { ...socket, values: outcome.value };
    const reason = reasonToSkip(candidateOf(read), terms);
    if (reason === undefined) taken.push(read);
    else skipped.set(socket, reason);
  }
  return { taken, skipped, refusal };
}

function candidateOf({ values, ...owned }: ReadSocket): Candidate {
  return { ...owned, options: optionsFrom(values) };
}

function settledOf(
  { sockets }: Inventory,
  skipped: ReadonlyMap<OwnedSocket, SkipReason>,
): ReadonlySet<string> {
  const settled = sockets.filter((socket) => !isForNow(skipped.get(socket)));
  return new Set(settled.map(({ cookie }) => cookie));
}

function withCounts({ pid, name, unit }: TargetProcess, { sockets }: Inventory): ProtectTarget {
  const held = sockets.filter((socket) => socket.pid === pid);
  const listeners = held.filter(({ socket }) => isListener(socket)).length;
  return { pid, name, unit, listeners, connections: held.length - listeners };
}

function inventoryNotes({ waiting, torn, hidden }: Inventory): readonly string[] {
  return [
    ...(waiting.length === 0
      ? []
      : [`${waiting.length} not accepted yet, with the old setting: --follow covers them`]),
    ...(torn ? ['the table of sockets changed while it was read: --follow covers the rest'] : []),
    ...(hidden.length === 0
      ? []
      : [`${hidden.length} of the processes may not be looked into by this user: root can`]),
  ];
}

function whyNoSockets(
  targets: readonly TargetProcess[],
  { hidden }: Inventory,
  tree: boolean,
): TcpaliveError {
  if (hidden.length > 0) return unreachable(hidden, 'this user may not look into it');
  return new TcpaliveError('NO_TARGET', `${named(targets)} holds no TCP socket`, {
    hint: tree ? undefined : '--tree takes its descendants too; tcpalive ls shows who holds which',
  });
}

function unreachable(targets: readonly TargetProcess[], reason: string): TcpaliveError {
  return new TcpaliveError(
    'NO_CAPABILITY',
    `the sockets of ${named(targets)} cannot be reached: ${reason}`,
    { hint: OTHERS_HINT },
  );
}

function named(targets: readonly TargetProcess[]): string {
  const [first, ...others] = targets;
  if (first === undefined) return 'no process';
  const one = `process ${first.pid} (${first.name})`;
  return others.length === 0 ? one : `${one} and ${others.length} more`;
}
