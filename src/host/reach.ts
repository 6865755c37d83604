/** Work on sockets that other processes hold: each by its cookie, so that a reused descriptor is never touched. */
import { groupBy } from '../core/group-by.js';
import { KernelRefusal, type Kernel } from '../kernel/kernel.js';
import type { Borrow } from '../kernel/socket-view.js';

export interface Reachable {
  readonly pid: number;
  readonly fd: number;
  /** The kernel's own name for the socket; null: it was not told, and so nothing is that socket. */
  readonly cookie: string | null;
}

export type Outcome<T> =
  | { readonly kind: 'done'; readonly value: T }
  /** The socket or its process is gone, or its descriptor is another one's now. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'refused'; readonly reason: string };

/** Runs `work` on a duplicate of each, one process after the other. */
export function reach<S extends Reachable, T>(
  kernel: Kernel,
  sockets: readonly S[],
  work: (duplicate: number, socket: S) => T,
): ReadonlyMap<S, Outcome<T>> {
  const outcomes = new Map<S, Outcome<T>>();
  for (const [pid, held] of groupBy(sockets, (socket) => socket.pid)) {
    try {
      kernel.withProcess(pid, (borrow) => {
        for (const each of held) {
          outcomes.set(
            each,
            reachOne(kernel, borrow, each, (fd) => work(fd, each)),
          );
        }
      });
    } catch (error) {
      const outcome = withoutValue(error);
      for (const each of held) outcomes.set(each, outcome);
    }
  }
  return outcomes;
}

function reachOne<T>(
  kernel: Kernel,
  borrow: Borrow,
  { fd, cookie }: Omit<Reachable, 'pid'>,
  work: (duplicate: number) => T,
): Outcome<T> {
  try {
    return borrow(fd, (duplicate) =>
      kernel.cookie(duplicate) === cookie
        ? { kind: 'done', value: work(duplicate) }
        : { kind: 'gone' },
    );
  } catch (error) {
    return withoutValue(error);
  }
}

/** No such process; no such descriptor. */
const ESRCH = 3;
const EBADF = 9;

function withoutValue(error: unknown): Outcome<never> {
  if (!(error instanceof KernelRefusal)) throw error;
  const isGone = error.errno === ESRCH || error.errno === EBADF;
  return isGone ? { kind: 'gone' } : { kind: 'refused', reason: error.message };
}
