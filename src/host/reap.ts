/** Ends connections that are proven dead, each looked at again just before, by its cookie. */
import type { Reaped, ReapOutcome } from '../core/reap.js';
import type { Connection } from '../core/survey.js';
import { KernelRefusal, type Kernel } from '../kernel/kernel.js';

const ENOENT = 2;

/** A proven death. */
export interface Dead {
  readonly connection: Connection;
  readonly evidence: string;
}

export function described({ connection, evidence }: Dead, outcome: ReapOutcome): Reaped {
  const { local, peer, process, cookie, silentMs } = connection;
  return { local, peer, process, cookie, silentMs, evidence, outcome };
}

/** The kernel ends exactly the one with that cookie, or none. */
export function end(kernel: Kernel, { connection }: Dead): ReapOutcome {
  const { local, peer, interfaceIndex, cookie, silentMs } = connection;
  if (cookie === null) return { kind: 'refused', reason: 'no cookie' };
  const now = kernel.socketDiag(local, peer, interfaceIndex);
  if (now?.cookie !== cookie) return { kind: 'gone' };
  if (now.info !== null && now.info.silentMs < (silentMs ?? 0)) return { kind: 'answered' };
  try {
    kernel.destroy({ local, peer, interfaceIndex, cookie });
    return { kind: 'closed' };
  } catch (error) {
    if (!(error instanceof KernelRefusal)) throw error;
    return error.errno === ENOENT ? { kind: 'gone' } : { kind: 'refused', reason: error.message };
  }
}
